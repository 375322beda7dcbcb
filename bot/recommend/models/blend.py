"""The default: recency, popularity and shared readers, weighed by what this community's members chose."""

from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from bot.recommend import signals
from bot.recommend.explain import cited
from bot.recommend.independence import Dependent, dependent
from bot.recommend.recommender import Contribution, Contributions, Recommender, Scores
from bot.recommend.rows import Floats, Ints
from bot.recommend.signals import Taste
from bot.recommend.votes import Votes

_TASTE_SCALE = 20.0
"""Where the logarithm of the shared readers bends: at an average similarity of a twentieth."""

_LEAST_FADING = 0.01
"""A touch of a week ago, at a half-life of a day: less than this is as good as nothing."""


class Weights(BaseModel):
    """How much each signal counts; small enough to be kept as JSON.

    The defaults lie half-way between Hacker News' formula (1.8 : 0 : 1 : 0 : 0, softened by .6) and what
    Deskdrop and history.meta teach. They are the blend of a community without a history.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    youth: float = 1.0
    order: float = 0.1
    reactions: float = 0.5
    recent: float = 0.2
    taste: float = 1.25

    def array(self) -> Floats:
        """As float64 (5,), in the order of the fields."""
        return np.array(list(self.model_dump().values()))

    @classmethod
    def of(cls, values: Floats) -> "Weights":
        """From the same order."""
        return cls(**dict(zip(cls.model_fields, values.tolist(), strict=True)))


class Blend(Recommender):
    """A conditional logit: of all threads there were, which one did the member choose?

    Its signals include those of `newest` and `hn`, so it can be either. It is fitted on the last part of the
    past, each choice beside threads drawn uniformly: draws that depend on a signal, such as popular ones,
    turn the weight of that signal round. A penalty holds the weights near `prior` until choices outweigh it.

    Attributes:
        prior: the weights of a community that chose nothing yet.
        penalty: how many units of log-likelihood it costs when a weight is 1 off the prior.
        fit_share: the last share of the time span that is learned from; .3125 of the first 80 % is the
            slice from 55 % to 80 %.
        negatives: threads beside each choice.
        most_choices: choices that are learned from, drawn uniformly.
        half_life_days: of the recent popularity.
        shrinkage, calm, taste_half_life_days: see `Taste`.
        taste: False leaves shared readers out.
    """

    name: ClassVar[str] = "blend"

    prior: Weights = Weights()
    penalty: float = Field(default=2.0, ge=0)
    fit_share: float = Field(default=0.3125, gt=0, le=1)
    negatives: int = Field(default=200, ge=1)
    most_choices: int = Field(default=3000, ge=1)
    half_life_days: float = Field(default=1.0, gt=0)
    shrinkage: float = Field(default=2.0, gt=0)
    calm: float = Field(default=10.0, ge=0)
    taste_half_life_days: float | None = Field(default=None, gt=0)
    taste: bool = True
    seed: int = 0

    _weights: Weights | None = PrivateAttr(default=None)

    @property
    def weights(self) -> Weights:
        """What was learned, or the prior."""
        learned = self._weights or self.prior
        return learned if self.taste else learned.model_copy(update={"taste": 0.0})

    def resume(self, votes: Votes, weights: Weights) -> None:
        """Go on with weights that were learned before."""
        super().fit(votes)
        self._weights = weights

    def fit(self, votes: Votes) -> None:
        """See `Recommender`."""
        super().fit(votes)
        self._weights = self.prior
        signals_of_choices, counts = self.choices(votes)
        if len(counts):
            self._weights = self.fitted(signals_of_choices, counts)

    def scores(self, member: int, candidates: Ints, at: float) -> Scores:
        """See `Recommender`."""
        found, _less = self._signals(self._votes, member, candidates, at)
        return (found @ self.weights.array()).astype(np.float32)

    def explain(self, member: int, thread: int, at: float) -> Contributions:
        """See `Recommender`."""
        only = np.array([thread])
        found, less = self._signals(self._votes, member, only, at)
        youth, order, reactions, recent, taste = (found[0] * self.weights.array()).tolist()
        parts = [
            Contribution("recency", youth + order),
            Contribution("reactions", reactions + recent),
        ]
        if self.taste:
            threads, values = self._taste.parts(self._votes, member, thread, at, less)
            parts.append(Contribution("readers", taste, cited(threads, _spread(values, taste))))
        return Contributions(sum(part.value for part in parts), 0.0, tuple(parts))

    @property
    def _taste(self) -> Taste:
        return Taste(self.shrinkage, self.calm, self.taste_half_life_days)

    def _signals(self, votes: Votes, member: int, threads: Ints, at: float) -> tuple[Floats, Dependent]:
        """All signals, float64 (threads, 5), each 0 for a thread a week old that nobody else touched.

        And the touches that count less in them than others.
        """
        voices, count = signals.voices(votes, at), len(threads)
        recent = signals.fading(votes, threads, at, self.half_life_days, voices)
        less = dependent(votes, threads, at, recent)
        recent -= less.sums(voices[less.members] * signals.faded(less.times, at, self.half_life_days), count)
        taste = self._taste.of(votes, member, threads, at, less) if self.taste else np.zeros(count)
        found = np.column_stack(
            [
                signals.youth(votes, threads, at),
                signals.order(votes, threads, at),
                signals.reactions(votes, threads, at, voices, less),
                np.log((np.maximum(recent, 0.0) + _LEAST_FADING) / _LEAST_FADING),
                np.log1p(_TASTE_SCALE * taste),
            ]
        )
        return found, less

    def choices(self, votes: Votes) -> tuple[Floats, Ints]:
        """The signals of each choice and of those beside it, in order of time; and how many each time."""
        members, threads, times = votes.every()
        if not len(times):
            return np.zeros((0, 5)), np.zeros(0, np.int64)
        begin = times[-1] - self.fit_share * (times[-1] - times[0])
        chance = np.random.default_rng(self.seed)
        drawn = chance.permutation(np.flatnonzero(times >= begin))[: self.most_choices]
        rows, counts = [], []
        for place in np.sort(drawn).tolist():
            member, chosen, at = int(members[place]), int(threads[place]), float(times[place])
            if votes.is_opening(member, chosen, at) or votes.born(threads[place : place + 1])[0] >= at:
                continue
            beside = votes.candidates(member, at)
            beside = beside[beside != chosen]
            if len(beside) > self.negatives:
                beside = chance.choice(beside, self.negatives, replace=False, shuffle=False)
            if len(beside):
                rows.append(self._signals(votes, member, np.append(chosen, beside), at)[0])
                counts.append(len(beside) + 1)
        return np.concatenate(rows) if rows else np.zeros((0, 5)), np.array(counts, np.int64)

    def fitted(self, rows: Floats, counts: Ints) -> Weights:
        """The weights under which the choices, first of their group each, are likeliest; see `choices`."""
        from scipy.optimize import minimize  # noqa: PLC0415 - slow to import

        prior = self.prior.array()
        starts = np.cumsum(counts) - counts

        def loss(weights: Floats) -> tuple[float, Floats]:
            scores = rows @ weights
            scores -= np.repeat(np.maximum.reduceat(scores, starts), counts)
            odds = np.exp(scores)
            totals = np.add.reduceat(odds, starts)
            chances = odds / np.repeat(totals, counts)
            off = weights - prior
            lost = float((np.log(totals) - scores[starts]).sum() + self.penalty * off @ off)
            return lost, chances @ rows - rows[starts].sum(axis=0) + 2 * self.penalty * off

        found = minimize(loss, prior, jac=True, method="L-BFGS-B").x
        return Weights.of(np.asarray(found, np.float64))


class BlendWithoutCf(Blend):
    """The same without shared readers: what collaborative filtering adds is the difference."""

    name: ClassVar[str] = "blend_without_cf"

    taste: bool = False


def _spread(values: Floats, total: float) -> Floats:
    """Parts in the proportion of some values that sum to a total."""
    whole = values.sum()
    return values * (total / whole) if whole else np.zeros(len(values))
