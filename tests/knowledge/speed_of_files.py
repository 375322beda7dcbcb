"""How long files of an archived channel take to be read, and whom that keeps waiting.

Usage: python -m tests.knowledge.speed_of_files
"""

import asyncio
import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bot.app import App
from tests.knowledge.pdf import pdf, shown
from tests.living import Life

TEXTS, TEXT_WORDS = 100, 3_500
PDFS, PAGES = 20, 20
_TICK_S = 0.005
_FOR_EVER = timedelta(days=1_000)


async def measure() -> None:
    """Send files, wait until all are read, and tell of both kinds and of the loop meanwhile."""
    chance = random.Random(0)
    texts = [" ".join(f"w{chance.randrange(20_000)}" for _ in range(TEXT_WORDS)) for _ in range(TEXTS)]
    pages = pdf(*[shown(f"page {number} tells of boats and ropes " * 20) for number in range(PAGES)])
    life = Life(Path(tempfile.mkdtemp()))
    async with life.bot() as app:
        await app.store.policies.set(life.room.key, "archive", "yes")
        await _told("text", life, app, [("a.txt", text.encode()) for text in texts])
        await _told("PDF", life, app, [("a.pdf", pages)] * PDFS)


async def _told(kind: str, life: Life, app: App, files: list[tuple[str, bytes]]) -> None:
    known, late = len(life.world.fetched), list[float]()
    ticking = asyncio.create_task(_tick(late))
    began = time.perf_counter()
    for number, file in enumerate(files):
        life.world.say(life.person(f"member{number % 9}"), life.room, "", files=[file])
    attachments = app.store.archive.attachments
    while (  # noqa: ASYNC110 - a database tells nobody
        len(life.world.fetched) < known + len(files)
        or await attachments.due(life.clock() + _FOR_EVER, 1)
        or await attachments.changed(1)
    ):
        await asyncio.sleep(_TICK_S)
    each_ms = 1000 * (time.perf_counter() - began) / len(files)
    ticking.cancel()
    p99, most = (1000 * sorted(late)[at] for at in (int(0.99 * len(late)), -1))
    sys.stdout.write(
        f"{kind}: {each_ms:.0f} ms each; the loop late by {p99:.0f} ms (p99), {most:.0f} ms at most\n"
    )


async def _tick(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_TICK_S)
        late.append(time.perf_counter() - began - _TICK_S)


if __name__ == "__main__":
    asyncio.run(measure())
