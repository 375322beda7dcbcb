"""What the model has read before, so that it need not read it again: keys and values by token prefix."""

from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from bot.llm.transformers.keyvalues import KeyValues, beginning, size_bytes

Ids = NDArray[numpy.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    ids: Ids
    layers: KeyValues

    def shared(self, ids: Ids) -> int:
        """Length of the common prefix."""
        shorter = min(len(self.ids), len(ids))
        differs = self.ids[:shorter] != ids[:shorter]
        return int(differs.argmax()) if differs.any() else shorter


class Prefixes:
    """Keys and values of the texts read last, at most so many bytes; the least recently used go first."""

    def __init__(self, max_bytes: int) -> None:
        """Args: max_bytes: 0 keeps nothing."""
        self._max_bytes = max_bytes
        self._entries: list[_Entry] = []  # least recently used first

    @property
    def size_bytes(self) -> int:
        """Bytes held now."""
        return sum(size_bytes(entry.layers) for entry in self._entries)

    def longest(self, ids: list[int]) -> tuple[KeyValues, int]:
        """What is known of the beginning of `ids`, and how many tokens that is.

        At least the last token is left out: the model has to read something to say something.
        """
        wanted = numpy.asarray(ids[:-1], dtype=numpy.int64)
        best = max(self._entries, key=lambda entry: entry.shared(wanted), default=None)
        shared = best.shared(wanted) if best else 0
        if best is None or shared == 0:
            return [], 0
        self._touch(best)
        return beginning(best.layers, shared), shared

    def keep(self, ids: list[int], layers: KeyValues) -> None:
        """Remember a text that was read, unless it is the beginning of one that is known."""
        entry = _Entry(numpy.asarray(ids, dtype=numpy.int64), layers)
        longer = next((known for known in self._entries if known.shared(entry.ids) == len(ids)), None)
        if longer is not None:
            self._touch(longer)
            return
        self._entries = [known for known in self._entries if entry.shared(known.ids) < len(known.ids)]
        self._entries.append(entry)
        while self._entries and self.size_bytes > self._max_bytes:
            self._entries.pop(0)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _touch(self, entry: _Entry) -> None:
        self._entries.remove(entry)
        self._entries.append(entry)
