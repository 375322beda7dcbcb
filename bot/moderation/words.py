"""English words by frequency, and which of them a disguised one was meant to be.

The list was counted in the texts the classifiers learn from (docs/contributors/classifiers.md), so that
it knows how people write in chats, insults included.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import groupby, islice, product

from bot.moderation import data

LEET = {
    "0": "o",
    "1": "il",
    "3": "e",
    "4": "a",
    "5": "s",
    "6": "g",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "il",
    "|": "li",
    "+": "t",
    "€": "e",
    "£": "l",
}
"""What stands for which letters, the likelier first."""

_MEASURE = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|a|b|c|d|e|f|g|h|i|k|m|o|p|s|t|v|w|x|bit|bn|cm|fps|ft|gb|hr|hrs|hz|in|kb|kg|km"
    r"|lb|lbs|mb|mi|min|mins|ml|mm|ms|oz|sec|secs|tb|yo|yr|yrs)"
)
"""Numbers with a unit: nobody hides a word in "5in" or "10am"."""

_SHORTEST_SWAP, _LONGEST = 3, 24
_COMMON = 500  # a word of three letters is hardly told from a name: only the commonest are taken to be meant
_READINGS = 64  # of a leet word with several ambiguous signs; bounds the work
_STRANGE_LETTER = 12.0  # costs of a letter outside any word; more than any word's
_CACHED = 8192
_VOWELS = frozenset("aeiouy")
_RUNS = re.compile(r"([^\W\d_])\1+")
_LONG_RUNS = re.compile(r"([^\W\d_])\1\1+")


@cache
def ranks() -> dict[str, int]:
    """Word -> its place by frequency, the commonest 1."""
    text = data.text("words.txt")
    return {word: rank for rank, word in enumerate(text.split(), 1)}


@cache
def lexicon() -> dict[str, frozenset[str]]:
    """Kind of harm -> words that often go with it; each has harmless uses too, so none decides alone.

    The kind `harmless` is laughter, greetings and the like.
    """
    text = data.text("lexicon.json")
    return {kind: frozenset(words.split()) for kind, words in json.loads(text).items()}


def is_word(word: str) -> bool:
    """Whether it is in the list."""
    return word in ranks()


@lru_cache(_CACHED)
def without_leet(token: str, *, numbers: bool = False) -> str | None:
    """The word that digits and signs among letters spell, "1d10t" -> "idiot"; None if they spell none.

    Args:
        numbers: digits alone may be a word too.
    """
    if len(token) > _LONGEST or (not numbers and (len(token) < 2 or _MEASURE.fullmatch(token))):
        return None
    if token.isdecimal() and not numbers:
        return None
    known = ranks()
    readings = product(*(LEET.get(sign, sign) for sign in token))
    for letters in islice(readings, _READINGS):
        read = "".join(letters)
        word = read if read in known else _plain_repeats(read)
        if word in known:
            return read if len(word) == len(read) else word
    return None


@lru_cache(_CACHED)
def without_swap(word: str) -> str | None:
    """The word of which two neighbouring letters changed places, "fcuk" -> "fuck"; None if there is none."""
    known = ranks()
    if word in known or not _SHORTEST_SWAP <= len(word) <= _LONGEST:
        return None
    swapped = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
    meant = min((each for each in swapped if each in known), key=known.__getitem__, default=None)
    if meant is None or (len(word) == _SHORTEST_SWAP and known[meant] > _COMMON):
        return None
    return meant


@lru_cache(_CACHED)
def without_stars(token: str) -> str | None:
    """The word whose letters stars hide, "sh*t" -> "shit"; offensive words first, since those are hidden."""
    if len(token) > _LONGEST:
        return None
    pattern = re.compile(token.replace("*", "[a-z']"))
    fitting = [word for word in _by_shape().get((len(token), token[0]), ()) if pattern.fullmatch(word)]
    hidden = [word for word in fitting if word in _often_hidden()]
    return next(iter(hidden or fitting), None)


@lru_cache(_CACHED)
def without_repeats(word: str) -> str:
    """Three and more of a letter are one or two, whichever makes a word, "asssshole" -> "asshole"."""
    short = _plain_repeats(word)
    return short if is_word(short) else _LONG_RUNS.sub(r"\1\1", word)


def _plain_repeats(word: str) -> str:
    """The commonest word among the ways to shorten every run of a letter; else the word itself."""
    known = ranks()
    runs = list(_RUNS.finditer(word))
    if not runs or len(runs) > 6:
        return word
    pieces: list[tuple[str, ...]] = []
    end = 0
    for run in runs:
        pieces += [(word[end : run.start()],), (run[1], run[1] * 2)]
        end = run.end()
    pieces.append((word[end:],))
    ways = ("".join(way) for way in product(*pieces))
    return min((way for way in ways if way in known), key=known.__getitem__, default=word)


@lru_cache(_CACHED)
def split(letters: str, *, anyway: bool = False) -> tuple[str, ...] | None:
    """Cut letters written without spaces into the likeliest words; None when that makes little sense.

    Args:
        anyway: cut all the same, what is no word in one piece.

    Complexity: letters times the longest word.
    """
    known = ranks()
    total = math.log(len(known))
    best = [0.0]
    cuts = [0]
    for end in range(1, len(letters) + 1):
        ways = []
        for start in range(max(0, end - _LONGEST), end):
            rank = known.get(letters[start:end])
            if rank is not None:
                ways.append((best[start] + math.log(rank + 1) + total / 4, start))
        ways.append((best[end - 1] + _STRANGE_LETTER, end - 1))
        cost, start = min(ways)
        best.append(cost)
        cuts.append(start)
    words = list(_cut(letters, cuts))[::-1]
    strange = sum(len(word) for word in words if word not in known)
    short = sum(len(word) for word in words if len(word) == 1)
    if anyway:
        return tuple(_joined(words))
    return None if 3 * (strange + short) > len(letters) else tuple(words)


def _joined(cut: list[str]) -> Iterator[str]:
    """Neighbors that are single letters, as one."""
    for single, part in groupby(cut, key=lambda word: len(word) == 1):
        if single:
            yield "".join(part)
        else:
            yield from part


def _cut(letters: str, cuts: list[int]) -> Iterator[str]:
    end = len(letters)
    while end:
        yield letters[cuts[end] : end]
        end = cuts[end]


@cache
def _often_hidden() -> frozenset[str]:
    return lexicon()["profanity"] | lexicon()["slur"] | lexicon()["insult"] | lexicon()["sexual"]


@cache
def _by_shape() -> dict[tuple[int, str], list[str]]:
    """Length and first letter -> words, the commonest first."""
    shapes: dict[tuple[int, str], list[str]] = defaultdict(list)
    for word in ranks():
        shapes[len(word), word[0]].append(word)
    return dict(shapes)
