"""A list for everybody should not say the same thing five times: relevance against likeness."""

from collections.abc import Sequence

import numpy as np

from bot.recommend.recommender import Scores
from bot.recommend.rows import Ints
from bot.recommend.votes import NOBODY, Votes

LIKENESS_COSTS = 1.0
"""What it costs to be just like a thread chosen before; scores of the blend are logarithms of odds."""

SAME_AUTHOR, SAME_CHANNEL = 1.0, 0.5
"""How alike threads of one author, and of one channel, are at least."""


def mixed(votes: Votes, threads: Ints, scores: Scores, channels: Sequence[str], most: int) -> list[int]:
    """Places of threads, each time the best one when its likeness to those before is taken off.

    Two threads are as alike as the cosine of their readers.

    Args:
        threads, scores: best first.
        channels: of each thread.

    Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking", 1998.
    Complexity: threads x most.
    """
    if not len(threads):
        return []
    readers = [
        set(votes.readers(threads[place : place + 1], np.inf).others.tolist())
        for place in range(len(threads))
    ]
    worst = np.zeros(len(threads))
    left, chosen = list(range(len(threads))), list[int]()
    while left and len(chosen) < most:
        best = max(left, key=lambda place: float(scores[place] - LIKENESS_COSTS * worst[place]))
        left.remove(best)
        chosen.append(best)
        for place in left:
            alike = _cosine(readers[place], readers[best])
            author = votes.author(int(threads[place]))
            if author != NOBODY and author == votes.author(int(threads[best])):
                alike = max(alike, SAME_AUTHOR)
            if channels[place] == channels[best]:
                alike = max(alike, SAME_CHANNEL)
            worst[place] = max(worst[place], alike)
    return chosen


def _cosine(one: set[int], other: set[int]) -> float:
    return len(one & other) / (len(one) * len(other)) ** 0.5 if one and other else 0.0
