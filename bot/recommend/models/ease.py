"""A linear autoencoder over threads: each thread is foretold from the others a member touched."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from bot.recommend.explain import cited
from bot.recommend.recommender import Contribution, Contributions, Recommender, Scores
from bot.recommend.rows import Ints
from bot.recommend.votes import NOBODY, Votes


class Ease(Recommender):
    """EASE. The member's own touches count at once; weights between threads are learned in `fit`.

    Source: Harald Steck, "Embarrassingly shallow autoencoders for sparse data", 2019.
    Complexity: threads³ and 4 * threads² bytes: 4,000 threads take about 1.5 s and 64 MB to keep.

    Attributes:
        ridge: λ of the paper.
        most_threads: only the threads touched last are taken in.
    """

    name: ClassVar[str] = "ease"
    live: ClassVar[bool] = False

    ridge: float = Field(default=100.0, gt=0)
    most_threads: int = Field(default=4000, ge=1)

    _weights: NDArray[np.float32] = PrivateAttr(default_factory=lambda: np.zeros((0, 0), np.float32))
    _places: Ints = PrivateAttr(default_factory=lambda: np.zeros(0, np.int64))

    def fit(self, votes: Votes) -> None:
        """See `Recommender`."""
        from scipy.linalg.lapack import spotrf, spotri  # noqa: PLC0415 - slow to import
        from scipy.sparse import csr_matrix  # noqa: PLC0415

        super().fit(votes)
        members, threads, _times = votes.every()
        kept = self._kept(threads)
        self._places = np.full(votes.thread_count, NOBODY)
        self._places[kept] = np.arange(len(kept))
        inside = self._places[threads] != NOBODY
        columns, rows = self._places[threads[inside]], members[inside]
        touches = csr_matrix(
            (np.ones(len(rows), np.float32), (rows, columns)), (votes.member_count, len(kept))
        )
        gram = (touches.T @ touches).toarray().astype(np.float32)
        gram[np.diag_indices_from(gram)] += self.ridge
        if not len(kept):
            self._weights = gram
            return
        factor, _always_positive = spotrf(gram, lower=True, overwrite_a=True)
        half, _always_positive = spotri(factor, lower=True, overwrite_c=True)
        inverse = np.tril(half) + np.tril(half, -1).T
        self._weights = -inverse / np.diag(inverse)
        np.fill_diagonal(self._weights, 0.0)

    def scores(self, member: int, candidates: Ints, at: float) -> Scores:
        """See `Recommender`."""
        scores = np.zeros(len(candidates), np.float32)
        own, places = self._inside(self._votes.history(member, at)), self._place(candidates)
        known = places != NOBODY
        if len(own):
            scores[known] = (np.ones(len(own), np.float32) @ self._weights[own])[places[known]]
        return scores

    def explain(self, member: int, thread: int, at: float) -> Contributions:
        """See `Recommender`."""
        own, place = self._votes.history(member, at), int(self._place(np.array([thread]))[0])
        own = own[self._place(own) != NOBODY]
        values = np.zeros(len(own))
        if place != NOBODY:
            values = self._weights[self._inside(own), place].astype(np.float64)
        value = float(values.sum())
        return Contributions(value, 0.0, (Contribution("readers", value, cited(own, values)),))

    def _kept(self, threads: Ints) -> Ints:
        """The threads touched last, by number; `threads` in order of their touches."""
        last_first, places = np.unique(threads[::-1], return_index=True)
        kept = last_first[np.argsort(places)][: self.most_threads]
        return np.asarray(np.sort(kept), np.int64)

    def _place(self, threads: Ints) -> Ints:
        """Where threads are in the weights, NOBODY for those outside."""
        places = np.full(len(threads), NOBODY)
        old = threads < len(self._places)
        places[old] = self._places[threads[old]]
        return places

    def _inside(self, threads: Ints) -> Ints:
        places = self._place(threads)
        inside: Ints = places[places != NOBODY]
        return inside
