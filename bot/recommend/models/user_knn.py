"""What members with a similar history touch: the classical neighbourhood of users."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from bot.recommend.explain import cited
from bot.recommend.recommender import Contribution, Contributions, Recommender, Scores
from bot.recommend.rows import Floats, Ints
from bot.recommend.votes import NOBODY, Votes

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import NearestNeighbors


class UserKnn(Recommender):
    """The sum of the cosines of those of the nearest neighbours who touched a thread.

    What neighbours and the member touch counts at once; who may be a neighbour is learned in `fit`. Not the
    default: it keeps who is like whom, and `item_knn` is as good and explains itself.
    """

    name: ClassVar[str] = "user_knn"
    live: ClassVar[bool] = False

    neighbours: int = Field(default=50, ge=1)

    _neighbourhood: "NearestNeighbors | None" = PrivateAttr(default=None)
    _members: Ints = PrivateAttr(default_factory=lambda: np.zeros(0, np.int64))
    _width: int = PrivateAttr(default=0)

    def fit(self, votes: Votes) -> None:
        """See `Recommender`."""
        from scipy.sparse import csr_matrix  # noqa: PLC0415 - with scikit-learn 3.4 s and 123 MB
        from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415

        super().fit(votes)
        members, threads, _times = votes.every()
        self._members, rows = np.unique(members, return_inverse=True)
        self._width, self._neighbourhood = votes.thread_count, None
        if len(self._members):
            shape = len(self._members), self._width
            matrix = csr_matrix((np.ones(len(rows), np.float32), (rows, threads)), shape)
            self._neighbourhood = NearestNeighbors(metric="cosine", algorithm="brute").fit(matrix)

    def scores(self, member: int, candidates: Ints, at: float) -> Scores:
        """See `Recommender`."""
        near, cosines = self._near(member, at)
        read = self._votes.histories(near, at)
        weights = np.repeat(cosines, read.lengths)
        by_thread = np.bincount(read.others, weights=weights, minlength=self._votes.thread_count)
        return by_thread[candidates].astype(np.float32)

    def explain(self, member: int, thread: int, at: float) -> Contributions:
        """See `Recommender`: a neighbour's cosine, spread evenly over the threads both touched."""
        near, cosines = self._near(member, at)
        own = self._votes.history(member, at)
        values = np.zeros(self._votes.thread_count)
        for neighbour, cosine in zip(near.tolist(), cosines.tolist(), strict=True):
            theirs = self._votes.history(neighbour, at)
            if thread in theirs:
                shared = np.intersect1d(own, theirs)
                values[shared] += cosine / len(shared)
        value = float(values.sum())
        parts = cited(np.arange(len(values)), values)
        return Contributions(value, 0.0, (Contribution("readers", value, parts),))

    def _near(self, member: int, at: float) -> tuple[Ints, Floats]:
        """The nearest members who touched something the member touched too, and their cosines."""
        own = self._votes.history(member, at)
        own = own[own < self._width]
        if self._neighbourhood is None or member == NOBODY or not len(own):
            return np.zeros(0, np.int64), np.zeros(0)
        most = min(self.neighbours + 1, len(self._members))
        distances, rows = self._neighbourhood.kneighbors(self._row(own), most)
        near, cosines = self._members[rows[0]], 1.0 - distances[0].astype(np.float64)
        alike = (near != member) & self._shares(own, near, at)
        return near[alike][: self.neighbours], cosines[alike][: self.neighbours]

    def _shares(self, own: Ints, near: Ints, at: float) -> NDArray[np.bool_]:
        """Who of those near has one of these threads before `at`: fitting may have seen later votes."""
        read = self._votes.histories(near, at)
        rows = np.repeat(np.arange(len(near)), read.lengths)
        return np.bincount(rows[np.isin(read.others, own)], minlength=len(near)) > 0

    def _row(self, threads: Ints) -> "csr_matrix":
        from scipy.sparse import csr_matrix  # noqa: PLC0415 - see `fit`

        threads = np.sort(threads)
        ones = np.ones(len(threads), np.float32)
        return csr_matrix((ones, threads, [0, len(threads)]), (1, self._width))
