"""A text under change that remembers where each of its characters came from."""

from collections.abc import Iterable

Edit = tuple[int, int, str]
"""Start and end in the text before, and what stands there instead."""


class Tracked:
    """A text and, for each of its code points, the part of the original it stands for.

    Attributes:
        text: as it is now.
        starts, ends: one number for each code point of `text`; None while nothing moved.
    """

    __slots__ = ("ends", "starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts: list[int] | None = None
        self.ends: list[int] | None = None

    def edit(self, edits: Iterable[Edit]) -> None:
        """Replace parts, given in order and apart from each other.

        A replacement as long as what it replaces stands letter for letter; any other stands for the
        whole part.
        """
        text = self.text
        pieces: list[str] = []
        starts, ends = self._maps()
        new_starts: list[int] = []
        new_ends: list[int] = []
        at = 0
        for start, end, new in edits:
            pieces += [text[at:start], new]
            if len(new) == end - start:
                new_starts += starts[at:end]
                new_ends += ends[at:end]
            else:
                new_starts += starts[at:start]
                new_ends += ends[at:start]
                if new:
                    new_starts += [starts[start]] * len(new)
                    new_ends += [ends[end - 1]] * len(new)
            at = end
        if not pieces:
            return
        pieces.append(text[at:])
        self.text = "".join(pieces)
        self.starts, self.ends = new_starts + starts[at:], new_ends + ends[at:]

    def replace_all(self, parts: list[str]) -> None:
        """One part for each code point of the text."""
        lengths = [len(part) for part in parts]
        if lengths.count(1) == len(lengths):
            self.text = "".join(parts)
            return
        starts, ends = self._maps()
        self.text = "".join(parts)
        self.starts = [place for place, n in zip(starts, lengths, strict=True) for _ in range(n)]
        self.ends = [place for place, n in zip(ends, lengths, strict=True) for _ in range(n)]

    def cap(self, most: int) -> None:
        """Drop what is over `most` code points."""
        if len(self.text) > most:
            starts, ends = self._maps()
            self.text, self.starts, self.ends = self.text[:most], starts[:most], ends[:most]

    def _maps(self) -> tuple[list[int], list[int]]:
        if self.starts is None or self.ends is None:
            return list(range(len(self.text))), list(range(1, len(self.text) + 1))
        return self.starts, self.ends
