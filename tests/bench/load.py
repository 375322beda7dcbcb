"""How many messages a second go through, what each costs, and that none is lost."""

import asyncio
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from itertools import cycle
from pathlib import Path
from time import perf_counter

from tests.bench.figures import Sustained
from tests.bench.guests import Guest, plain
from tests.bench.programs import PATIENCE_S, Program

_LOOK_EVERY_S = 0.05


async def measure(
    guests: Sequence[Guest],
    rooms: Sequence[str],
    ours: Program,
    database: Path,
    peer: Program,
    seconds: float,
) -> Sustained:
    """Everybody sends, each as fast as the homeserver accepts it, for so long."""
    cpu_s, peer_cpu_s = ours.cpu_s, peer.cpu_s
    began = perf_counter()
    sent = await _flood(guests, rooms, seconds)
    accepted = perf_counter()
    rows = await _settled(database, sent)
    stored = perf_counter()
    nio_lost = await peer.missing(sent)
    count = len(sent)
    return Sustained(
        people=len(guests),
        messages=count,
        per_second=round(count / (stored - began), 1),
        behind_ms=round((stored - accepted) * 1000, 1),
        lost=len(set(sent) - set(rows)),
        duplicated=len(rows) - len(set(rows)),
        nio_lost=len(nio_lost),
        cpu_us_per_event=round((ours.cpu_s - cpu_s) / count * 1e6),
        nio_cpu_us_per_event=round((peer.cpu_s - peer_cpu_s) / count * 1e6),
    )


async def _flood(guests: Sequence[Guest], rooms: Sequence[str], seconds: float) -> list[str]:
    """The ids of what was accepted."""
    sent: list[str] = []
    end = perf_counter() + seconds

    async def talk(guest: Guest, first: int) -> None:
        places = cycle([*rooms[first:], *rooms[:first]])
        while perf_counter() < end:
            sent.append(await guest.say(next(places), plain(f"message {len(sent)} of many, of usual length")))

    async with asyncio.TaskGroup() as tasks:
        for number, guest in enumerate(guests):
            tasks.create_task(talk(guest, number % len(rooms)))
    return sent


async def _settled(database: Path, sent: Collection[str]) -> list[str]:
    """The ids of the rows of these messages, when all are there or no more come."""
    rows: list[str] = []
    last_news = perf_counter()
    while len(set(rows)) < len(sent) and perf_counter() - last_news < PATIENCE_S:
        await asyncio.sleep(_LOOK_EVERY_S)
        found = await asyncio.to_thread(_rows, database, set(sent))
        last_news = perf_counter() if len(found) > len(rows) else last_news
        rows = found
    return rows


def _rows(database: Path, wanted: Collection[str]) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        return [id for (id,) in file.execute("SELECT message_id FROM messages") if id in wanted]
