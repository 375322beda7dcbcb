"""From contributions to reasons: the largest first, as data; words are found where they are shown."""

import numpy as np

from bot.recommend.reason import Reason
from bot.recommend.recommender import Cited, Contribution, Contributions
from bot.recommend.rows import Floats, Ints
from bot.recommend.votes import Votes

MOST_CITED = 3
"""Threads that a reason names."""


def reasons(votes: Votes, thread: int, contributions: Contributions, at: float) -> tuple[Reason, ...]:
    """What speaks for a thread, largest contribution first; what speaks against it is left out.

    Args:
        contributions: of that thread at that moment.
        at: unix seconds.
    """
    speaking = sorted(
        (part for part in contributions.parts if part.value > 0), key=lambda part: part.value, reverse=True
    )
    total = sum(part.value for part in speaking)
    return tuple(_reason(votes, thread, part, part.value / total, at) for part in speaking)


def _reason(votes: Votes, thread: int, part: Contribution, share: float, at: float) -> Reason:
    only = np.array([thread])
    match part.cause:
        case "recency":
            return Reason(part.cause, share, age_s=max(0.0, at - float(votes.born(only)[0])))
        case "reactions":
            return Reason(part.cause, share, members=int(votes.followers(only, at)[0]))
        case "readers":
            cited = tuple(votes.thread_id(each.thread) for each in part.cited[:MOST_CITED])
            return Reason(part.cause, share, threads=cited)


def cited(threads: Ints, values: Floats) -> tuple[Cited, ...]:
    """Threads with a part of their own, largest first, ties by number."""
    places = np.flatnonzero(values)
    places = places[np.argsort(-values[places], kind="stable")]
    return tuple(Cited(int(threads[place]), float(values[place])) for place in places)
