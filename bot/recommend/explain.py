"""From contributions to reasons: the largest first, as data; words are found where they are shown."""

from dataclasses import dataclass

import numpy as np

from bot.recommend.recommender import Cause, Cited, Contribution, Contributions
from bot.recommend.rows import Floats, Ints
from bot.recommend.votes import Votes

MOST_CITED = 3
"""Threads that a reason names."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a thread is recommended.

    Attributes:
        share: this cause's part of everything that speaks for the thread, 0..1.
        age_s: for `recency`, how old the thread is, in seconds.
        members: for `reactions`, how many others touched it.
        threads: for `readers`, ids of at most three threads the member touched, weightiest first.
    """

    cause: Cause
    share: float
    age_s: float | None = None
    members: int | None = None
    threads: tuple[str, ...] = ()


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
