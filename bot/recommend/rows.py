"""Many lists of (number, time), each in order of time, in two arrays: thousands are read in one go."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FIRST_ROOM = 4

_MANY = 50_000
"""Entries from which on a library for matrices is worth loading."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Entries of some lists, one list after the other; read it before the rows change.

    Attributes:
        others: the numbers in them, int32 (entries,).
        lengths: entries of each list asked for, int64 (lists,).
    """

    others: NDArray[np.int32]
    lengths: Ints
    _all_times: Floats
    _places: Ints

    @property
    def times(self) -> Floats:
        """Unix seconds, float64 (entries,)."""
        return self._all_times[self._places]

    def sums(self, values: Floats) -> Floats:
        """One sum for each list.

        Args:
            values: one for each entry.
        """
        totals = np.zeros(len(self.lengths))
        full = self.lengths > 0
        starts = np.cumsum(self.lengths) - self.lengths
        if full.any():
            totals[full] = np.add.reduceat(values, starts[full], dtype=np.float64)
        return totals


class Rows:
    """Lists that grow and shrink one entry at a time, each with room to grow.

    An entry costs 12 bytes, with the room at most about 30. Adding the latest entry of a list is O(1)
    amortised, adding another one or removing is O(list).
    """

    def __init__(self) -> None:
        self._others = np.zeros(64, np.int32)
        self._times = np.empty(64, np.float64)
        self._end = 0
        self._starts = np.zeros(16, np.int64)
        self._lengths = np.zeros(16, np.int64)
        self._rooms = np.zeros(16, np.int64)
        self._ones = np.empty(0)

    @property
    def room(self) -> int:
        """Entries the arrays have space for."""
        return len(self._others)

    def copy(self) -> "Rows":
        """The same lists."""
        copied = Rows()
        copied._others, copied._times, copied._end = self._others.copy(), self._times.copy(), self._end
        copied._starts, copied._lengths = self._starts.copy(), self._lengths.copy()
        copied._rooms = self._rooms.copy()
        return copied

    def fill(self, rows: Ints, others: NDArray[np.integer], times: Floats) -> None:
        """Replace everything.

        Args:
            times: ascending.
        """
        self._reach(int(rows.max(initial=-1)) + 1)
        order = np.argsort(rows, kind="stable")
        self._others, self._times = others[order].astype(np.int32), times[order].astype(np.float64)
        self._lengths = np.bincount(rows, minlength=len(self._lengths))
        self._rooms = self._lengths.copy()
        self._starts, self._end = np.cumsum(self._lengths) - self._lengths, len(rows)

    def add(self, row: int, other: int, time: float) -> None:
        """Put an entry into a list, behind those that are not later; the list is begun if need be."""
        self._reach(row + 1)
        length = int(self._lengths[row])
        if length == self._rooms[row]:
            self._move(row, max(_FIRST_ROOM, 2 * length))
        self._lengths[row] = length + 1
        others, times = self.of(row)
        place = length
        if length and times[length - 1] > time:
            place = int(np.searchsorted(times[:length], time, side="right"))
            others[place + 1 :] = others[place:-1]
            times[place + 1 :] = times[place:-1]
        others[place], times[place] = other, time

    def remove(self, row: int, other: int) -> None:
        """Take one entry out of a list."""
        others, times = self.of(row)
        place = int(np.flatnonzero(others == other)[0])
        others[place:-1] = others[place + 1 :]
        times[place:-1] = times[place + 1 :]
        self._lengths[row] -= 1

    def clear(self, row: int) -> None:
        """Empty a list."""
        self._reach(row + 1)
        self._lengths[row] = 0

    def of(self, row: int) -> tuple[NDArray[np.int32], Floats]:
        """One list's numbers and times, without a copy; empty for a list that was never begun."""
        if not 0 <= row < len(self._starts):
            return self._others[:0], self._times[:0]
        entries = slice(self._starts[row], self._starts[row] + self._lengths[row])
        return self._others[entries], self._times[entries]

    def length(self, row: int) -> int:
        """Entries of one list."""
        return int(self._lengths[row]) if 0 <= row < len(self._lengths) else 0

    def lengths(self, rows: Ints, before: float = np.inf) -> Ints:
        """Entries of each list that are older than a moment.

        Complexity: lists, times the logarithm of the longest unless the moment is `inf`.
        """
        self._reach(int(rows.max(initial=-1)) + 1)
        lengths = self._lengths[rows]
        if before == np.inf:
            return lengths
        starts, low, high = self._starts[rows], np.zeros(len(rows), np.int64), lengths
        for _halving in range(int(lengths.max(initial=0)).bit_length()):
            middle = (low + high) // 2
            open_ = low < high
            older = open_ & (self._times[np.where(open_, starts + middle, 0)] < before)
            low, high = np.where(older, middle + 1, low), np.where(open_ & ~older, middle, high)
        return low

    def gather(
        self, rows: Ints, before: float = np.inf, since: float = -np.inf, latest: int | None = None
    ) -> Gathered:
        """The entries of some lists, in the order asked for, from one moment until before another.

        Args:
            latest: only so many of each list, the last ones.
        """
        skipped, lengths = np.zeros(len(rows), np.int64), self.lengths(rows, before)
        if since > -np.inf:
            touched = np.flatnonzero(lengths)
            last = self._times[self._starts[rows[touched]] + lengths[touched] - 1]
            lengths[touched[last < since]] = 0
            lately = touched[last >= since]
            skipped[lately] = self.lengths(rows[lately], since)
            lengths -= skipped
        if latest is not None:
            skipped += np.maximum(lengths - latest, 0)
            lengths = np.minimum(lengths, latest)
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        places = np.arange(total)
        places += np.repeat(self._starts[rows] + skipped - (ends - lengths), lengths)
        return Gathered(self._others[places], lengths, self._times, places)

    def sums(self, rows: Ints, weights: Floats, before: float = np.inf) -> Floats:
        """What the numbers in each list weigh together, of entries older than a moment.

        Args:
            weights: of each number that a list may hold.
        """
        lengths = self.lengths(rows, before)
        if self._end < _MANY or 2 * int(lengths.sum()) < self._end:
            gathered = self.gather(rows, before)
            return gathered.sums(weights[gathered.others])
        from scipy.sparse import csr_matrix  # noqa: PLC0415 - slow to import

        # most of the arrays is asked for: weigh all of them where they lie, which takes a third of the time,
        # as a matrix of which every other row is the gap before a list
        order = np.argsort(self._starts[rows])
        begins = self._starts[rows[order]]
        bounds = np.zeros(2 * len(rows) + 1, np.int32)
        bounds[1::2], bounds[2::2] = begins, begins + lengths[order]
        if len(self._ones) < self._end:
            self._ones = np.ones(len(self._others))
        lists = csr_matrix(
            (self._ones[: self._end], self._others[: self._end], bounds), (2 * len(rows), len(weights))
        )
        totals = np.empty(len(rows))
        totals[order] = (lists @ weights)[1::2]
        return totals

    def spans(self, before: float = np.inf) -> tuple[Floats, Floats]:
        """The first and the last time before a moment in each list, inf and -inf without any."""
        lengths = self.lengths(np.arange(len(self._lengths)), before)
        begun = lengths > 0
        first, last = np.full(len(lengths), np.inf), np.full(len(lengths), -np.inf)
        first[begun] = self._times[self._starts[begun]]
        last[begun] = self._times[self._starts[begun] + lengths[begun] - 1]
        return first, last

    def everything(self) -> tuple[Ints, NDArray[np.int32], Floats]:
        """All entries as (list, number, time), list by list."""
        gathered = self.gather(np.arange(len(self._lengths)))
        return np.repeat(np.arange(len(self._lengths)), gathered.lengths), gathered.others, gathered.times

    def _move(self, row: int, room: int) -> None:
        """Give a list a larger place at the end; its old one is left behind until the arrays grow."""
        if self._end + room > len(self._others):
            self._compact(room)
        begin, length = int(self._starts[row]), int(self._lengths[row])
        for pool in (self._others, self._times):
            pool[self._end : self._end + length] = pool[begin : begin + length]
        self._starts[row], self._rooms[row] = self._end, room
        self._end += room

    def _compact(self, room: int) -> None:
        """Make space: close the gaps of lists that moved, and double the arrays."""
        rooms = np.where(self._lengths > 0, self._rooms, 0)
        starts = np.cumsum(rooms) - rooms
        gathered = self.gather(np.arange(len(self._lengths)))
        places = np.arange(len(gathered.others))
        places += np.repeat(starts - (np.cumsum(gathered.lengths) - gathered.lengths), gathered.lengths)
        size = 2 * (int(rooms.sum()) + room)
        others, times = np.zeros(size, np.int32), np.empty(size, np.float64)
        others[places], times[places] = gathered.others, gathered.times
        self._others, self._times = others, times
        self._starts, self._rooms, self._end = starts, rooms, int(rooms.sum())

    def _reach(self, count: int) -> None:
        """Have so many lists."""
        missing = count - len(self._lengths)
        if missing > 0:
            more = np.zeros(max(missing, len(self._lengths)), np.int64)
            self._starts = np.concatenate([self._starts, more])
            self._lengths = np.concatenate([self._lengths, more])
            self._rooms = np.concatenate([self._rooms, more])
