"""The words that rules look for, as one automaton: a message is read once, however many words there are.

The folded copy has undone what hides a word that people know. Moderators also list words that nobody else
knows; for these the copy is read once more with every sign taken for the letter it resembles, repeats dropped
and single letters put together, and only if there is something of the kind in it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ahocorasick_rs import AhoCorasick

from bot.moderation.examined import Hit
from bot.moderation.normalize import Normalized, normalize

Owner = tuple[str, str]
"""The name of a rule and what it looks for."""

_SHORTEST_HIDDEN = 4
"""Letters of a word, repeats dropped, that is looked for in disguise: "a5" is not yet a word."""

_STRANGE = re.compile(r"[^\W\d_][\d@$!|+€£]|[\d@$!|+€£][^\W\d_]|(\w)\1\1|\s\s|[\n\t]", re.I)
_ALONE = re.compile(r"(?<!\w)[^\W_](?:[\W_]{1,3}[^\W_]){3,}(?!\w)")
_THRICE = re.compile(r"(\w)\1\1")
_SIGNS = "013456789@$!|+€£l"
_LETTERS = "oieasgtbgasiitexi"
_LETTER_OF = str.maketrans(_SIGNS, _LETTERS)
"""One letter for each sign; l is read as i, because 1 and ! are either."""


class Literals:
    """One automaton for the literals of all rules, in each of the ways in which a text is read."""

    def __init__(self, sought: Sequence[Owner]) -> None:
        """Args: sought: names of rules and what they look for."""
        self._folded = _Automaton((_folded(owner[1]), owner) for owner in sought)
        self._plain = _Automaton((_only_plain(owner[1]), owner) for owner in sought)
        self._bare = _Automaton((_hidden(owner[1]), owner) for owner in sought)

    def search(self, text: Normalized, found: dict[str, list[Hit]]) -> None:
        """Add the hits in a text, overlapping ones too. Linear in the text and the number of hits."""
        for owner, start, end in self._folded.search(text.text):
            found[owner[0]].append(_hit(owner, text, start, end))
        for owner, start, end in self._plain.search(text.plain):
            found[owner[0]].append(_hit_in_plain(owner, text, start, end))
        if self._bare:
            self._search_disguised(text, found)

    def _search_disguised(self, text: Normalized, found: dict[str, list[Hit]]) -> None:
        if _STRANGE.search(text.original):
            bare, places = _read(text.text)
            for owner, start, end in self._bare.search(bare):
                hit = _hit(owner, text, places[start], places[end])
                if _is_disguise(text.original[hit.start : hit.end]):
                    found[owner[0]].append(hit)
        for run in _ALONE.finditer(text.original):
            self._search_apart(run, found)

    def _search_apart(self, run: re.Match[str], found: dict[str, list[Hit]]) -> None:
        """Letters standing alone are read as one word; it may begin and end anywhere in them."""
        places = [run.start() + at for at, letter in enumerate(run[0]) if letter.isalnum()]
        bare, kept = _read("".join(filter(str.isalnum, run[0])).casefold())
        if kept[-1] != len(places):
            return  # a letter that is two in small, such as the dotted I of Turkish
        for owner, start, end in self._bare.search(bare):
            found[owner[0]].append(Hit(owner[1], places[kept[start]], places[kept[end] - 1] + 1))


class _Automaton:
    """Aho-Corasick whose literals have owners."""

    def __init__(self, sought: Iterable[tuple[str, Owner]]) -> None:
        owners: dict[str, list[Owner]] = defaultdict(list)
        for literal, owner in sought:
            if literal:
                owners[literal].append(owner)
        self._owners = tuple(owners.values())
        self._automaton = AhoCorasick(tuple(owners)) if owners else None

    def __bool__(self) -> bool:
        return self._automaton is not None

    def search(self, text: str) -> Iterator[tuple[Owner, int, int]]:
        if self._automaton is None:
            return
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            for owner in self._owners[index]:
                yield owner, start, end


def _folded(literal: str) -> str:
    """What stands in the folded copy for a literal; "" if that would be another word."""
    copy = normalize(literal)
    return "" if _only_plain(literal) else copy.text.strip()


def _only_plain(literal: str) -> str:
    """A literal that the folded copy would mend, such as "hte": it is looked for as it is written."""
    copy = normalize(literal)
    mended = copy.text != copy.plain and all(part.isalpha() for part in copy.plain.split())
    return copy.plain.strip() if mended else ""


def _hidden(literal: str) -> str:
    """A literal as it is looked for in disguise; "" if it is too short to be told from other words."""
    bare, _places = _read(normalize(literal).plain.strip())
    letters = sum(character.isalpha() for character in bare)
    return bare if letters >= _SHORTEST_HIDDEN else ""


def _read(text: str) -> tuple[str, list[int]]:
    """A text with letters for signs, and runs of one letter or of white space as one; and where each stands.

    Returns:
        One place more than there are characters: the last is the end of the text.
    """
    letters = text.translate(_LETTER_OF)
    bare: list[str] = []
    places: list[int] = []
    last = ""
    for at, letter in enumerate(letters):
        shown = " " if letter.isspace() else letter
        if shown != last:
            bare.append(shown)
            places.append(at)
            last = shown
    return "".join(bare), [*places, len(text)]


def _is_disguise(part: str) -> bool:
    """Whether a word was hidden there: letters and signs mixed, one letter often, or gaps of a kind."""
    letters = sum(character.isalpha() for character in part)
    if 2 * letters < len(part):
        return False
    return not part.replace(" ", "").isalpha() or _THRICE.search(part.lower()) is not None or "  " in part


def _hit(owner: Owner, text: Normalized, start: int, end: int) -> Hit:
    starts = _parted(text.text, start - 1, start)
    ends = _parted(text.text, end - 1, end)
    return Hit(owner[1], *text.span(start, end), starts_word=starts, ends_word=ends)


def _hit_in_plain(owner: Owner, text: Normalized, start: int, end: int) -> Hit:
    """The plain copy knows no way back, so the place is looked for; at worst it is the whole text."""
    starts = _parted(text.plain, start - 1, start)
    ends = _parted(text.plain, end - 1, end)
    place = text.original.casefold().find(text.plain[start:end])
    whole = (0, len(text.original))
    span = whole if place < 0 or len(text.original.casefold()) != whole[1] else (place, place + end - start)
    return Hit(owner[1], *span, starts_word=starts, ends_word=ends)


def _parted(text: str, before: int, after: int) -> bool:
    """Whether a word may begin or end between two neighboring characters."""
    if before < 0 or after >= len(text):
        return True
    return not (_joins(text[before]) and _joins(text[after]))


def _joins(character: str) -> bool:
    """Letters and digits of scripts that put spaces between words; in others, every place ends a word."""
    unspaced = (
        "\u0e00" <= character <= "\u0eff" or "\u2e80" <= character <= "\ua4cf" or character >= "\U00020000"
    )
    return character.isalnum() and not unspaced
