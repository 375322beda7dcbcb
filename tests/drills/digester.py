"""A bot with digests, to be killed: `python -m tests.drills.digester PORT FOLDER BEGAN`.

For each second since BEGAN (Unix seconds) eight hours pass on its clock; something new is always there.
"""

import asyncio
import sys
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.adapters.wire import RemoteWorld
from bot.app import opened
from bot.config import Config
from bot.config.sections import Bot, Metrics, Storage
from bot.core.events import Identity
from bot.llm.echo import EchoModel
from bot.recommend import digest
from bot.recommend.reason import Reason
from bot.recommend.worth import ThreadRef, Worth
from tests.drills.victim import Announcing

HOURS_A_SECOND = 8.0
EVENING = datetime(2026, 3, 28, 18, tzinfo=UTC)
"""Evening of the night in which Berlin's clocks are set forward."""


class Clock:
    """Time that runs fast, the same in every process."""

    def __init__(self, began: float) -> None:
        self._began = began

    def __call__(self) -> datetime:
        return EVENING + timedelta(hours=(time.time() - self._began) * HOURS_A_SECOND)


class Endless:
    """There is always another thread."""

    async def for_channel(
        self,
        community: str,
        readable: Collection[str],
        n: int,
        at: datetime,
        without: Collection[str],
        only: Collection[str] | None = None,
    ) -> Sequence[Worth]:
        return self._chosen(community, readable, n, at, without)

    async def for_member(
        self,
        member: Identity,
        community: str,
        readable: Collection[str],
        n: int,
        at: datetime,
        without: Collection[str] = (),
    ) -> Sequence[Worth]:
        return self._chosen(community, readable, n, at, without)

    def _chosen(
        self, community: str, readable: Collection[str], n: int, at: datetime, without: Collection[str]
    ) -> Sequence[Worth]:
        (channel, *_others) = sorted(readable)
        found: list[Worth] = []
        number = 0
        while len(found) < n:
            thread = ThreadRef(
                community, channel, f"t{number}", at, title=f"Thread {number}.", in_channel=True
            )
            if thread.key not in without:
                found.append(Worth(thread, (Reason("recency", 1.0, age_s=60),)))
            number += 1
        return found


async def main(port: int, folder: Path, began: float) -> None:
    digest.LOOK_EVERY = digest.SHORTEST = timedelta(milliseconds=20)
    config = Config(
        bot=Bot(data_dir=folder, name="llmos"),
        storage=Storage(url=f"sqlite:///{folder}/llmos.db"),
        metrics=Metrics(listen=""),
    )
    adapter = Announcing(RemoteWorld(port))
    made = opened(config, [adapter], models={"echo": EchoModel()}, chooser=Endless(), now=Clock(began))
    async with made as app:
        await app.run()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
