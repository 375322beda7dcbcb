"""How likely two texts ask the same: nearness of meaning, corrected by what must agree for that.

Two questions may be near in meaning and still ask about two things: one names a number, a thing or a negation
that the other does not. Each such difference lowers the score.
"""

import math
import re
from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from bot.knowledge.index import Embedding
from bot.knowledge.segmenting import characters, content_words, is_han, words

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z]\w+")
_NEGATIONS = frozenset({"not", "never", "no", "without", "cannot", "nor"}) | frozenset("不没无未别")
_AT_ONCE = 512  # pairs, whose texts are embedded together, each once
_READ = 4_000  # characters: comparing letters takes the square of them, and the model reads fewer

# set by hand, for there are no labeled pairs in the tree: a cosine of .75 with half of the words is even odds
_COSINE, _OVERLAP, _BIAS = 8.0, 2.0, -6.9
_WORDS_ONLY, _WORDS_BIAS = 7.0, -3.5
_NUMBERS_DIFFER, _NAMES_DIFFER, _NEGATION_DIFFERS = 1.2, 0.8, 0.4


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
            yield duplicate(text, other, None if _foreign(text) or _foreign(other) else cosine)


def duplicate(text: str, other: str, cosine: float | None) -> float:
    """The chance that two texts ask the same, 0..1.

    Args:
        cosine: nearness of their meaning; None where no model compared them, then words decide.
    """
    overlap = _overlap(text, other)
    score = (
        _WORDS_BIAS + _WORDS_ONLY * overlap
        if cosine is None
        else _BIAS + _COSINE * cosine + _OVERLAP * overlap
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


def _differences(text: str, other: str) -> float:
    found = 0.0
    if numbers_differ(text, other):
        found += _NUMBERS_DIFFER
    if names_differ(text, other):
        found += _NAMES_DIFFER
    if _negates(text) != _negates(other):
        found += _NEGATION_DIFFERS
    return found


def numbers_differ(text: str, other: str) -> bool:
    """Whether one text names a number that the other does not."""
    return set(_NUMBER.findall(text)) != set(_NUMBER.findall(other))


def names_differ(text: str, other: str) -> bool:
    """Whether each text names something that the other does not."""
    return _unshared(_NAME.findall(text), other) and _unshared(_NAME.findall(other), text)


def _unshared(names: Sequence[str], other: str) -> bool:
    """Whether a name of one text does not stand in the other."""
    lowered = other.lower()
    return any(name.lower() not in lowered for name in names)


def _negates(text: str) -> bool:
    told = set(re.findall(r"[a-z]+", text.lower())) | set(text)
    return bool(told & _NEGATIONS) or "n't" in text.lower()


def _foreign(text: str) -> bool:
    """Whether the English model cannot read a text."""
    told = words(text)
    return bool(told) and sum(map(is_han, told)) * 2 >= len(told)
