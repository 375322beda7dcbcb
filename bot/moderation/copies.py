"""Texts that were said before, word for word or nearly: the memory behind the rule about duplicates.

A text is compared with those it shares a piece with: of all its pieces of six letters, those whose checksum
ends in two zero bits are remembered. A text of 40 characters has about nine; six random edits destroy half
of them, while ordinary messages rarely share one that was used lately. What is similar then is for the edit
distance to say. A group holds the texts similar to its first one, and only that one is compared: a chain of
neighbors, of which the last has nothing to do with the first, is no group.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from zlib import crc32

from rapidfuzz.distance import OSA, Levenshtein

from bot.core.events import Identity

TEXTS = 2_048
"""So many are remembered, the newest."""

COMPARED_CHARACTERS = 256
"""Only the beginning of a text is compared: what differs later differs too late to help a spammer."""

PIECE, SAMPLED, MOST_PIECES = 6, 0b11, 24
"""Pieces whose checksum has these bits unset are remembered, one in four; of a long text the smallest."""

PER_PIECE, CANDIDATES = 8, 8
"""Texts remembered by one piece, and texts compared with a new one: an upper bound for its cost."""

EDITS, SIMILAR = 7, 0.93
"""Changes between a text and the first of its group: three random ones in each, which folding may double here
and there, or 7 % of a long text."""

ALIKE = 0.78
"""Share of characters that must be the same, however short a text is."""

EDITED_IN_WORD, WORD = 6, 8
"""So many changes within so many characters are another word."""

PER_GROUP = 256


@dataclass(frozen=True, slots=True)
class Said:
    """Once that a text of a group was said."""

    author: Identity
    channel: str
    at_s: float
    text: str


@dataclass(slots=True, eq=False)
class Group:
    """Texts alike, oldest first."""

    said: deque[Said] = field(default_factory=lambda: deque(maxlen=PER_GROUP))


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A text, its group, and its pieces if it is the first of it."""

    text: str
    pieces: tuple[int, ...]
    group: Group


class Copies:
    """The texts said lately in one community, in groups."""

    def __init__(self, kept_s: float) -> None:
        """Args: kept_s: for so long it is known who said a text, counted to when it was said last."""
        self._kept_s = kept_s
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._by_piece: dict[int, deque[_Known]] = {}

    def add(self, text: str, author: Identity, channel: str, at_s: float) -> Group:
        """Note a text and return the texts like it, itself the last.

        Args:
            text: the folded copy, in which case and disguises are gone already.
        """
        text = text[:COMPARED_CHARACTERS]
        known = self._known.get(text)
        if known is None:
            pieces = _pieces(text)
            group = self._nearest(text, pieces)
            known = _Known(text, pieces, Group()) if group is None else _Known(text, (), group)
            self._remember(known)
        else:
            self._known.move_to_end(text)
        said = known.group.said
        while said and said[0].at_s < at_s - self._kept_s:
            said.popleft()
        said.append(Said(author, channel, at_s, text))
        return known.group

    def forget(self, author: Identity) -> None:
        """Forget what somebody said."""
        for known in list(self._known.values()):
            kept = [said for said in known.group.said if said.author != author]
            if len(kept) < len(known.group.said):
                known.group.said.clear()
                known.group.said.extend(kept)
            if all(said.text != known.text for said in known.group.said):
                self._drop(known)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def pieces(self) -> int:
        """How many pieces are remembered: what the memory of this grows with."""
        return len(self._by_piece)

    def _nearest(self, text: str, pieces: tuple[int, ...]) -> Group | None:
        """The group of the most similar text, if one is similar."""
        shared: dict[_Known, int] = {}
        for piece in pieces:
            for known in self._by_piece.get(piece, ()):
                shared[known] = shared.get(known, 0) + 1
        likeliest = sorted(shared, key=shared.__getitem__, reverse=True)[:CANDIDATES]
        best, group = _allowed(text) + 1, None
        for known in likeliest:
            apart = OSA.distance(text, known.text, score_cutoff=best - 1)
            if apart < best and not _other_words(text, known.text):
                best, group = apart, known.group
        return group

    def _remember(self, known: _Known) -> None:
        self._known[known.text] = known
        for piece in known.pieces:
            found = self._by_piece.get(piece)
            if found is None:
                found = self._by_piece[piece] = deque(maxlen=PER_PIECE)
            found.append(known)
        if len(self._known) > TEXTS:
            self._drop(next(iter(self._known.values())))

    def _drop(self, known: _Known) -> None:
        del self._known[known.text]
        for piece in known.pieces:
            found = self._by_piece.get(piece)
            if found is None or known not in found:
                continue  # newer texts with this piece took its place
            found.remove(known)
            if not found:
                del self._by_piece[piece]


def _allowed(text: str) -> int:
    """How many characters of a text may differ from another for both to say the same."""
    length = len(text)
    return int(min(max(EDITS, (1 - SIMILAR) * length), (1 - ALIKE) * length))


def _other_words(text: str, first: str) -> bool:
    """Whether a word was exchanged: then both may say something different, however alike they are.

    Random edits lie apart. What is put before or behind a text, such as a number, changes nothing.
    """
    edits = Levenshtein.editops(first, text)
    places = [edit.src_pos for edit in edits if edit.tag != "insert" or 0 < edit.src_pos < len(first)]
    return any(
        after - before < WORD for before, after in zip(places, places[EDITED_IN_WORD - 1 :], strict=False)
    )


def _pieces(text: str) -> tuple[int, ...]:
    """Checksums of the pieces by which a text is found again, each once."""
    data, length = text.encode("utf-16-le", "surrogatepass"), 2 * PIECE
    sums = (crc32(data[start : start + length]) for start in range(0, len(data) - length + 1, 2))
    return tuple(sorted({piece for piece in sums if not piece & SAMPLED})[:MOST_PIECES])
