"""Prequential evaluation: replay a community's past, and ask each recommender just before every choice."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np

from bot.core.errors import ConfigError
from bot.core.text import _
from bot.recommend.interactions import Interactions
from bot.recommend.measures import MOST, Resampled, discounted, diversity, gain, gini
from bot.recommend.models.blend import Blend, Weights
from bot.recommend.recommender import Recommender, best, newest_first, recommenders
from bot.recommend.rows import Floats, Ints
from bot.recommend.signals import DAY_S
from bot.recommend.votes import NOBODY, Vote, Votes

REFITS = 10
"""Models that are not live are fitted again so many times, evenly, while they are scored."""

DIGEST_S, MOST_DIGESTS = 7 * DAY_S, 26
DIGEST_READERS, DIGEST_READERS_S = 50, 30 * DAY_S
"""A digest is chosen for at most so many members, drawn from those who touched something in that time."""

COMPARED = (
    ("blend", "hn"),
    ("blend", "newest"),
    ("blend", "recent_popularity"),
    ("blend", "blend_without_cf"),
    ("blend_without_cf", "hn"),
    ("hn", "newest"),
)
"""Pairs whose difference is told with an interval."""

Shown = Callable[[str, float], None]
"""Told what is being done and the share of the whole that is done."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to evaluate.

    Attributes:
        split: the share of the time span before the first choice that is scored.
        least_threads: members who touched fewer threads in the whole file are not scored.
        seed: of all chance.
    """

    split: float = 0.8
    least_threads: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one recommender did.

    Attributes:
        ndcg, hit: @10, mean over choices.
        ndcg_ci95: from resampled members.
        coverage: the share of the threads there were that were ever among ten shown.
        gini: how unevenly threads were shown: 0 all alike, near 1 always the same ones.
        diversity: 1 - mean similarity (cosine of readers, at the end) of two threads in one list.
        digest_ndcg, digest_hit: of one list for everybody, against the seven days after it; None without any.
            Hit: the share of the members who touched something new to them and found it in the list.
        fit_seconds: processor time of the first fit.
        us_per_query: microseconds of processor time to score all candidates for one member.
    """

    ndcg: float
    hit: float
    ndcg_ci95: tuple[float, float]
    coverage: float
    gini: float
    diversity: float
    digest_ndcg: float | None
    digest_hit: float | None
    fit_seconds: float
    us_per_query: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of nDCG@10 of `a` and `b`, with its 95 % interval from resampled members."""

    a: str
    b: str
    delta: float
    ci95: tuple[float, float]
    members: int


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found.

    Attributes:
        train, scored: interactions before the split, and choices that were scored after it.
        skipped: interactions after the split that were no choice, by why.
        digests: how many were scored.
        weights: what the blend learned.
        times: unix seconds of each choice, ascending.
        gains: nDCG@10 of each choice, by name of the model.
    """

    train: int
    scored: int
    skipped: Mapping[str, int]
    digests: int
    models: Mapping[str, Quality]
    comparisons: Sequence[Comparison]
    weights: Weights
    times: Floats
    gains: Mapping[str, Floats]


def evaluate(interactions: Interactions, settings: Settings, shown: Shown) -> Report:
    """Fit every recommender on the first part of the time span, and score it on each choice of the rest.

    A choice is a member's first touch of a thread they did not write; the candidates are all threads born
    before it that the member had neither touched nor written. Ranks use votes before that moment only; of
    equal scores the newest thread comes first.

    Raises:
        ConfigError: nothing is left to learn from or to score.
    """
    return _Evaluation(interactions, settings, shown).run()


