"""How likely two texts ask the same: nearness of meaning, corrected by what must agree for that.

Two questions may be near in meaning and still ask about two things: each names a number or a thing that the
other does not. Such a difference lowers the score, and words that both say raise it.
"""

import math
import re
from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from bot.knowledge.index import Embedding
from bot.knowledge.segmenting import characters, content_words, is_han, words

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z]\w+")
_AT_ONCE = 512  # pairs, whose texts are embedded together, each once
_READ = 4_000  # characters: comparing letters takes the square of them, and the model reads fewer

# weighed on pairs from four sources, see docs/performance.md; even odds: a cosine of .75, half of the words
_COSINE, _SHARED, _BIAS = 8.0, 1.0, -6.5
_WORDS_ONLY, _WORDS_BIAS = 7.0, -3.5
_NUMBERS_DIFFER, _NAMES_DIFFER = 0.8, 0.8


def duplicates(pairs: Sequence[tuple[str, str]], embedder: Embedding | None) -> Iterator[float]:
    """The chance that each pair asks the same, 0..1, in order."""
    for at in range(0, len(pairs), _AT_ONCE):
        some = [(text[:_READ], other[:_READ]) for text, other in pairs[at : at + _AT_ONCE]]
        cosines: list[float | None] = [None] * len(some)
        if embedder is not None:
            rows = {
                text: row for row, text in enumerate(dict.fromkeys(text for pair in some for text in pair))
            }
            vectors = embedder.embed(list(rows))
            cosines = [float(vectors[rows[text]] @ vectors[rows[other]]) for text, other in some]
        for (text, other), cosine in zip(some, cosines, strict=True):
            yield duplicate(text, other, None if foreign(text) or foreign(other) else cosine)


def duplicate(text: str, other: str, cosine: float | None) -> float:
    """The chance that two texts ask the same, 0..1.

    Args:
        cosine: nearness of their meaning; None where no model compared them, then words decide.
    """
    score = (
        _WORDS_BIAS + _WORDS_ONLY * _overlap(text, other)
        if cosine is None
        else _BIAS + _COSINE * cosine + _SHARED * _shared(text, other)
    )
    return 1 / (1 + math.exp(-(score - _differences(text, other))))


def _overlap(text: str, other: str) -> float:
    """How alike the words are, 0..1: shared content words, and letters for what is misspelt."""
    one, two = set(content_words(text)), set(content_words(other))
    shared = 2 * len(one & two) / (len(one) + len(two)) if one or two else 1.0
    han, other_han = characters(text), characters(other)
    if han and other_han:
        return (shared + 2 * len(han & other_han) / (len(han) + len(other_han))) / 2
    letters = fuzz.token_sort_ratio(text.lower(), other.lower()) / 100
    return 0.7 * shared + 0.3 * letters


def _shared(text: str, other: str) -> float:
    """The share of the content words of the shorter text that stand in the other, 0..1."""
    one, two = set(content_words(text)), set(content_words(other))
    return len(one & two) / max(min(len(one), len(two)), 1)


def _differences(text: str, other: str) -> float:
    found = 0.0
    if numbers_differ(text, other):
        found += _NUMBERS_DIFFER
    if names_differ(text, other):
        found += _NAMES_DIFFER
    return found


def numbers_differ(text: str, other: str) -> bool:
    """Whether each text names a number that the other does not."""
    one, two = set(_NUMBER.findall(text)), set(_NUMBER.findall(other))
    return bool(one - two and two - one)


def names_differ(text: str, other: str) -> bool:
    """Whether each text names something that the other does not."""
    return _unshared(_NAME.findall(text), other) and _unshared(_NAME.findall(other), text)


def _unshared(names: Sequence[str], other: str) -> bool:
    """Whether a name of one text does not stand in the other."""
    lowered = other.lower()
    return any(name.lower() not in lowered for name in names)


def foreign(text: str) -> bool:
    """Whether the English model cannot read a text."""
    told = words(text)
    return bool(told) and sum(map(is_han, told)) * 2 >= len(told)
