"""Threads that share readers with those a member touched; nothing else."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from bot.recommend.explain import cited
from bot.recommend.recommender import Contribution, Contributions, Recommender, Scores
from bot.recommend.rows import Ints
from bot.recommend.signals import Taste


class ItemKnn(Recommender):
    """Live co-occurrence with shrinkage, see `Taste`: a new thread is found from its first reaction on."""

    name: ClassVar[str] = "item_knn"

    shrinkage: float = Field(default=2.0, gt=0)
    calm: float = Field(default=10.0, ge=0)

    @property
    def _taste(self) -> Taste:
        return Taste(self.shrinkage, self.calm)

    def scores(self, member: int, candidates: Ints, at: float) -> Scores:
        """See `Recommender`."""
        return self._taste.of(self._votes, member, candidates, at).astype(np.float32)

    def explain(self, member: int, thread: int, at: float) -> Contributions:
        """See `Recommender`."""
        threads, values = self._taste.parts(self._votes, member, thread, at)
        value = float(values.sum())
        return Contributions(value, 0.0, (Contribution("readers", value, cited(threads, values)),))