class _Record:
    """What one recommender showed, choice by choice."""

    def __init__(self, model: Recommender) -> None:
        self.model = model
        self.fit_s = self.query_s = 0.0
        self.gains: list[float] = []
        self.lists: list[Ints] = []
        self.digests: list[tuple[float, float]] = []

    def fit(self, votes: Votes) -> None:
        """For the first time."""
        began = process_time()
        self.model.fit(votes)
        self.fit_s = process_time() - began

    def choose(self, member: int, candidates: Ints, chosen: int, at: float) -> None:
        """Rank candidates, newest first, of which the member is about to choose the one at a place."""
        began = process_time()
        scores = self.model.scores(member, candidates, at)
        self.query_s += process_time() - began
        tied_above = (scores[:chosen] == scores[chosen]).sum()
        self.gains.append(gain(int((scores > scores[chosen]).sum() + tied_above)))
        self.lists.append(candidates[best(scores, MOST)])

    def quality(self, resampled: Resampled, votes: Votes, until: float) -> Quality:
        gains = np.array(self.gains)
        counts = np.bincount(np.concatenate(self.lists), minlength=votes.thread_count)
        there = votes.born(np.arange(votes.thread_count)) < until
        digests = np.array(self.digests).mean(axis=0).tolist() if self.digests else (None, None)
        return Quality(
            ndcg=float(gains.mean()),
            hit=float((gains > 0).mean()),
            ndcg_ci95=resampled.interval(gains),
            coverage=float((counts > 0).sum() / there.sum()),
            gini=gini(counts[there]),
            diversity=diversity(self.lists, votes),
            digest_ndcg=digests[0],
            digest_hit=digests[1],
            fit_seconds=self.fit_s,
            us_per_query=self.query_s / len(gains) * 1e6,
        )


