"""The port of a recommender: it scores threads for a member from votes, and says what a score is made of."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PrivateAttr

from bot.core.discovery import modules, plugins
from bot.core.errors import ConfigError
from bot.core.text import _
from bot.recommend.reason import Cause
from bot.recommend.rows import Ints
from bot.recommend.votes import Votes

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Cited:
    """A thread the member touched, and its part of a contribution."""

    thread: int
    value: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """A part of a score.

    Attributes:
        value: how much of the score.
        cited: the threads it comes from, largest part first; their values sum to `value`.
    """

    cause: Cause
    value: float
    cited: tuple[Cited, ...] = ()


@dataclass(frozen=True, slots=True)
class Contributions:
    """What a score is made of, exactly: `score == base + sum of the parts`.

    Attributes:
        base: the score of a thread a week old that nobody else touched.
    """

    score: float
    base: float
    parts: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A thread for a member; `score` orders threads of one answer and means nothing else."""

    thread: str
    score: float


class Recommender(BaseModel, ABC):
    """Hyperparameters as fields; `fit` gives it a community's votes, which it goes on reading as they change.

    A vote is folded in with `votes.add` and taken out with `votes.drop`, `forget` or `close`: a live model
    counts from then on as if it had been fitted so. What it says about a moment rests on votes before it
    only. Same votes, same scores: chance comes from a `seed` among the fields.

    Attributes:
        name: what tables, files and settings call it.
        live: False when a part is learned in `fit` and ages until the next one.
        personal: False when it scores threads alike for everybody.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    live: ClassVar[bool] = True
    personal: ClassVar[bool] = True

    _votes: Votes = PrivateAttr(default_factory=Votes)

    def fit(self, votes: Votes) -> None:
        """Learn from all that happened so far."""
        self._votes = votes

    @abstractmethod
    def scores(self, member: int, candidates: Ints, at: float) -> Scores:
        """How much a member would like threads at a moment.

        Args:
            member: a number of the votes; NOBODY for somebody new.
            candidates: numbers of threads, int64 (candidates,).
            at: unix seconds.

        Returns:
            float32 (candidates,), larger is better; no NaN and nothing infinite.
        """

    @abstractmethod
    def explain(self, member: int, thread: int, at: float) -> Contributions:
        """What the score of one thread is made of."""

    def recommend(
        self, member_id: str, at: float, most: int = 10, among: Ints | None = None
    ) -> list[Recommendation]:
        """The best threads for a member, best first; of equal ones the newest.

        Args:
            member_id: known or new.
            at: unix seconds.
            most: so many at most.
            among: numbers of threads to choose from; without it all the member neither touched nor wrote.
        """
        member = self._votes.member(member_id)
        candidates = self._votes.candidates(member, at) if among is None else among
        candidates = newest_first(self._votes, candidates)
        scores = self.scores(member, candidates, at)
        return [
            Recommendation(self._votes.thread_id(int(candidates[place])), float(scores[place]))
            for place in best(scores, most)
        ]


def newest_first(votes: Votes, threads: Ints) -> Ints:
    """Threads by birth, the youngest first; ties by number."""
    return threads[np.argsort(-votes.born(threads), kind="stable")]


def best(scores: Scores, most: int) -> Ints:
    """Places of the highest scores, highest first; equal ones keep their order."""
    if most < len(scores):
        bound = np.partition(scores, len(scores) - most)[len(scores) - most]
        places = np.flatnonzero(scores >= bound)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:most]


@cache
def recommenders() -> dict[str, type[Recommender]]:
    """Every recommender by name; other distributions offer theirs as entry points of `llmos.recommenders`."""
    found = {}
    for module in modules("bot.recommend.models"):
        for each in vars(module).values():
            if (
                isinstance(each, type)
                and issubclass(each, Recommender)
                and each.__module__ == module.__name__
            ):
                found[each.name] = each
    for plugin in plugins("recommenders"):
        if isinstance(plugin, type) and issubclass(plugin, Recommender):
            found[plugin.name] = plugin
    return found


def recommender(name: str, **hyperparameters: object) -> Recommender:
    """A recommender by name.

    Raises:
        ConfigError: there is none of that name.
    """
    found = recommenders()
    if name not in found:
        known = ", ".join(sorted(found))
        raise ConfigError(_("There is no recommender {name}. There are: {known}", name=name, known=known))
    return found[name](**hyperparameters)
