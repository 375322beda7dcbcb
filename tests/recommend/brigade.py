"""A community of a thousand members, and fifty puppets of one of them who want a thread at the top of it."""

import numpy as np

from bot.recommend.votes import Thread, Vote, Votes
from tests.recommend.communities import DAY_S, HOUR_S

MEMBERS, AUTHORS, DAYS, A_DAY = 1_000, 150, 30, 24
PUPPETS = 50
NOW = DAYS * DAY_S
BAIT, MASTER = "bait", "master"


def community(seed: int, *, bait_age_h: float = 20.0) -> Votes:
    """A month of threads, most of them touched within a day or two; the last one of `MASTER` is the bait.

    The master opens a thread every five days, which a few members like, and then the bait, which three do.
    """
    chance = np.random.default_rng(seed)
    votes = Votes()
    for number in range(DAYS * A_DAY):
        born = number * DAY_S / A_DAY
        author = MASTER if number % (5 * A_DAY) == 60 else f"m{chance.integers(AUTHORS)}"
        _thread(votes, chance, f"t{number}", author, born, int(chance.lognormal(1.9, 0.8)))
    _thread(votes, chance, BAIT, MASTER, NOW - bait_age_h * HOUR_S, 3)
    return votes


def with_puppets(votes: Votes, *, alike: int = 0, seed: int = 0) -> Votes:
    """Fifty new accounts touch what the master opened and nothing else.

    Args:
        alike: so many threads of others, the same for all, are touched by each to seem alike.
    """
    chance = np.random.default_rng(seed)
    theirs = [f"t{number}" for number in range(DAYS * A_DAY) if number % (5 * A_DAY) == 60][-3:]
    others = [f"t{int(number)}" for number in chance.choice(np.arange(400, 700), alike, replace=False)]
    for puppet in range(PUPPETS):
        for thread in (*theirs, *others, BAIT):
            born = float(votes.born(np.array([votes.thread(thread)]))[0])
            soon = max(born, NOW - 8 * DAY_S) + chance.uniform(60, 3 * HOUR_S)
            votes.add(Vote(f"puppet{puppet}", thread, min(soon, NOW - 60)))
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
