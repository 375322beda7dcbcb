"""What every classifier reads of a text: hashed word 1-2-grams and character 2-5-grams.

All of it is arithmetic on arrays of code points, many messages at once: no Python runs for a single n-gram.
A Chinese or Japanese character is a word of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

BITS = 18
BUCKETS = 1 << BITS
"""Of words, and as many again of characters."""

_SHORTEST, _LONGEST = 2, 5
_SPACE, _WORD, _IDEOGRAPH = 1, 2, 3
_TABLE_SIZE = 0x3FFFF + 1  # planes above hold no letters
_IDEOGRAPHS = ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_END = ord("\n")
_NO_PROSE = re.compile(r"https?://\S+|www\.\S+|@\w+|<[@#:][^>\s]{0,80}>|\[(?:user|url)\]")
_SAID_AGAIN = re.compile(r"\b(([^\W_]+)(?:[\W_]+\2){2})\b(?:[\W_]+\2\b)+")
_ALIKE = str.maketrans("\n\t123456789", "  000000000")

# Odd multipliers without pattern (the golden ratio, and constants of MurmurHash3); arithmetic is mod 2^32.
_STEP = np.uint32(0x9E3779B1)
_PAIR = np.uint32(0x85EBCA77)
_MIX = np.uint32(0xC2B2AE3D)

Places = NDArray[np.intp]
Codes = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of one kind in some texts, in no order.

    Attributes:
        rows: number of the text, (grams,).
        buckets: 0..BUCKETS, (grams,).
        starts, ends: place in the text, (grams,); a character n-gram may start at -1 and end one behind it.
        counts: n-grams of each text, (texts,).
    """

    rows: Places
    buckets: Codes
    starts: Places
    ends: Places
    counts: Places


@dataclass(frozen=True, slots=True)
class Features:
    """What was read of some texts."""

    words: Grams
    characters: Grams

    def dot(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The sum of what each n-gram weighs, over the root of how many there are of its kind; (texts,).

        Args:
            weights: of the buckets of words, then of those of characters, float32 (2 * BUCKETS,).
        """
        total = np.zeros(len(self.words.counts))
        for grams, part in ((self.words, weights[:BUCKETS]), (self.characters, weights[BUCKETS:])):
            sums = np.bincount(grams.rows, part[grams.buckets], len(grams.counts))
            total += sums / np.sqrt(np.maximum(grams.counts, 1))
        return total


def prose(text: str) -> str:
    """The text with blanks in place of links and names, and of a word said more than three times running.

    Whom it is said to does not matter, and "ha" a hundred times says no more than "ha ha ha".
    """
    text = _NO_PROSE.sub(lambda found: " " * len(found[0]), text)
    return _SAID_AGAIN.sub(lambda found: found[1].ljust(len(found[0])), text)


def read(texts: Sequence[str]) -> Features:
    """Take texts apart.

    Args:
        texts: normalized, so that no white space but spaces, line ends and tabs is in them.

    Complexity: linear in the characters of all texts.
    """
    joined = "\n" + "\n".join([text.translate(_ALIKE) for text in texts]) + "\n"
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32)
    kinds = _kinds()[np.minimum(codes, _TABLE_SIZE - 1)]
    ends = np.flatnonzero(codes == _END)
    rows = np.repeat(np.arange(len(texts)), np.diff(ends))
    layout = _Layout(rows, ends[:-1] + 1, _Hashes(np.maximum(codes, ord(" "))))
    return Features(_words(codes, kinds, layout), _characters(kinds == _SPACE, layout))


class _Hashes:
    """Hashes of any part of an array of code points: the difference of two sums, moved to the same place."""

    def __init__(self, codes: Codes) -> None:
        up, self._down = _powers(1 << len(codes).bit_length())
        self._sums = np.zeros(len(codes) + 1, np.uint32)
        np.cumsum(codes * up[: len(codes)], out=self._sums[1:])

    def of(self, starts: Places, ends: Places) -> Codes:
        result: Codes = (self._sums[ends] - self._sums[starts]) * self._down[starts]
        return result


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which text each code point but the last belongs to, where each begins, and what is written there."""

    rows: Places
    firsts: Places
    hashes: _Hashes

    def grams(self, starts: Places, ends: Places, hashes: Codes) -> Grams:
        rows = self.rows[starts]
        first = self.firsts[rows]
        mixed = (hashes ^ (hashes >> np.uint32(15))) * _MIX
        mixed = (mixed ^ (mixed >> np.uint32(13))) * _PAIR
        counts = np.bincount(rows, minlength=len(self.firsts))
        return Grams(rows, mixed >> np.uint32(32 - BITS), starts - first, ends - first, counts)


def _words(codes: Codes, kinds: NDArray[np.uint8], layout: _Layout) -> Grams:
    inside = kinds >= _WORD
    quote = codes[1:-1] == ord("'")
    if quote.any():
        inside[1:-1] |= quote & (kinds[:-2] == _WORD) & (kinds[2:] == _WORD)
    joined = inside[1:] & inside[:-1]  # with the character before
    single = kinds == _IDEOGRAPH
    if single.any():
        joined &= ~(single[1:] | single[:-1])
    first, last = inside.copy(), inside
    first[1:] &= ~joined
    last[:-1] &= ~joined
    starts, ends = np.flatnonzero(first), np.flatnonzero(last) + 1
    hashes = layout.hashes.of(starts, ends)
    same = layout.rows[starts[1:]] == layout.rows[starts[:-1]]
    pairs = (hashes[:-1] * _PAIR + hashes[1:])[same]
    return layout.grams(
        np.concatenate([starts, starts[:-1][same]]),
        np.concatenate([ends, ends[1:][same]]),
        np.concatenate([hashes, pairs ^ _STEP]),
    )


def _characters(space: NDArray[np.bool_], layout: _Layout) -> Grams:
    """Of each length; space stands at most at one end, and the ends of texts count as space."""
    spaces = np.cumsum(space)
    found = []
    for length in range(_SHORTEST, _LONGEST + 1):
        count = max(len(space) - length + 1, 0)
        inner = spaces[length - 2 : length - 2 + count] == spaces[:count]
        found.append(np.flatnonzero(inner & ~(space[:count] & space[length - 1 :])))
    starts = np.concatenate(found)
    lengths = np.repeat(_LENGTHS, [len(each) for each in found])
    ends = starts + lengths
    return layout.grams(starts, ends, layout.hashes.of(starts, ends) + lengths.astype(np.uint32))


_LENGTHS = np.arange(_SHORTEST, _LONGEST + 1)


@cache
def _powers(size: int) -> tuple[Codes, Codes]:
    """Of the step and of its inverse mod 2^32."""
    inverse = np.uint32(pow(int(_STEP), -1, 1 << 32))
    up = np.cumprod(np.full(size, _STEP, np.uint32), dtype=np.uint32)
    return up, np.cumprod(np.full(size, inverse, np.uint32), dtype=np.uint32)


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each code point is."""
    letters = np.arange(_TABLE_SIZE, dtype=np.uint32)
    letters[0xD800:0xE000] = ord(" ")
    characters = letters.tobytes().decode("utf-32-le")
    kinds = np.array([_WORD if each.isalnum() else _SPACE * each.isspace() for each in characters], np.uint8)
    for low, high in _IDEOGRAPHS:
        part = kinds[low : high + 1]
        part[part == _WORD] = _IDEOGRAPH
    return kinds
