"""A copy of a message that rules and classifiers match on, with what hides words undone, and the way back.

The copy is never stored nor shown: evidence is shown from the text as posted, by `Normalized.span`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import unquote_to_bytes

from bot.moderation import lookalikes, words
from bot.moderation.tracked import Edit, Tracked

MOST_CHARACTERS = 4000
"""Code points read, before and after compatibility forms are taken apart: U+FDFA alone becomes 18."""


@dataclass(frozen=True, slots=True)
class Normalized:
    """A message as it was posted and as it is matched.

    Attributes:
        original: as posted, at most 4,000 code points.
        text: compatibility forms, case, accents of Latin letters, look-alikes, leet, spacing, stars, swaps
            and repeats undone.
        plain: only invisible characters, compatibility forms, accents and case undone; words are as written.
    """

    original: str
    text: str
    plain: str
    _starts: list[int] | None = field(default=None, repr=False, compare=False)
    _ends: list[int] | None = field(default=None, repr=False, compare=False)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of `text` stands in `original`, in code points; offsets outside are drawn in."""
        length = len(self.text)
        start = min(max(start, 0), length)
        end = min(max(end, start), length)
        if self._starts is None or self._ends is None:
            return start, end
        if start == end:
            place = self._starts[start] if start < length else (self._ends[-1] if length else 0)
            return place, place
        return self._starts[start], self._ends[end - 1]


def normalize(text: str) -> Normalized:
    """Make the copy that is matched on."""
    original = text[:MOST_CHARACTERS]
    copy = Tracked(original)
    if "%" in original:
        for _ in range(_ENCODED_TIMES):
            copy.edit(_decoded(copy.text))
    if copy.text.isascii():
        copy.text = copy.text.lower()
        copy.edit((found.start(), found.end(), "") for found in _CONTROLS.finditer(copy.text))
    else:
        copy.edit(_composed(copy.text))
        copy.replace_all([_FOLDED[character] for character in copy.text])
        copy.cap(MOST_CHARACTERS)
    plain = copy.text
    if not plain.isascii():
        copy.edit(_without_lookalikes(plain))
        copy.edit(_without_gaps_in_chinese(copy.text))
    copy.edit(_without_gaps(copy.text))
    copy.edit(_as_meant(copy.text))
    return Normalized(original, copy.text, plain, copy.starts, copy.ends)


