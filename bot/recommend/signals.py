"""What a score can rest on, age, reactions, shared readers: pure functions of the votes before a moment."""

from dataclasses import dataclass

import numpy as np

from bot.recommend.independence import NONE, Dependent
from bot.recommend.rows import Floats, Ints
from bot.recommend.votes import NOBODY, Votes

HOUR_S, DAY_S = 3600.0, 86_400.0

REFERENCE_AGE_S = 7 * DAY_S
"""Explanations compare a thread with one of this age that nobody else touched."""

FADED = 20
"""Half-lives after which a touch is worth a millionth."""

WHISPER = 0.01
"""What is left of a voice that knows one person, where others know two."""

GRAVITY_HOURS = 2.0
"""Added to the age by Hacker News, so that the first minutes do not decide."""


def age_hours(votes: Votes, threads: Ints, at: float) -> Floats:
    """Hours since each thread was born; 0 for those to come."""
    return np.asarray(np.maximum((at - votes.born(threads)) / HOUR_S, 0.0), np.float64)


def youth(votes: Votes, threads: Ints, at: float) -> Floats:
    """How young each thread is: 0 for the reference age, falling with the logarithm of the age."""
    return _youth(age_hours(votes, threads, at))


def _youth(hours: Floats) -> Floats:
    return np.asarray(np.log((REFERENCE_AGE_S / HOUR_S + GRAVITY_HOURS) / (hours + GRAVITY_HOURS)))


def order(votes: Votes, threads: Ints, at: float) -> Floats:
    """How few younger threads there are: 0 at the reference age, falling with the logarithm of their number.

    Tells minutes apart in a busy community and months in a quiet one, which hours do not.
    """
    reference = votes.newer(np.array([at - REFERENCE_AGE_S]), at)
    return np.asarray(np.log1p(reference) - np.log1p(votes.newer(votes.born(threads), at)), np.float64)


def voices(votes: Votes, at: float) -> Floats:
    """How much the touches of each member count in what is popular, 0..1, by number.

    Whoever touches threads of one person only does not say which thread is good, but whose they like. So a
    voice grows with the number of people whose threads a member touched, and is whole for who touched those
    of as many as half of all members do: a community in which one person opens all threads knows no better.
    """
    others = np.maximum(votes.met(np.arange(votes.member_count), at) - 1, 0) + WHISPER
    taking_part = votes.activity(np.arange(votes.member_count), at) > 0
    usual = np.median(others[taking_part]) if taking_part.any() else WHISPER
    return np.asarray(np.minimum(others / usual, 1.0), np.float64)


def reactions(
    votes: Votes, threads: Ints, at: float, voices: Floats | None = None, less: Dependent = NONE
) -> Floats:
    """Logarithm of one more than the members who touched each thread, its opening left out.

    Args:
        voices: how much each of them counts; without it 1.
        less: touches that count less than their voice.
    """
    if voices is None:
        return np.asarray(np.log1p(votes.followers(threads, at)), np.float64)
    opened = votes.opened(threads, at)
    begun = np.where(opened, voices[votes.opener(threads)], 0.0) if len(voices) else np.zeros(len(threads))
    followed = votes.weighed(threads, voices, at) - begun
    followed -= less.sums(voices[less.members], len(threads))
    return np.asarray(np.log1p(np.maximum(followed, 0.0)), np.float64)


def fading(
    votes: Votes, threads: Ints, at: float, half_life_days: float, voices: Floats | None = None
) -> Floats:
    """Touches of each thread, each worth half as much after every half-life, and nothing after twenty.

    Args:
        voices: how much each member counts, but that a thread was opened always counts 1.
    """
    half_life_s = half_life_days * DAY_S
    recent = votes.readers(threads, at, since=at - FADED * half_life_s)
    worth = faded(recent.times, at, half_life_days)
    if voices is not None and len(voices):
        began = recent.others == np.repeat(votes.opener(threads), recent.lengths)
        worth *= np.where(began, 1.0, voices[recent.others])
    return recent.sums(worth)


