"""Which readers of a thread are independent of each other: fifty puppets of one person are none.

Two things betray readers who are not: that they did together most of what they did before (lockstep), and
that they came to the community together (a cohort). Both are compared with what is usual, so that threads
that everybody reads prove nothing, and new members count as long as others read what they do.

Source: groups in lockstep as in Beutel et al., "CopyCatch", 2013, rare things in common weigh more as in Hooi
et al., "FRAUDAR", 2016; here both only take weight off, since honest members may be alike as well.
"""

from dataclasses import dataclass

import numpy as np

from bot.recommend.rows import Floats, Ints
from bot.recommend.votes import Votes

YOUNGEST, FRESH, FRESH_SHARE = 100, 2.0, 1 / 500
"""Looked at are so many of the youngest threads, and those of which the touches of late, fading, are worth so
many, and so many of each member: no others come into a list for their touches."""

LEAST_READERS = 4
"""Fewer readers lift nothing."""

REMEMBERED = 12
"""Threads of each reader that are compared, the latest."""

BUCKETS = 1024
"""Threads are told apart by their number modulo this, so that counting is linear; each reader seems to share
one of about ninety threads with another by it."""

KINSHIP = 3.0
"""Whoever reads the same thread has touched another one so many times likelier than any member."""

TASTE = 0.5
"""Up to that share of what they did, beyond what is expected, readers have in common by taste."""

HALF = 0.5
"""A reader who counts less is worth less than that in proportion: else any brigade were worth one reader."""

LATELY_S = 30 * 86_400.0
"""Whoever touched something in that time takes part."""

COHORT, EAGER, CHANCE = 0.1, 2.0, 1
"""The cohort of a member: so large a share of those who take part came next before and after them. Among the
readers of a thread it may be so many times as large, and so many more."""


@dataclass(frozen=True, slots=True)
class Dependent:
    """Touches of some threads that count less than they seem to.

    Attributes:
        places: of the threads among those asked for.
        members: who touched them.
        times: when, unix seconds.
        lost: what is taken off each, 0..1.
    """

    places: Ints
    members: Ints
    times: Floats
    lost: Floats

    def sums(self, values: Floats | float, threads: int) -> Floats:
        """What is taken off each of so many threads, if each touch has some value."""
        return np.asarray(np.bincount(self.places, self.lost * values, threads), np.float64)


NONE = Dependent(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def dependent(votes: Votes, threads: Ints, at: float, recent: Floats) -> Dependent:
    """The readers of threads who are not independent of the others.

    A reader counts for 1 / (1 + companions in lockstep), and for no more than makes the whole cohort as large
    as it may be. Of fifty in lockstep each is worth 2 / 50², all together a twenty-fifth of a reader.

    Args:
        recent: fading touches of each thread.
    """
    fresh = recent >= max(FRESH, FRESH_SHARE * votes.member_count)
    looked = np.flatnonzero(fresh | (votes.newer(votes.born(threads), at) < YOUNGEST))
    readers = votes.readers(threads[looked], at)
    members, times = readers.others.astype(np.int64), readers.times
    where = np.repeat(np.arange(len(looked)), readers.lengths)
    followed = members != votes.opener(threads[looked])[where]
    total = np.bincount(where[followed], minlength=len(looked))
    kept = np.flatnonzero(followed & (total >= LEAST_READERS)[where])
    if not len(kept):
        return NONE
    members, where, times = members[kept], where[kept], times[kept]
    crowd = _Crowd(votes, threads[looked], where, members, total[where], at)
    counted = np.minimum(crowd.in_lockstep(), crowd.of_a_cohort())
    lost = 1 - counted * np.minimum(counted / HALF, 1.0)
    return Dependent(looked[where], members, times, lost)


@dataclass(frozen=True, slots=True)
class _Crowd:
    """The readers of some threads: of each which thread, who, and how many that thread has."""

    votes: Votes
    threads: Ints
    where: Ints
    members: Ints
    total: Ints
    at: float

    def in_lockstep(self) -> Floats:
        """What each reader counts, by how much of what they did the others did as well."""
        before = self.votes.histories(self.members, self.at, latest=REMEMBERED + 1)
        reader = np.repeat(np.arange(len(self.members)), before.lengths)
        touched = before.others.astype(np.int64)
        elsewhere = touched != self.threads[self.where][reader]
        kept = np.flatnonzero(elsewhere & (self.votes.authors(touched) != self.members[reader]))
        reader, touched = reader[kept], touched[kept]
        place = (self.where * BUCKETS)[reader] + touched % BUCKETS
        among = np.bincount(place, minlength=len(self.threads) * BUCKETS)
        rest = self.total - 1
        shared = (among[place] - 1) / rest[reader]
        met = np.zeros(self.votes.thread_count, np.bool_)
        met[touched] = True
        numbers, usual = np.flatnonzero(met), np.ones(len(met))
        usual[numbers] = np.clip(self.votes.touched(numbers, self.at) / self.votes.member_count, 1e-9, 1.0)
        rarity, expected = -np.log(usual), np.minimum(KINSHIP * usual, 1.0)
        excess = np.bincount(reader, rarity[touched] * (shared - expected[touched]), len(rest))
        most = np.bincount(reader, (rarity * (1 - expected))[touched], len(rest))
        alike = np.divide(excess, most, out=np.zeros(len(rest)), where=most > 0)
        return np.asarray(1 / (1 + rest * np.maximum(alike - TASTE, 0.0) / (1 - TASTE)), np.float64)

    def of_a_cohort(self) -> Floats:
        """What each reader counts, by how many of the others came to the community when they did."""
        first, last = self.votes.spans(self.at)
        arrivals = np.sort(first[last >= self.at - LATELY_S])
        rank = np.searchsorted(arrivals, first[self.members])
        line = self.where * 2.0 * (len(arrivals) + 1) + rank
        order = np.argsort(line)
        ordered, reach = line[order], COHORT / 2 * len(arrivals)
        begins = np.searchsorted(ordered, ordered - reach, side="left")
        ends = np.searchsorted(ordered, ordered + reach, side="right")
        cohort = np.empty(len(line), np.int64)
        cohort[order] = ends - begins
        allowed = CHANCE + EAGER * COHORT / (1 - COHORT) * (self.total - cohort)
        return np.asarray(np.minimum(1.0, allowed / cohort), np.float64)
