"""What a community's members touched so far: the living memory that every recommender reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bot.recommend.interactions import Interactions
from bot.recommend.rows import Floats, Gathered, Ints, Rows

Scalar = TypeVar("Scalar", bound=np.generic)

NOBODY = -1
"""The number of a member or thread that was never seen."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A member touched a thread: reacted, answered, opened it.

    Attributes:
        at: unix seconds.
    """

    member: str
    thread: str
    at: float


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread that may be recommended; `born` in unix seconds, `author` None when unknown."""

    id: str
    born: float
    author: str | None = None


class Votes:
    """One vote for each member and thread, the earliest; complete at any moment of the past.

    Everything can be taken out again, after which it is as if it had never been there. Members and threads
    have numbers, which models use; a number is never given twice. What is asked about a moment `at` is
    answered from what happened before it, so that nothing that came later is seen.

    Memory: about 90 bytes a vote. Adding is O(1), one pass over the shorter of two lists, and one over those
    of the member.

    Attributes:
        latest: when the last vote was cast; -inf before the first one.
    """

    def __init__(self, threads: Iterable[Thread] = (), votes: Iterable[Vote] = ()) -> None:
        self._members: dict[str, int] = {}
        self._threads: dict[str, int] = {}
        self._thread_ids: list[str] = []
        self._member_count = 0
        self._born = np.empty(16, np.float64)
        self._author = np.empty(16, np.int32)
        self._opened = np.full(16, np.inf)
        self._opener = np.full(16, NOBODY, np.int32)
        self._by_member, self._by_thread = Rows(), Rows()
        self._met = Rows()  # of each member, whose threads they touched, each author once
        self.latest = -np.inf
        self._births: Floats | None = None
        for thread in threads:
            self.open(thread)
        for vote in votes:
            self.add(vote)

    @classmethod
    def of(cls, interactions: Interactions, until: float = np.inf) -> "Votes":
        """All threads, and the votes before a moment; members and threads keep their numbers."""
        votes, columns = cls(), interactions
        votes._members = {name: number for number, name in enumerate(columns.member_ids)}
        votes._threads = {name: number for number, name in enumerate(columns.thread_ids)}
        votes._thread_ids, votes._member_count = list(columns.thread_ids), len(columns.member_ids)
        votes._reach(len(columns.thread_ids))
        count = len(columns.thread_ids)
        votes._born[:count], votes._author[:count] = columns.born, columns.authors
        votes._fill(columns, int(np.searchsorted(columns.times, until, side="left")))
        return votes

    def copy(self) -> "Votes":
        """As it is now, for somebody who takes long to read it; a million votes take some 20 ms."""
        copied = Votes()
        copied._members, copied._threads = self._members.copy(), self._threads.copy()
        copied._thread_ids, copied._member_count = self._thread_ids.copy(), self._member_count
        copied._born, copied._author = self._born.copy(), self._author.copy()
        copied._opened, copied.latest = self._opened.copy(), self.latest
        copied._opener, copied._met = self._opener.copy(), self._met.copy()
        copied._by_member, copied._by_thread = self._by_member.copy(), self._by_thread.copy()
        return copied

    # What happens

    def open(self, thread: Thread) -> int:
        """A thread comes into being, or more becomes known about it; its number."""
        number = self._threads.get(thread.id)
        if number is None:
            number = self._threads[thread.id] = len(self._thread_ids)
            self._thread_ids.append(thread.id)
            self._reach(number + 1)
        self._born[number], self._births = thread.born, None
        self._sign(number, NOBODY if thread.author is None else self._number(thread.author))
        self._note_opening(number)
        return number

    def add(self, vote: Vote) -> None:
        """Count a vote; a thread that nobody opened is born with its first one."""
        thread = self._threads.get(vote.thread)
        if thread is None:
            thread = self.open(Thread(vote.thread, vote.at))
        member = self._number(vote.member)
        known = self._time(member, thread)
        if known is not None:
            if known <= vote.at:
                return
            self._remove(member, thread)
        self._by_member.add(member, thread, vote.at)
        self._by_thread.add(thread, member, vote.at)
        self._meet(member, self._whose(thread))
        self.latest = max(self.latest, vote.at)
        if self._may_open(member, thread, vote.at):
            self._note_opening(thread)

    def drop(self, member_id: str, thread_id: str) -> None:
        """Take a vote back. Of several touches one may remain: drop, then add what remains."""
        member, thread = self.member(member_id), self.thread(thread_id)
        if member == NOBODY or thread == NOBODY or self._time(member, thread) is None:
            return
        self._remove(member, thread)
        self._note_opening(thread)

    def forget(self, member_id: str) -> None:
        """Take out everything about a member, the id included."""
        member = self._members.pop(member_id, None)
        if member is None:
            return
        threads, _times = self._by_member.of(member)
        written = np.flatnonzero(self._author[: len(self._thread_ids)] == member)
        for thread in threads.tolist():
            self._by_thread.remove(thread, member)
        for thread in written.tolist():
            self._sign(thread, NOBODY)
        for thread in {*threads.tolist(), *written.tolist()}:
            self._note_opening(thread)
        self._by_member.clear(member)
        self._met.clear(member)

    def close(self, thread_id: str) -> None:
        """Take out a thread that was deleted, with everything about it."""
        thread = self._threads.pop(thread_id, None)
        if thread is None:
            return
        members, _times = self._by_thread.of(thread)
        for member in members.tolist():
            self._by_member.remove(member, thread)
            self._meet(member, self._whose(thread))
        self._by_thread.clear(thread)
        self._thread_ids[thread], self._births = "", None
        self._born[thread] = self._opened[thread] = np.inf
        self._author[thread] = self._opener[thread] = NOBODY

    # What is known

    @property
    def member_count(self) -> int:
        """Numbers given to members."""
        return self._member_count

    @property
    def thread_count(self) -> int:
        """Numbers given to threads, deleted ones included."""
        return len(self._thread_ids)

    def member(self, member_id: str) -> int:
        """A member's number; NOBODY for a new one."""
        return self._members.get(member_id, NOBODY)

    def thread(self, thread_id: str) -> int:
        """A thread's number; NOBODY for an unknown one."""
        return self._threads.get(thread_id, NOBODY)

    def numbers(self, thread_ids: Sequence[str]) -> Ints:
        """The numbers of threads that exist."""
        return np.array([self._threads[each] for each in thread_ids], np.int64)

    def has(self, member: int, thread: int) -> bool:
        """Whether a member touched a thread, at any time."""
        return self._time(member, thread) is not None

    def thread_id(self, thread: int) -> str:
        """The id of a thread that exists."""
        return self._thread_ids[thread]

    def born(self, threads: Ints) -> Floats:
        """When threads came into being, unix seconds; inf for deleted ones."""
        return self._born[threads]

    def newer(self, born: Floats, at: float) -> Ints:
        """How many threads were born between some moments and `at`."""
        if self._births is None:
            self._births = np.sort(self._born[: len(self._thread_ids)])
        until = np.searchsorted(self._births, at, side="left")
        older = np.searchsorted(self._births, born, side="right")
        return np.asarray(np.maximum(until - older, 0), np.int64)

    def met(self, members: Ints, at: float) -> Ints:
        """Of how many others each of some members had touched a thread before a moment.

        A thread of an unknown author is somebody's of its own.
        """
        return self._met.lengths(members, self._until(at))

    def opener(self, threads: Ints) -> Ints:
        """Whose vote is how each thread came into being, NOBODY where that is not known."""
        return self._opener[threads].astype(np.int64)

    def author(self, thread: int) -> int:
        """Who wrote a thread, NOBODY when unknown."""
        return int(self._author[thread])

    def authors(self, threads: Ints) -> Ints:
        """Who wrote each thread, NOBODY where unknown."""
        return self._author[threads].astype(np.int64)

    def candidates(self, member: int, at: float) -> Ints:
        """All threads born before a moment that a member had neither touched nor written, by number."""
        wanted = self._born[: len(self._thread_ids)] < at
        if member != NOBODY:
            wanted &= self._author[: len(self._thread_ids)] != member
            wanted[self.history(member, at)] = False
        return np.flatnonzero(wanted)

    def history(self, member: int, at: float) -> Ints:
        """The threads that a member had touched before a moment, the first touched first."""
        threads, times = self._by_member.of(member)
        return threads[: np.searchsorted(times, at, side="left")].astype(np.int64)

    def votes_of(self, member_id: str) -> list[Vote]:
        """Everything that is known of a member, as it was told."""
        threads, times = self._by_member.of(self.member(member_id))
        told = zip(threads.tolist(), times.tolist(), strict=True)
        return [Vote(member_id, self._thread_ids[thread], at) for thread, at in told]

    def readers(self, threads: Ints, at: float, since: float = -np.inf) -> Gathered:
        """Who had touched each of some threads before a moment, and since another, and when."""
        return self._by_thread.gather(threads, self._until(at), since)

    def weighed(self, threads: Ints, weights: Floats, at: float) -> Floats:
        """What the members who had touched each thread before a moment weigh together.

        Args:
            weights: of each member.
        """
        return self._by_thread.sums(threads, weights, self._until(at))

    def histories(self, members: Ints, at: float, latest: int | None = None) -> Gathered:
        """What each of some members had touched before a moment, and when; all of it, or so much at most."""
        return self._by_member.gather(members, self._until(at), latest=latest)

    def spans(self, at: float) -> tuple[Floats, Floats]:
        """When each member touched something first, and last before a moment; inf and -inf for never."""
        return self._by_member.spans(self._until(at))

    def activity(self, members: Ints, at: float) -> Ints:
        """How many threads each of some members had touched before a moment."""
        return self._by_member.lengths(members, self._until(at))

    def touched(self, threads: Ints, at: float) -> Ints:
        """How many members had touched each thread before a moment, its opening included."""
        return self._by_thread.lengths(threads, self._until(at))

    def followers(self, threads: Ints, at: float) -> Ints:
        """The same without the opening: how many others had touched what was there."""
        return self.touched(threads, at) - self.opened(threads, at)

    def opened(self, threads: Ints, at: float) -> NDArray[np.bool_]:
        """Whether the vote with which each thread began was cast before a moment."""
        return self._opened[threads] < at

    def every(self) -> tuple[Ints, Ints, Floats]:
        """All votes in order of time: members, threads, unix seconds; ties by thread, then as told."""
        threads, members, times = self._by_thread.everything()
        order = np.argsort(times, kind="stable")
        return members[order].astype(np.int64), threads[order], times[order]

    def is_opening(self, member: int, thread: int, at: float) -> bool:
        """Whether a vote is how its thread came into being: its author's, else one in its first second."""
        return self._may_open(member, thread, at)

    # Inside

    def _until(self, at: float) -> float:
        """The same moment, or one so late that nobody has to look."""
        return np.inf if at > self.latest else at

    def _fill(self, columns: Interactions, count: int) -> None:
        """The first votes of each member and thread among so many interactions."""
        pairs = columns.members[:count] * len(columns.thread_ids) + columns.threads[:count]
        first = np.sort(np.unique(pairs, return_index=True)[1])
        members, threads, times = columns.members[first], columns.threads[first], columns.times[first]
        self._by_member.fill(members, threads, times)
        self._by_thread.fill(threads, members, times)
        self.latest = float(times.max(initial=-np.inf))
        authors = self._author[threads]
        opening = np.where(authors != NOBODY, authors == members, times <= self._born[threads])
        np.minimum.at(self._opened, threads[opening], times[opening])
        self._opener[threads[opening][::-1]] = members[opening][::-1]  # the earliest is written last
        whose = np.where(authors != NOBODY, authors, -2 - threads)
        others = np.flatnonzero(whose != members)
        pairs = np.column_stack([members[others], whose[others]])
        first_met = others[np.sort(np.unique(pairs, axis=0, return_index=True)[1])]
        self._met.fill(members[first_met], whose[first_met], times[first_met])

    def _number(self, member_id: str) -> int:
        number = self._members.get(member_id)
        if number is None:
            number = self._members[member_id] = self._member_count
            self._member_count += 1
        return number

    def _time(self, member: int, thread: int) -> float | None:
        """When a member touched a thread, None for never."""
        if self._by_member.length(member) < self._by_thread.length(thread):
            others, times = self._by_member.of(member)
            places = np.flatnonzero(others == thread)
        else:
            others, times = self._by_thread.of(thread)
            places = np.flatnonzero(others == member)
        return float(times[places[0]]) if len(places) else None

    def _remove(self, member: int, thread: int) -> None:
        self._by_member.remove(member, thread)
        self._by_thread.remove(thread, member)
        self._meet(member, self._whose(thread))

    def _whose(self, thread: int) -> int:
        """The author of a thread; a number of its own where nobody knows."""
        author = int(self._author[thread])
        return author if author != NOBODY else -2 - thread

    def _sign(self, thread: int, author: int) -> None:
        """From now on a thread is somebody's."""
        before = self._whose(thread)
        self._author[thread] = author
        if self._whose(thread) != before:
            for member in self._by_thread.of(thread)[0].tolist():
                self._meet(member, before)
                self._meet(member, self._whose(thread))

    def _meet(self, member: int, author: int) -> None:
        """Note when a member first touched a thread of somebody, or that they never did."""
        known = author in self._met.of(member)[0]
        threads, times = self._by_member.of(member)
        theirs = times[self._author[threads] == author] if author >= 0 else times[threads == -2 - author]
        if known:
            self._met.remove(member, author)
        if len(theirs) and author != member and (author >= 0 or self._author[-2 - author] == NOBODY):
            self._met.add(member, author, float(theirs.min()))

    def _may_open(self, member: int, thread: int, at: float) -> bool:
        author = self._author[thread]
        return bool(author == member if author != NOBODY else at <= self._born[thread])

    def _note_opening(self, thread: int) -> None:
        """Find the vote that is no reaction but the thread's beginning, if there is one."""
        members, times = self._by_thread.of(thread)
        author = self._author[thread]
        places = np.flatnonzero(members == author if author != NOBODY else times <= self._born[thread])
        self._opened[thread] = times[places[0]] if len(places) else np.inf
        self._opener[thread] = members[places[0]] if len(places) else NOBODY

    def _reach(self, count: int) -> None:
        """Have room for so many threads."""
        if count > len(self._born):
            size = 2 * count
            self._born = _grown(self._born, size)
            self._author = _grown(self._author, size)
            self._opened = _grown(self._opened, size)
            self._opener = _grown(self._opener, size)


def _grown(array: NDArray[Scalar], size: int) -> NDArray[Scalar]:
    grown = np.full(size, np.inf if array.dtype.kind == "f" else NOBODY, array.dtype)
    grown[: len(array)] = array
    return grown
