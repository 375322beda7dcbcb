"""Quotes: the sentences of a document that say most about a question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.knowledge.chunking import sentences, weight
from bot.knowledge.search import Query, coverage
from bot.storage.passages import Passage

if TYPE_CHECKING:  # numpy is behind it
    from bot.knowledge.vectors import Embed

QUOTE_WEIGHT = 420
"""Of a quote, at most about; see `chunking.weight`."""
_MOST_SENTENCES = 48
_SAID_COUNT = 0.3  # an answer often repeats no word of its question
_QUESTION_COUNT = 0.4  # a question is seldom the answer to one
_SHORT_COUNT, _SHORT_WEIGHT = 0.7, 45
_OPENING_COUNT = 0.4  # of a thread: its first post is the question


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of a document.

    Attributes:
        passage: what it stands in.
        paragraph: which paragraph of the document.
        score: how much it says about the question.
        cosine: nearness to the question, 0 where that is not known.
    """

    passage: Passage
    paragraph: int
    text: str
    score: float
    cosine: float

    @property
    def states(self) -> bool:
        """It is no question."""
        return not self.text.rstrip("*_\"')）」 ").endswith(("?", "？"))


def told(query: Query, passages: Sequence[Passage], embed: "Embed | None") -> list[Told]:
    """The sentences of passages, in order, as they fit a question."""
    written = paragraphs(passages)
    found = [
        (at, passage, sentence)
        for at, (passage, paragraph) in enumerate(written)
        for sentence in sentences(paragraph)
    ][:_MOST_SENTENCES]
    opening = f"{passages[0].title}\n{written[0][1]}" if len(written) > 1 else ""
    asked = "?" in opening or "？" in opening
    cosines = [0.0] * len(found)
    if embed is not None and query.vector is not None and found:
        cosines = (embed([sentence for *_, sentence in found]) @ query.vector).tolist()
    return [
        _scored(
            Told(passage, at, sentence, coverage(query, sentence) + _SAID_COUNT, cosine),
            opens=asked and at == 0,
        )
        for (at, passage, sentence), cosine in zip(found, cosines, strict=True)
    ]


def quote(sentences: Sequence[Told]) -> tuple[str, Passage] | None:
    """The paragraph that answers best, from where it begins to, and what it stands in; None if there is none.

    A paragraph is worth its best sentence and half of the next two: an answer says more than one thing about
    what was asked.
    """
    paragraphs: dict[int, list[Told]] = {}
    for sentence in sentences:
        paragraphs.setdefault(sentence.paragraph, []).append(sentence)
    if not paragraphs:
        return None

    def worth(at: int) -> float:
        best = sorted((each.score for each in paragraphs[at]), reverse=True)
        return best[0] + sum(best[1:3]) / 2

    best = paragraphs[max(paragraphs, key=worth)]
    return _fitting(best), best[0].passage


def paragraphs(passages: Sequence[Passage]) -> list[tuple[Passage, str]]:
    """The paragraphs of passages, in order, each with the passage it stands in."""
    return [
        (passage, part)
        for passage in passages
        for part in re.split(r"\n[ \t]*\n", passage.text)
        if part.strip()
    ]


def _fitting(paragraph: Sequence[Told]) -> str:
    """As much as a quote bears: all of it, or from its best sentence on."""
    whole = " ".join(each.text for each in paragraph)
    if weight(whole) <= QUOTE_WEIGHT:
        return whole
    best = max(range(len(paragraph)), key=lambda at: paragraph[at].score)
    quoted = paragraph[best].text
    for following in paragraph[best + 1 :]:
        longer = f"{quoted} {following.text}"
        if weight(longer) > QUOTE_WEIGHT:
            break
        quoted = longer
    return _cut(quoted)


def _scored(told: Told, *, opens: bool) -> Told:
    score = told.score + 2 * max(told.cosine, 0.0)
    if not told.states:
        score *= _QUESTION_COUNT
    if opens:
        score *= _OPENING_COUNT
    if weight(told.text) < _SHORT_WEIGHT:
        score *= _SHORT_COUNT
    return replace(told, score=score)


def _cut(text: str) -> str:
    if weight(text) <= QUOTE_WEIGHT:
        return text
    room = QUOTE_WEIGHT if text.isascii() else QUOTE_WEIGHT // 2
    return f"{text[:room].rstrip()} …"
