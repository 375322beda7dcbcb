"""Many short lists of (number, time) in two arrays, so that thousands of lists are read in one go."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FIRST_ROOM = 4


@dataclass(frozen=True, slots=True)
class Gathered:
    """The entries of some lists, one list after the other.

    Attributes:
        others: the numbers in them, int32 (entries,).
        times: unix seconds, float64 (entries,).
        lengths: entries of each list asked for, int64 (lists,).
    """

    others: NDArray[np.int32]
    times: Floats
    lengths: Ints

    def before(self, at: float) -> "Gathered":
        """Only the entries older than a moment."""
        older = self.times < at
        return Gathered(self.others[older], self.times[older], self.sums(older).astype(np.int64))

    def sums(self, values: NDArray[np.float64] | NDArray[np.bool_]) -> Floats:
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

    An entry costs 12 bytes, with the room at most about 30. Adding is O(1) amortised, removing O(list).
    """

    def __init__(self) -> None:
        self._others = np.empty(64, np.int32)
        self._times = np.empty(64, np.float64)
        self._end = 0
        self._starts = np.zeros(16, np.int64)
        self._lengths = np.zeros(16, np.int64)
        self._rooms = np.zeros(16, np.int64)

    def fill(self, rows: Ints, others: NDArray[np.integer], times: Floats) -> None:
        """Replace everything; entries of one list keep their order."""
        count = int(rows.max()) + 1 if len(rows) else 0
        self._reach(count)
        lengths = np.bincount(rows, minlength=len(self._lengths))
        order = np.argsort(rows, kind="stable")
        self._others, self._times = others[order].astype(np.int32), times[order].astype(np.float64)
        self._lengths, self._rooms = lengths, lengths.copy()
        self._starts, self._end = np.cumsum(lengths) - lengths, len(rows)

    def add(self, row: int, other: int, time: float) -> None:
        """Append an entry to a list, which is begun if need be."""
        self._reach(row + 1)
        length = int(self._lengths[row])
        if length == self._rooms[row]:
            self._move(row, max(_FIRST_ROOM, 2 * length))
        place = self._starts[row] + length
        self._others[place], self._times[place] = other, time
        self._lengths[row] = length + 1

    def remove(self, row: int, other: int) -> None:
        """Take one entry out of a list; the rest keeps its order."""
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

    @property
    def room(self) -> int:
        """Entries the arrays have space for."""
        return len(self._others)

    def length(self, row: int) -> int:
        """Entries of one list."""
        return int(self._lengths[row]) if 0 <= row < len(self._lengths) else 0

    def lengths(self, rows: Ints) -> Ints:
        """Entries of each list."""
        self._reach(int(rows.max(initial=-1)) + 1)
        return self._lengths[rows]

    def gather(self, rows: Ints) -> Gathered:
        """The entries of some lists, in the order asked for."""
        lengths = self.lengths(rows)
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        places = np.arange(total) + np.repeat(self._starts[rows] - (ends - lengths), lengths)
        return Gathered(self._others[places], self._times[places], lengths)

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
        ends = np.cumsum(gathered.lengths)
        places = np.arange(len(gathered.others)) + np.repeat(
            starts - (ends - gathered.lengths), gathered.lengths
        )
        size = 2 * (int(rooms.sum()) + room)
        self._others, self._times = np.empty(size, np.int32), np.empty(size, np.float64)
        self._others[places], self._times[places] = gathered.others, gathered.times
        self._starts, self._rooms, self._end = starts, rooms, int(rooms.sum())

    def _reach(self, count: int) -> None:
        """Have so many lists."""
        missing = count - len(self._lengths)
        if missing > 0:
            more = np.zeros(max(missing, len(self._lengths)), np.int64)
            self._starts = np.concatenate([self._starts, more])
            self._lengths = np.concatenate([self._lengths, more])
            self._rooms = np.concatenate([self._rooms, more])
