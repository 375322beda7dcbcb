"""What a list of recommendations is worth, and how sure that is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bot.recommend.rows import Floats, Ints
from bot.recommend.votes import Votes

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST = 10
"""Length of a list; the 10 of nDCG@10."""

RESAMPLES = 2000


def gain(above: int) -> float:
    """nDCG@10 of a list in which the one right thread has so many above it."""
    return float(1 / np.log2(above + 2)) if above < MOST else 0.0


def discounted(wanted: Ints) -> float:
    """DCG@10 of a list.

    Args:
        wanted: how many wanted each thread, in order; many count with the logarithm of their number.
    """
    top = wanted[:MOST]
    return float((np.log2(top + 1) / np.log2(np.arange(len(top)) + 2)).sum())


def gini(shown: Ints) -> float:
    """How unevenly things were shown: 0 all alike, near 1 always the same.

    Args:
        shown: how often each, those never shown included.
    """
    ordered = np.sort(shown)
    places = np.arange(1, len(ordered) + 1)
    return float((2 * places - len(ordered) - 1) @ ordered / (len(ordered) * ordered.sum()))


def diversity(lists: Sequence[Ints], votes: Votes) -> float:
    """1 - the mean cosine of the readers of two threads in one list; one without readers is like none."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - slow to import

    readers = _normed_readers(votes)
    longer = [each for each in lists if len(each) > 1]
    if not longer:
        return 0.0
    sizes = np.array([len(each) for each in longer])
    where = np.repeat(np.arange(len(longer)), sizes), np.concatenate(longer)
    chosen = csr_matrix((np.ones(sizes.sum()), where), (len(longer), readers.shape[0]))
    alone = np.asarray(readers.multiply(readers).sum(axis=1)).ravel()
    together = chosen @ readers
    squares = np.asarray(together.multiply(together).sum(axis=1)).ravel()
    return float(1 - np.mean((squares - chosen @ alone) / (sizes * (sizes - 1))))


def _normed_readers(votes: Votes) -> "csr_matrix":
    """Who touched each thread, float64 (threads, members), rows of length 1."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - slow to import

    members, threads, _times = votes.every()
    counts = np.bincount(threads, minlength=votes.thread_count)
    shape = votes.thread_count, votes.member_count
    return csr_matrix((1 / np.sqrt(counts[threads]), (threads, members)), shape)


class Resampled:
    """A bootstrap that draws members, since what one member chooses is not independent.

    Attributes:
        members: how many made the choices.
    """

    def __init__(self, choosers: Ints, seed: int) -> None:
        """Args: choosers: the member of each choice."""
        numbers, self._chooser = np.unique(choosers, return_inverse=True)
        self.members = len(numbers)
        draws = np.random.default_rng(seed).multinomial(
            self.members, np.full(self.members, 1 / self.members), RESAMPLES
        )
        self._draws = draws.astype(np.float64)
        self._sizes = self._draws @ np.bincount(self._chooser)

    def interval(self, values: Floats) -> tuple[float, float]:
        """95 % of the mean over choices.

        Args:
            values: one for each choice.
        """
        means = self._draws @ np.bincount(self._chooser, weights=values) / self._sizes
        low, high = np.quantile(means, [0.025, 0.975])
        return float(low), float(high)
