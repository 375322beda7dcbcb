"""Answers made of quotes, each with its source; or the honest word that nothing was found."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.text import _
from bot.knowledge.cite import Told, quote, told
from bot.knowledge.confidence import ENOUGH, confidence
from bot.knowledge.search import Finding, Query, Search
from bot.storage.passages import Passage

MOST_SOURCES = 3
_NEAR_THE_BEST, _ENOUGH_BESIDE = 0.7, 0.2  # of a second source: its score, and its own confidence
_READ_PASSAGES = 16

Counts = Callable[[Passage], bool]
"""Whether a passage may be found and quoted."""


def whatever(passage: Passage) -> bool:
    """Any may."""
    return True


@dataclass(frozen=True, slots=True)
class Source:
    """Where something stands.

    Attributes:
        quote: what it says there, in its own words.
        text: the quote and what stands round it.
        at: when the passage was written.
        mark: the passage that the quote stands in, see `Passage`.
    """

    id: str
    title: str
    link: str
    quote: str
    text: str
    at: datetime
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a question.

    Attributes:
        text: quotes numbered as the sources are, from 1; when abstained, a sentence that says so.
        confidence: the chance that the first source answers the question, 0..1.
        sources: best first; when abstained, what came nearest.
        ranked: the ids of all that was found, best first.
    """

    text: str
    abstained: bool
    confidence: float
    sources: tuple[Source, ...]
    ranked: tuple[str, ...]


async def ask(
    search: Search,
    question: str,
    community: str,
    now: datetime,
    channels: Collection[str] | None = None,
    counts: Counts = whatever,
) -> Answer:
    """Answer from what a community knows.

    Args:
        channels: keys of the channels that the asker may read, "" for documents of the community; None: all.
        counts: a question that stands in an archived channel must not be its own answer.
    """
    query = await search.query(question, community, channels)
    found = await search.find(query, community, now, channels)
    findings = [each for each in (_counting(finding, counts) for finding in found) if each.hits]
    read = await look(search, query, findings[:1], counts)
    sure = confidence(query, findings, read.told[0], read.titles[0]) if findings else 0.0
    ranked = tuple(finding.passage.document for finding in findings)
    if sure < ENOUGH:
        nearest = tuple(
            _source(each.passage, each.passage.text, each.passage) for each in findings[:MOST_SOURCES]
        )
        return Answer(_nothing(nearest), True, sure, nearest, ranked)
    others = [each for each in findings[1:MOST_SOURCES] if each.score >= _NEAR_THE_BEST * findings[0].score]
    more = await look(search, query, others, counts)
    answering = [
        (finding, told)
        for finding, told, title in zip(others, more.told, more.titles, strict=True)
        if confidence(query, [finding], told, title) >= _ENOUGH_BESIDE
    ]
    sources = tuple(_quoting(finding, told) for finding, told in [(findings[0], read.told[0]), *answering])
    return Answer(_quoted(sources), False, sure, sources, ranked)


@dataclass(frozen=True, slots=True)
class Read:
    """The sentences of findings, in their order, and how near their titles are to the question."""

    told: tuple[Sequence[Told], ...]
    titles: tuple[float, ...]


async def look(search: Search, query: Query, findings: Sequence[Finding], counts: Counts = whatever) -> Read:
    """Read findings sentence by sentence."""
    embed = search.index.embedder.embed if search.index.embedder is not None else None
    sentences = []
    for finding in findings:
        passages = await search.index.passages.whole(finding.passage, _READ_PASSAGES)
        if finding.passage not in passages:  # it is long: what fits is read, not its beginning
            passages = [hit.passage for hit in finding.hits]
        passages = [each for each in passages if counts(each)]
        sentences.append(await asyncio.to_thread(told, query, passages, embed))
    titles = [0.0] * len(findings)
    if findings and embed is not None and query.vector is not None:
        named = [finding.passage.title or finding.passage.text for finding in findings]
        titles = ((await asyncio.to_thread(embed, named)) @ query.vector).tolist()
    return Read(tuple(sentences), tuple(titles))


def _counting(finding: Finding, counts: Counts) -> Finding:
    return replace(finding, hits=tuple(hit for hit in finding.hits if counts(hit.passage)))


def _quoting(finding: Finding, told: Sequence[Told]) -> Source:
    """What a document says to a question; its link leads to where the quote stands, not to what was found."""
    said, stands_in = quote(told) or ("", finding.passage)
    return _source(finding.passage, said, stands_in)


def _source(found: Passage, said: str, stands_in: Passage) -> Source:
    text = found.text if said in found.text else f"{said}\n{found.text}"
    return Source(found.document, stands_in.title, stands_in.link, said, text, stands_in.at, stands_in.mark)


def _quoted(sources: Sequence[Source]) -> str:
    return "\n".join(f"{source.quote} [{number}]" for number, source in enumerate(sources, start=1))


def _nothing(sources: Sequence[Source]) -> str:
    if not sources:
        return _("I could not find this in what I know.")
    nearest = "\n".join(f"[{number}] {source.title}" for number, source in enumerate(sources, start=1))
    return _("I could not find this in what I know. Nearest to it are:") + f"\n{nearest}"
