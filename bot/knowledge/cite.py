"""Quotes: the sentences of a document that say most about a question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.chunking import sentences, weight
from bot.knowledge.search import Query, coverage
from bot.storage.passages import Passage

QUOTE_WEIGHT = 420
"""Of a quote, at most about; see `chunking.weight`."""
_MOST_SENTENCES = 48
_LEAST_WEIGHT = 12
_QUESTION_COUNT = 0.4  # a question is seldom the answer to one
_SHORT_COUNT, _SHORT_WEIGHT = 0.7, 45
_NEIGHBOUR = 0.6

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of a document.

    Attributes:
        passage: which passage it stands in.
        score: how much it says about the question.
        cosine: nearness to the question, 0 where that is not known.
    """

    passage: int
    text: str
    score: float
    cosine: float

    @property
    def states(self) -> bool:
        """It is no question."""
        return not self.text.rstrip("*_\"')）」 ").endswith(("?", "？"))


def told(query: Query, passages: Sequence[Passage], embed: Embed | None) -> list[Told]:
    """The sentences of passages, in order, as they fit a question."""
    found = [(at, sentence) for at, passage in enumerate(passages) for sentence in sentences(passage.text)]
    found = found[:_MOST_SENTENCES]
    found = [each for each in found if weight(each[1]) >= _LEAST_WEIGHT] or found
    cosines = [0.0] * len(found)
    if embed is not None and query.vector is not None and found:
        cosines = (embed([sentence for _, sentence in found]) @ query.vector).tolist()
    return [
        _scored(Told(at, sentence, coverage(query, sentence) + 0.01, cosine))
        for (at, sentence), cosine in zip(found, cosines, strict=True)
    ]


def quote(sentences: Sequence[Told]) -> str:
    """The sentence that answers best, and those after it that still belong to it; "" if there are none."""
    if not sentences:
        return ""
    first = max(range(len(sentences)), key=lambda at: sentences[at].score)
    best, quoted = sentences[first], sentences[first].text
    for following in sentences[first + 1 :]:
        longer = f"{quoted} {following.text}"
        if following.passage != best.passage or following.score < _NEIGHBOUR * best.score:
            break
        if weight(longer) > QUOTE_WEIGHT:
            break
        quoted = longer
    return _cut(quoted)


def _scored(told: Told) -> Told:
    score = told.score + 2 * max(told.cosine, 0.0)
    if not told.states:
        score *= _QUESTION_COUNT
    if weight(told.text) < _SHORT_WEIGHT:
        score *= _SHORT_COUNT
    return Told(told.passage, told.text, score, told.cosine)


def _cut(text: str) -> str:
    if weight(text) <= QUOTE_WEIGHT:
        return text
    room = QUOTE_WEIGHT if text.isascii() else QUOTE_WEIGHT // 2
    return f"{text[:room].rstrip()} …"
