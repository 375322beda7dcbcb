"""The newest thread first: what a feed does."""

from typing import ClassVar

import numpy as np

from bot.recommend.recommender import Contribution, Contributions, Recommender, Scores
from bot.recommend.rows import Ints
from bot.recommend.signals import youth


class Newest(Recommender):
    """By age alone."""

    name: ClassVar[str] = "newest"
    personal: ClassVar[bool] = False

    def scores(self, member: int, candidates: Ints, at: float) -> Scores:
        """See `Recommender`."""
        return youth(self._votes, candidates, at).astype(np.float32)

    def explain(self, member: int, thread: int, at: float) -> Contributions:
        """See `Recommender`."""
        value = float(youth(self._votes, np.array([thread]), at)[0])
        return Contributions(value, 0.0, (Contribution("recency", value),))
