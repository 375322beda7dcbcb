"""Communities whose tastes are known, because they were made so."""

from datetime import datetime, timedelta

import numpy as np

from bot.core.events import Channel
from bot.recommend.interactions import Interactions
from bot.recommend.rows import Floats
from bot.recommend.votes import Thread, Vote, Votes
from bot.storage.threads import Noted, ThreadRef, Touch

DAY_S = 86_400.0
HOUR_S = 3_600.0


def checkerboard(side: int = 10) -> Votes:
    """Even members touch even threads, odd ones odd threads, each but the one of its own number."""
    threads = [Thread(f"t{thread}", 0.0) for thread in range(side)]
    votes = [
        Vote(f"m{member}", f"t{thread}", HOUR_S * (1 + member * side + thread))
        for member in range(side)
        for thread in range(side)
        if member % 2 == thread % 2 and member != thread
    ]
    return Votes(threads, votes)


def two_tastes(
    members: int = 60, threads: int = 400, choices: int = 3_000, seed: int = 0, loyalty: float = 0.95
) -> Interactions:
    """Two tastes that differ in nothing else: as many members, threads as young and as popular in both.

    Each choice falls on one of the twenty youngest threads, all equally likely, of the member's taste for the
    most part. Nothing but who else chose a thread tells its taste.
    """
    chance = np.random.default_rng(seed)
    born = np.arange(threads, dtype=np.float64) * HOUR_S
    taste = chance.permutation(np.arange(threads) % 2)
    rows, touched = [], set[tuple[int, int]]()
    for at in np.sort(chance.uniform(born[40], born[-1], choices)).tolist():
        member = int(chance.integers(members))
        there = np.arange(int(np.searchsorted(born, at)))[-20:]
        wanted = member % 2 if chance.random() < loyalty else 1 - member % 2
        liked = [int(each) for each in there if taste[each] == wanted and (member, int(each)) not in touched]
        if liked:
            thread = liked[int(chance.integers(len(liked)))]
            touched.add((member, thread))
            rows.append((member, thread, at))
    return columns(rows, born)


def columns(rows: list[tuple[int, int, float]], born: Floats) -> Interactions:
    """Interactions of members m0, m1, … with threads t0, t1, … of unknown authors."""
    who, what, when = (np.array(column) for column in zip(*rows, strict=True))
    return Interactions(
        tuple(f"m{number}" for number in range(int(who.max()) + 1)),
        tuple(f"t{number}" for number in range(len(born))),
        who.astype(np.int64),
        what.astype(np.int64),
        when.astype(np.float64),
        born.astype(np.float64),
        np.full(len(born), -1, np.int64),
    )


def of_two_tastes(room: Channel, now: datetime) -> Noted:
    """A community whose members chose by taste, until a minute ago."""
    told = two_tastes()
    begin = now - timedelta(seconds=float(told.times[-1]) + 60)
    threads = tuple(
        ThreadRef(room.community_key, room.key, name, begin + timedelta(seconds=float(born)), name)
        for name, born in zip(told.thread_ids, told.born, strict=True)
    )
    rows = zip(told.members.tolist(), told.threads.tolist(), told.times.tolist(), strict=True)
    return Noted(
        threads,
        tuple(
            Touch(
                room.key, f"t{what}", f"m{who}", "reaction", begin + timedelta(seconds=when), f"t{what}", "👍"
            )
            for who, what, when in rows
        ),
    )
