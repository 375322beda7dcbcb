"""A community of a thousand members, and fifty puppets of one of them who want a thread at the top of it."""

from functools import cache
from typing import Literal

import numpy as np

from bot.recommend.votes import Thread, Vote, Votes
from tests.recommend.communities import DAY_S, HOUR_S

MEMBERS, AUTHORS, DAYS, A_DAY = 1_000, 150, 30, 24
PUPPETS = 50
NOW = DAYS * DAY_S
BAIT, MASTER = "bait", "master"

Disguise = Literal["same", "own"]
"""The other threads that puppets touch: the same popular ones all of them, or each its own popular ones."""


def community(seed: int, *, bait_age_h: float = 20.0) -> Votes:
    """A month of threads, most of them touched within a day or two; the last one of `MASTER` is the bait.

    The master opens a thread every five days, which a few members like, and then the bait, which three do.
    """
    return _made(seed, bait_age_h).copy()


@cache
def _made(seed: int, bait_age_h: float) -> Votes:
    chance = np.random.default_rng(seed)
    votes = Votes()
    for number in range(DAYS * A_DAY):
        born = number * DAY_S / A_DAY
        author = MASTER if number in MASTERS else f"m{chance.integers(AUTHORS)}"
        _thread(votes, chance, f"t{number}", author, born, int(chance.lognormal(1.9, 0.8)))
    _thread(votes, chance, BAIT, MASTER, NOW - bait_age_h * HOUR_S, 3)
    return votes


MASTERS = range(60, DAYS * A_DAY, 5 * A_DAY)
"""Numbers of the threads of the master."""


def with_puppets(
    votes: Votes, *, others: int = 0, disguise: Disguise = "same", came_days: float = 8.0, seed: int = 0
) -> Votes:
    """Fifty new accounts touch what the master opened lately, and threads of others, and the bait.

    Args:
        others: of so many.
        disguise: of which.
        came_days: they come one by one within so many days.
    """
    chance = np.random.default_rng(seed)
    there = np.array([number for number in range(100, 700) if number not in MASTERS])
    readers = votes.touched(votes.numbers([f"t{number}" for number in there]), NOW)
    popular = there[np.argsort(-readers, kind="stable")][:60]
    same = chance.choice(popular, others, replace=False)
    for puppet in range(PUPPETS):
        own = same if disguise == "same" else chance.choice(popular, others, replace=False)
        came = NOW - chance.uniform(0.5, came_days) * DAY_S
        for thread in (*(f"t{number}" for number in (*MASTERS[-3:], *own.tolist())), BAIT):
            born = float(votes.born(np.array([votes.thread(thread)]))[0])
            soon = max(born, came) + chance.uniform(60, 3 * HOUR_S)
            votes.add(Vote(f"puppet{puppet}", thread, min(soon, NOW - 60)))
    return votes


def with_a_taste(
    votes: Votes, *, fans: int = 60, threads: int = 30, share: float = 0.4, seed: int = 0
) -> Votes:
    """Members who came at all times like one subject and read little else: threads of it, and then the bait.

    Args:
        share: of the threads of that subject that each of them touched.
    """
    chance = np.random.default_rng(seed)
    of_it = np.sort(chance.choice(np.arange(100, 700), threads, replace=False)).tolist()
    for fan in range(fans):
        for number in of_it:
            if chance.random() < share:
                born = number * DAY_S / A_DAY
                votes.add(Vote(f"fan{fan}", f"t{number}", born + chance.uniform(60, 20 * HOUR_S)))
        votes.add(Vote(f"fan{fan}", BAIT, NOW - chance.uniform(60, 8 * HOUR_S)))
    return votes


def _thread(
    votes: Votes, chance: np.random.Generator, id: str, author: str, born: float, touches: int
) -> None:
    votes.open(Thread(id, born, author))
    votes.add(Vote(author, id, born))
    for member in chance.choice(MEMBERS, min(touches, MEMBERS), replace=False).tolist():
        at = born + chance.exponential(10 * HOUR_S)
        if at < NOW and f"m{member}" != author:
            votes.add(Vote(f"m{member}", id, at))