def faded(times: Floats, at: float, half_life_days: float) -> Floats:
    """What is left of touches at a moment, 0..1."""
    return np.asarray(np.exp2((times - at) / (half_life_days * DAY_S)), np.float64)


@dataclass(frozen=True, slots=True)
class Taste:
    """Which readers a member has in common with threads: item-item co-occurrence, computed when asked for.

    Threads i and j are as similar as the readers they share, each the less the more they read:
    `sim(i, j) = sum over readers v of both, 1 / sqrt(|v| + calm) / (readers of i + shrinkage)`; a member's
    score is the sum over the threads j they touched, by the square root of their number. Since the sum runs
    over readers, walking from the member's threads to their readers and on to the candidates gives the same
    as a table of all pairs, keeps nothing, and is right at once when a vote comes or goes.

    Source: conditional probability of items with down-weighted active users, Deshpande and Karypis,
    "Item-based top-N recommendation algorithms", 2004.
    Complexity: readers of the member's threads, plus readers of the candidates.

    Attributes:
        shrinkage: readers a thread must have to be half believed.
        calm: threads a reader must have touched to be half discounted.
        half_life_days: after so long it says half as much that a reader touched one of the member's threads;
            None: as much for ever.
    """

    shrinkage: float
    calm: float
    half_life_days: float | None = None

    def of(self, votes: Votes, member: int, candidates: Ints, at: float, less: Dependent = NONE) -> Floats:
        """The score of each candidate for a member.

        Args:
            less: touches that count less than others.
        """
        threads = votes.history(member, at)
        if member == NOBODY or not len(threads):
            return np.zeros(len(candidates))
        met_in = votes.readers(threads, at)
        shared = np.bincount(met_in.others, self._faded(met_in.times, at), votes.member_count)
        weights = np.zeros(len(shared))
        met = np.flatnonzero(shared)
        weights[met] = shared[met] * self._voices(votes, met, at)
        weights[member] = 0.0
        count = len(candidates)
        heard = votes.weighed(candidates, weights, at) - less.sums(weights[less.members], count)
        sizes = votes.touched(candidates, at) - less.sums(1.0, count) + self.shrinkage
        return np.asarray(np.maximum(heard, 0.0) / (sizes * np.sqrt(len(threads) + 1)), np.float64)

    def parts(
        self, votes: Votes, member: int, thread: int, at: float, less: Dependent = NONE
    ) -> tuple[Ints, Floats]:
        """The threads a member touched, and what each adds to the score of one thread.

        Args:
            less: touches of that thread that count less than others.
        """
        threads = votes.history(member, at)
        readers = votes.readers(np.array([thread]), at).others.astype(np.int64)
        readers = readers[readers != member]
        if member == NOBODY or not len(threads) or not len(readers):
            return threads, np.zeros(len(threads))
        read = votes.histories(readers, at)
        counted = np.ones(votes.member_count)
        counted[less.members] -= less.lost
        voices = np.repeat(self._voices(votes, readers, at) * counted[readers], read.lengths)
        by_thread = np.bincount(
            read.others, weights=voices * self._faded(read.times, at), minlength=votes.thread_count
        )
        size = int(votes.touched(np.array([thread]), at)[0]) - less.lost.sum() + self.shrinkage
        return threads, by_thread[threads] / (size * np.sqrt(len(threads) + 1))

    def _faded(self, times: Floats, at: float) -> Floats:
        """What is left of touches at a moment, 0..1."""
        if self.half_life_days is None:
            return np.ones(len(times))
        return faded(times, at, self.half_life_days)

    def _voices(self, votes: Votes, members: Ints, at: float) -> Floats:
        return np.asarray(1.0 / np.sqrt(votes.activity(members, at) + self.calm), np.float64)