# --- what a character stands for

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
"""Marks that combine with any letter. Those of one script (Arabic, Thai, Hindi, …) belong to its words."""
_SIGNS = {
    **dict.fromkeys("‘’‚‛ʼʹ´`＇", "'"),
    **dict.fromkeys("“”„‟«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("∗⁎✱✲✳＊", "*"),
    **dict.fromkeys("•‧∙⋅・･", "·"),
    "\u2800": " ",
}
_COMPOSING = re.compile(
    "[\u0370-\u04ff][\u0300-\u036f]+|[\u3041-\u30ff\uff66-\uff9d][\u3099\u309a\uff9e\uff9f]"
    "|[\u0621-\u064a][\u0653-\u0655]|[\u1100-\u11ff]{2,}"
)
"""Letters that are whole only together with what follows: й, ώ, が, 한."""


class _Folded(dict[str, str]):
    """Character -> what it is matched as; found out when first met."""

    def __missing__(self, character: str) -> str:
        whole = unicodedata.normalize("NFKC", _SIGNS.get(character, character))
        shown = "".join(
            each for each in whole if not _MARKS.match(each)
        )  # one of them is a letter to casefold
        folded = "".join(_fold(each) for each in shown.casefold())
        self[character] = folded
        return folded


def _fold(character: str) -> str:
    if character.isascii():
        return "" if _CONTROLS.match(character) else character
    if _INVISIBLE.match(character) or _MARKS.match(character):
        return ""
    if character in _SIGNS:
        return _SIGNS[character]
    if character.isspace():
        return " "
    if character in _PICTURED:
        return _PICTURED[character]
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character


_FOLDED = _Folded()
_PICTURED = lookalikes.PICTURED


def _composed(text: str) -> Iterator[Edit]:
    for found in _COMPOSING.finditer(text):
        yield found.start(), found.end(), unicodedata.normalize("NFKC", found[0])


# --- links

_ENCODED = re.compile(r"(?<=[\w./:@?=&#-])(?:%[0-9A-Fa-f]{2})+")
_ENCODED_TIMES = 3
_LINK = re.compile(r"(?:https?://|www\.)\S+|(?<![\w.])(?:[\w-]+\.)+[^\W\d_]{2,}(?:/\S*)?")


def _decoded(text: str) -> Iterator[Edit]:
    """Percent-encoded parts of links; what is no UTF-8 stays."""
    for found in _ENCODED.finditer(text):
        try:
            decoded = unquote_to_bytes(found[0]).decode()
        except UnicodeDecodeError:
            continue
        if 3 * len(decoded) == len(found[0]):
            starts = range(found.start(), found.end(), 3)
            yield from ((start, start + 3, letter) for start, letter in zip(starts, decoded, strict=True))
        else:
            yield found.start(), found.end(), decoded


# --- letters that look like others

_WORD = re.compile(
    r"[^\W\d_\u0e00-\u0eff\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+"
)
"""Words of scripts in which letters of several alphabets can be mixed."""
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_TO_CYRILLIC = str.maketrans("abcehkmoptxy", "авсенкмортху")
_SHORTEST_LOOKALIKE = 3


def _without_lookalikes(text: str) -> Iterator[Edit]:
    """Mixed words in one alphabet; words of another alphabet only where the whole message is a disguise."""
    found = [(each.start(), each.end(), each[0]) for each in _WORD.finditer(text)]
    strange = [each for each in found if not each[2].isascii()]
    if not strange:
        return
    loose, exact = lookalikes.loose(), lookalikes.exact()
    native = any(_is_native(word, _read(word, loose)) for *_, word in strange)
    mixed = any(_has_ascii(word) and _read(word, loose).isascii() for *_, word in strange)
    for start, end, word in strange:
        latin = _read(word, loose)
        if _has_ascii(word):
            cyrillic = _cyrillic(word) if native and not words.is_word(latin) else None
            if cyrillic is not None:
                yield start, end, cyrillic
            elif latin.isascii():
                yield start, end, latin
        elif not native and latin.isascii() and (mixed or _is_disguise(_read(word, exact))):
            yield start, end, latin


def _is_native(word: str, latin: str) -> bool:
    """Whether a word shows that its message is in another alphabet: no Latin letter, nor an English word."""
    return len(word) >= _SHORTEST_LOOKALIKE and not _has_ascii(word) and not words.is_word(latin)


def _has_ascii(word: str) -> bool:
    return any(map(str.isascii, word))


def _read(word: str, table: dict[str, str]) -> str:
    return "".join(table.get(letter, letter) for letter in word)


def _is_disguise(latin: str) -> bool:
    return len(latin) >= _SHORTEST_LOOKALIKE and latin.isascii() and words.is_word(latin)


def _cyrillic(word: str) -> str | None:
    """A mostly Cyrillic word with its Latin letters exchanged, or None."""
    if 2 * len(_CYRILLIC.findall(word)) <= len(word):
        return None
    read = word.translate(_TO_CYRILLIC)
    return read if len(_CYRILLIC.findall(read)) == len(read) else None


# --- letters pulled apart

_GAP = r"[ ._\-*/|~·]"
_APART = re.compile(
    rf"(?<![\w@$*])[^\W_](?P<gap>{_GAP})(?P=gap){{0,3}}(?:[^\W_](?P=gap){{1,4}})+[^\W_](?![\w*])"
)
_PAIR_APART = re.compile(r"(?<![\w@$*.])[^\W_](?P<gap>[._\-*/|~·])[^\W_](?![\w*.])")
_SURELY_APART = 5  # letters in a row with gaps between them: somebody meant it
_APART_LETTER = re.compile(r"[^\W_]")
_CHINESE_APART = re.compile(
    rf"(?<![\u3400-\u9fff])(?:[\u3400-\u9fff]{_GAP}{{1,3}}){{2,}}[\u3400-\u9fff](?![\u3400-\u9fff])"
)


def _without_gaps(text: str) -> Iterator[Edit]:
    """Letters written apart, "s h i t", put together and cut into words; pairs only beside longer ones."""
    undone = list(_runs_undone(text))
    if undone:
        signs = {text[start] for start, *_ in undone}
        pairs = ((each.start() + 1, each.end() - 1, "") for each in _PAIR_APART.finditer(text))
        undone += [pair for pair in pairs if text[pair[0]] in signs and pair not in undone]
    yield from sorted(undone)


def _runs_undone(text: str) -> Iterator[Edit]:
    for run in _APART.finditer(text):
        places = [run.start() + each.start() for each in _APART_LETTER.finditer(run[0])]
        letters = "".join(text[place] for place in places)
        if not letters.isascii() or letters.isdecimal():
            continue
        gaps = [after - before - 1 for before, after in pairwise(places)]
        last_of_word = _last_of_words(letters, gaps)
        for number, (place, gap) in enumerate(zip(places, gaps, strict=False)):
            if last_of_word is not None:
                yield place + 1, place + 1 + gap, " " if number in last_of_word else ""


def _last_of_words(letters: str, gaps: list[int]) -> frozenset[int] | None:
    """Numbers of the letters after which a word ends; None if the letters make no words."""
    if min(gaps) == max(gaps):
        parts = words.split(letters) if letters.isalpha() else _unleeted(letters)
        if parts is None and letters.isalpha() and len(letters) >= _SURELY_APART:
            parts = words.split(letters, anyway=True)
    else:
        ends = [number + 1 for number, gap in enumerate(gaps) if gap > min(gaps)]
        starts_and_ends = zip([0, *ends], [*ends, len(letters)], strict=True)
        parts = tuple(letters[start:end] for start, end in starts_and_ends)
        known = sum(len(part) for part in parts if words.is_word(part) or _unleeted(part))
        parts = parts if 2 * known >= len(letters) else None
    if parts is None:
        return None
    end = -1
    lasts = []
    for part in parts:
        end += len(part)
        lasts.append(end)
    return frozenset(lasts)


def _unleeted(letters: str) -> tuple[str] | None:
    return (letters,) if words.without_leet(letters) else None


def _without_gaps_in_chinese(text: str) -> Iterator[Edit]:
    for run in _CHINESE_APART.finditer(text):
        for gap in re.finditer(_GAP + "+", run[0]):
            yield run.start() + gap.start(), run.start() + gap.end(), ""


# --- words spelled otherwise

_TOKEN = re.compile(r"[a-z0-9@$!|+€£*]+")
_SIGN = re.compile(r"[0-9@$!|+€£]")
_TRAILING = "!|+*"
_SHORTEST_SURE = 3  # "g0" is a word only beside a longer one with signs in it
_MANY = 3  # words with signs in a message: its numbers are words too, "15" is "is"
_STARRED = re.compile(r"[a-z]+\*+[a-z*]*[a-z]")


def _as_meant(text: str) -> Iterator[Edit]:
    """Words with signs for letters, stars, swapped neighbors or repeated letters, as they were meant."""
    links = [found.span() for found in _LINK.finditer(text)] if "." in text or "://" in text else []
    known = words.ranks()
    edits: list[Edit] = []
    short: list[Edit] = []
    numbers: list[Edit] = []
    for found in _TOKEN.finditer(text):
        token, start = found[0], found.start()
        if token in known or any(first <= start < last for first, last in links):
            continue
        token = token.rstrip(_TRAILING)
        if token.isdecimal():
            numbers.append((start, start + len(token), token))
            continue
        meant = None if token in known else _meant(token)
        if meant is not None and meant != token:
            (edits if len(token) >= _SHORTEST_SURE else short).append((start, start + len(token), meant))
    signed = sum(not text[start:end].isalpha() for start, end, _ in edits)
    if signed >= _MANY:
        read = ((start, end, words.without_leet(token, numbers=True)) for start, end, token in numbers)
        short += [(start, end, meant) for start, end, meant in read if meant is not None]
    return iter(sorted(edits + short) if signed else edits)


def _meant(token: str) -> str | None:
    if token.isalpha():
        shorter = words.without_repeats(token)
        return words.without_swap(shorter) or shorter
    if "*" in token:
        return words.without_stars(token) if _STARRED.fullmatch(token) else None
    return words.without_leet(token) if _SIGN.search(token) else None
