"""Hacker News' front page: reactions against gravity."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from bot.recommend.recommender import Contribution, Contributions, Recommender, Scores
from bot.recommend.rows import Ints
from bot.recommend.signals import reactions, youth


class HackerNews(Recommender):
    """The logarithm of `(1 + members who touched it) / (age in hours + 2) ** gravity`, which orders alike.

    A thread itself is worth one reaction, so that those nobody touched yet are ordered by age; otherwise they
    would all be worth 0, which loses .37 nDCG@10 on history.meta, where most threads are answered once.

    Source: "How Hacker News ranking algorithm works", Amir Salihefendic, 2010: gravity 1.8.
    """

    name: ClassVar[str] = "hn"
    personal: ClassVar[bool] = False

    gravity: float = Field(default=1.8, ge=0)

    def scores(self, member: int, candidates: Ints, at: float) -> Scores:
        """See `Recommender`."""
        pull = self.gravity * youth(self._votes, candidates, at)
        return (reactions(self._votes, candidates, at) + pull).astype(np.float32)

    def explain(self, member: int, thread: int, at: float) -> Contributions:
        """See `Recommender`."""
        only = np.array([thread])
        recency = self.gravity * float(youth(self._votes, only, at)[0])
        reacted = float(reactions(self._votes, only, at)[0])
        parts = (Contribution("recency", recency), Contribution("reactions", reacted))
        return Contributions(recency + reacted, 0.0, parts)
