"""How soon the bot stands there, and how much memory it needs for that."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import cycle
from time import perf_counter

from tests.bench.discord import peer
from tests.bench.discord.figures import Memory, Starts
from tests.bench.discord.load import ORDINARY
from tests.bench.discord.places import Place
from tests.bench.programs import Program
from tests.labs.discord.people import Person

_PER_TURN = 500


async def starts(mine: Place, theirs: Place, times: int, shown: Callable[[str], None]) -> Starts:
    """Start both bots in turn, each several times; our first start makes the database and is not counted."""
    config = mine.house.write()
    spent: dict[str, list[float]] = {"ours": [], "peer": []}
    for number in range(times + 1):
        shown(f"start {number} of {times}")
        for name, place, command in (
            ("ours", mine, ("bot", "run", "--config", str(config))),
            ("peer", theirs, peer.command(peer.LISTEN, theirs.lab)),
        ):
            began = perf_counter()
            async with place.connected(f"start-{name}", *command):
                spent[name].append(perf_counter() - began)
    ours, others = spent["ours"][1:], spent["peer"][1:]
    return Starts(times, *(round(each, 2) for each in (min(ours), max(ours), min(others), max(others))))


async def memory(
    mine: Place, theirs: Place, count: int, settle_s: float, shown: Callable[[str], None]
) -> Memory:
    """Read the memory of both bots before and after they came to a guild with many members."""
    shown("memory of an idle bot")
    async with (
        mine.service() as program
    ):  # makes the database, which takes some memory that later starts do not
        first_mb = await _settled(program, settle_s)
    async with mine.service() as program:
        idle_mb = await _settled(program, settle_s)
        few = mine.members
        await _talk(mine, few, count)
        talked_mb = await _settled(program, settle_s) - idle_mb
    peer_idle_mb = await _peers(theirs, settle_s)
    shown(f"{count} members")
    people = [_crowd(place, count) for place in (mine, theirs)]
    async with mine.service() as program:
        crowded_mb = await _settled(program, settle_s)
        await _talk(mine, people[0], count)
        heard_mb = await _settled(program, settle_s) - crowded_mb
    peer_crowded_mb = await _peers(theirs, settle_s)
    figures = (
        first_mb,
        idle_mb,
        crowded_mb - idle_mb,
        heard_mb,
        talked_mb,
        peer_idle_mb,
        peer_crowded_mb - peer_idle_mb,
    )
    first, idle, added, heard, talked, peer_idle, peer_added = (round(each, 1) for each in figures)
    return Memory(first, idle, count, added, heard, talked, peer_idle, peer_added)


async def _peers(theirs: Place, settle_s: float) -> float:
    async with theirs.peer(peer.HOLD) as program:
        await program.missing(["ready"])
        return await _settled(program, settle_s)


async def _settled(program: Program, settle_s: float) -> float:
    await asyncio.sleep(settle_s)
    return program.rss_mb


def _crowd(place: Place, count: int) -> list[Person]:
    """So many new members of the guild."""
    return [place.house.server.member(f"somebody{number}") for number in range(count)]


async def _talk(place: Place, people: Sequence[Person], count: int) -> None:
    speakers, channels = cycle(people), cycle(place.channels)
    for number in range(count):
        next(speakers).say(next(channels), ORDINARY.format(number))
        if number % _PER_TURN == 0:
            await asyncio.sleep(0.1)
