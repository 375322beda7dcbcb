"""What is touched most these days."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from bot.recommend.recommender import Contribution, Contributions, Recommender, Scores
from bot.recommend.rows import Ints
from bot.recommend.signals import fading


class RecentPopularity(Recommender):
    """Touches, each worth half as much after every half-life."""

    name: ClassVar[str] = "recent_popularity"
    personal: ClassVar[bool] = False

    half_life_days: float = Field(default=1.0, gt=0)

    def scores(self, member: int, candidates: Ints, at: float) -> Scores:
        """See `Recommender`."""
        return fading(self._votes, candidates, at, self.half_life_days).astype(np.float32)

    def explain(self, member: int, thread: int, at: float) -> Contributions:
        """See `Recommender`."""
        value = float(fading(self._votes, np.array([thread]), at, self.half_life_days)[0])
        return Contributions(value, 0.0, (Contribution("reactions", value),))
