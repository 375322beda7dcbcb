"""How many messages go through, what each costs, and how long it takes to decide about one."""

import asyncio
import gc
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from itertools import cycle
from pathlib import Path
from time import perf_counter

from tests.bench.discord import ours, peer
from tests.bench.discord.figures import Flood, Steady
from tests.bench.discord.places import Place
from tests.bench.figures import Waits, ratio
from tests.bench.programs import PATIENCE_S

ORDINARY = "an ordinary message of the length that people write, number {} of them all"

_LOOK_EVERY_S = 0.02
_TURNS_A_SECOND = 100


async def flood(mine: Place, theirs: Place, count: int, shown: Callable[[str], None]) -> Flood:
    """Hand over many messages as fast as they are taken, to our bot with a filter, then to the peer.

    All are packed before the first one is sent, so the speed of this Discord's own code is not in the time.
    """
    shown(f"{count} messages at once")
    config = mine.house.write()
    async with mine.connected("flood", *ours.command(config)) as program:
        database = mine.house.config.storage.path
        assert database is not None
        told = _talk(mine, 100)
        known = await _settled(database, len(told))
        cpu_s = program.cpu_s
        told += _talk(mine, count)
        began = perf_counter()
        found = await _settled(database, len(told))
        seconds, cpu_s = perf_counter() - began, program.cpu_s - cpu_s
    shown(f"{count} messages at once to the peer")
    async with theirs.peer(peer.COUNT) as other:
        await other.missing(["ready"])
        _talk(theirs, 100)
        theirs.members[0].say(theirs.channels[0], peer.ASK_COUNT)
        await other.missing(["count:100"])
        peer_cpu_s = other.cpu_s
        _talk(theirs, count)
        theirs.members[0].say(theirs.channels[0], peer.ASK_COUNT)
        began = perf_counter()
        all_of_them = f"count:{count + 100}"
        peer_lost = await other.missing([all_of_them])
        peer_seconds, peer_cpu_s = perf_counter() - began, other.cpu_s - peer_cpu_s
    assert len(known) == 100
    per_second, peer_per_second = count / seconds, count / peer_seconds
    return Flood(
        messages=count,
        words=len(ours.WORDS),
        per_second=round(per_second),
        peer_per_second=round(peer_per_second),
        ratio=ratio(per_second, peer_per_second),
        lost=len(set(told) - set(found)),
        duplicated=len(found) - len(set(found)),
        peer_lost=len(peer_lost),
        cpu_us=round(cpu_s / count * 1e6),
        peer_cpu_us=round(peer_cpu_s / count * 1e6),
    )


async def steady(
    mine: Place, theirs: Place, rate: float, seconds: float, shown: Callable[[str], None]
) -> Steady:
    """Send messages at a steady rate to our bot with a filter, and then to the peer."""
    config = mine.house.write()
    shown(f"{rate:g} messages a second")
    async with mine.connected("steady", *ours.command(config, tells=True)) as program:
        await program.missing(_talk(mine, 100))
        cpu_s = program.cpu_s
        sent, reached = await _steadily(mine, rate, seconds)
        lost = await program.missing(sent)
        cpu_s = program.cpu_s - cpu_s
    shown(f"{rate:g} messages a second to the peer")
    async with theirs.peer(peer.LISTEN) as other:
        await other.missing(["ready"])
        await other.missing(_talk(theirs, 100))
        peer_cpu_s = other.cpu_s
        received, _reached = await _steadily(theirs, rate, seconds)
        await other.missing(received)
        peer_cpu_s = other.cpu_s - peer_cpu_s
    return Steady(
        messages=len(sent),
        per_second=round(reached),
        words=len(ours.WORDS),
        ours=Waits.of([program.told[id] - at for id, at in sent.items() if id not in lost]),
        peer=Waits.of([other.told[id] - at for id, at in received.items() if id in other.told]),
        lost=len(lost),
        cpu_us=round(cpu_s / len(sent) * 1e6),
        peer_cpu_us=round(peer_cpu_s / len(received) * 1e6),
    )


def _talk(place: Place, count: int) -> list[str]:
    """Everybody says something, everywhere; the ids. Nothing leaves before the loop turns."""
    turns = zip(range(count), cycle(place.members), cycle(place.channels[1:]), strict=False)
    return [member.say(channel, ORDINARY.format(number)) for number, member, channel in turns]


async def _steadily(place: Place, rate: float, seconds: float) -> tuple[dict[str, float], float]:
    """When each message was sent, by its id, and how many there were a second."""
    gc.collect()
    gc.freeze()  # this process is the clock, and shall not stand still for its own garbage
    sent: dict[str, float] = {}
    turns = cycle(zip(place.members, place.channels, strict=False))
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (elapsed := loop.time() - began) < seconds:
        while len(sent) < elapsed * rate:
            member, channel = next(turns)
            at = time.time()
            sent[member.say(channel, ORDINARY.format(len(sent)))] = at
        await asyncio.sleep(1 / _TURNS_A_SECOND)
    return sent, len(sent) / elapsed


async def _settled(database: Path, count: int) -> list[str]:
    """The message ids of the rows, when there are so many or no more come."""
    last_news, before = perf_counter(), 0
    while before < count and perf_counter() - last_news < PATIENCE_S:
        await asyncio.sleep(_LOOK_EVERY_S)
        if (found := await asyncio.to_thread(_count, database)) > before:
            last_news, before = perf_counter(), found
    return await asyncio.to_thread(_ids, database)


def _count(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        return int(file.execute("SELECT count(*) FROM messages WHERE NOT ours").fetchone()[0])


def _ids(database: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        return [id for (id,) in file.execute("SELECT message_id FROM messages WHERE NOT ours")]