class _Evaluation:
    """One run over one file."""

    def __init__(self, interactions: Interactions, settings: Settings, shown: Shown) -> None:
        self._all, self._settings, self._shown = interactions, settings, shown
        self._cut = interactions.moment(settings.split)
        self._first = int(np.searchsorted(interactions.times, self._cut, side="left"))
        self._past = Votes.of(interactions, self._cut)
        self._blend = Blend()
        self._records = {name: _Record(made()) for name, made in recommenders().items()}
        self._records[Blend.name] = _Record(self._blend)
        pairs = np.unique(np.stack([interactions.members, interactions.threads]), axis=1)
        self._touched = np.bincount(pairs[0], minlength=len(interactions.member_ids))
        self._skipped: Counter[str] = Counter()
        self._choosers: list[int] = []
        self._times: list[float] = []

    def run(self) -> Report:
        after = len(self._all) - self._first
        if not self._first or not after:
            raise ConfigError(
                _(
                    "Nothing to learn from or nothing to score: {before} interactions before the split and "
                    "{after} after it.",
                    before=self._first,
                    after=after,
                )
            )
        for number, (name, record) in enumerate(self._records.items()):
            self._shown(name, 0.2 * number / len(self._records))
            record.fit(self._past)
        self._replay()
        if not self._times:
            raise ConfigError(_("There is no choice to score after the split."))
        return self._report()

    def _replay(self) -> None:
        beside = self._beside()
        due, act = next(beside)
        for place in range(self._first, len(self._all)):
            at = float(self._all.times[place])
            while due <= at:
                act(due)
                due, act = next(beside)
            self._happen(int(self._all.members[place]), int(self._all.threads[place]), at)
            done = (place - self._first) / (len(self._all) - self._first)
            self._shown(_("{n} choices", n=len(self._times)), 0.2 + 0.8 * done)

    def _beside(self) -> Iterator[tuple[float, Callable[[float], None]]]:
        """What is to be done at which moments beside scoring choices, in order."""
        end = float(self._all.times[-1])
        refits = np.linspace(self._cut, end, REFITS, endpoint=False)[1:]
        digests = np.arange(self._cut, end - DIGEST_S, DIGEST_S)
        if len(digests) > MOST_DIGESTS:
            digests = digests[np.linspace(0, len(digests) - 1, MOST_DIGESTS).astype(int)]
        acts = [(at, self._refit) for at in refits.tolist()] + [(at, self._digest) for at in digests.tolist()]
        yield from sorted(acts, key=lambda act: act[0])
        yield np.inf, self._refit

    def _refit(self, at: float) -> None:
        for record in self._records.values():
            if not record.model.live:
                record.model.fit(self._past)

    def _happen(self, member: int, thread: int, at: float) -> None:
        """One interaction: score it if it is a choice, then let it be known."""
        why = self._no_choice(member, thread, at)
        if why is None:
            self._choose(member, thread, at)
        else:
            self._skipped[why] += 1
        self._past.add(Vote(self._all.member_ids[member], self._all.thread_ids[thread], at))

    def _no_choice(self, member: int, thread: int, at: float) -> str | None:
        """Why an interaction is not scored."""
        if self._past.has(member, thread):
            return "repeated"
        if self._past.is_opening(member, thread, at):
            return "opening"
        if float(self._all.born[thread]) >= at:
            return "before_birth"
        if self._touched[member] < self._settings.least_threads:
            return "few_threads"
        return None

    def _choose(self, member: int, thread: int, at: float) -> None:
        candidates = newest_first(self._past, self._past.candidates(member, at))
        chosen = int(np.flatnonzero(candidates == thread)[0])
        self._choosers.append(member)
        self._times.append(at)
        for record in self._records.values():
            record.choose(member, candidates, chosen, at)

    def _digest(self, at: float) -> None:
        """One list for everybody, against what members touch for the first time in the next seven days."""
        threads = newest_first(self._past, self._past.candidates(NOBODY, at))
        begin, end = np.searchsorted(self._all.times, [at, at + DIGEST_S])
        members, whats = self._all.members[begin:end].tolist(), self._all.threads[begin:end].tolist()
        coming = dict.fromkeys(zip(members, whats, strict=True))
        there = set(threads.tolist())
        touches = [(who, what) for who, what in coming if what in there and not self._past.has(who, what)]
        if not touches:
            return
        wanted = np.bincount([what for _who, what in touches], minlength=len(self._all.thread_ids))
        ideal = discounted(np.sort(wanted)[::-1])
        readers = self._readers(at)
        for record in self._records.values():
            asking = readers if record.model.personal else [NOBODY]
            scores = np.sum([record.model.scores(each, threads, at) for each in asking], axis=0)
            chosen = threads[best(scores, MOST)]
            pleased = {who for who, what in touches if what in chosen}
            hit = len(pleased) / len({who for who, _what in touches})
            record.digests.append((discounted(wanted[chosen]) / ideal, hit))

    def _readers(self, at: float) -> list[int]:
        """Members who touched something lately."""
        begin, end = np.searchsorted(self._all.times, [at - DIGEST_READERS_S, at])
        active = np.unique(self._all.members[begin:end])
        chance = np.random.default_rng(self._settings.seed)
        drawn: list[int] = chance.permutation(active)[:DIGEST_READERS].tolist()
        return drawn or [NOBODY]

    def _report(self) -> Report:
        resampled = Resampled(np.array(self._choosers), self._settings.seed)
        gains = {name: np.array(record.gains) for name, record in self._records.items()}
        end = float(self._all.times[-1])
        return Report(
            train=self._first,
            scored=len(self._times),
            skipped=dict(sorted(self._skipped.items())),
            digests=len(self._records[Blend.name].digests),
            models={
                name: record.quality(resampled, self._past, end) for name, record in self._records.items()
            },
            comparisons=[_compared(a, b, gains, resampled) for a, b in COMPARED],
            weights=self._blend.weights,
            times=np.array(self._times),
            gains=gains,
        )


def _compared(a: str, b: str, gains: Mapping[str, Floats], resampled: Resampled) -> Comparison:
    difference = gains[a] - gains[b]
    interval = resampled.interval(difference)
    return Comparison(a, b, float(difference.mean()), interval, resampled.members)
