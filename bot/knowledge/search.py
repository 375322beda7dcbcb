"""Search by words and by meaning, put together by rank, newer ones first among equals.

Source: Cormack, Clarke and Buettcher, Reciprocal Rank Fusion (SIGIR 2009), whose constant is 60.
"""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.knowledge.index import Index, readable
from bot.knowledge.segmenting import characters, content_words, is_han, is_small, words
from bot.knowledge.synonyms import related
from bot.storage.passages import ALL, Bounds, Passage

if TYPE_CHECKING:  # numpy is behind it
    from bot.knowledge.vectors import Vector

_RRF = 60
_CANDIDATES, _READ_NOW = 50, 16
# chosen on the development questions of tests/knowledge, see docs/performance.md
_WORDS_COUNT, _RELATED_COUNT, _MEANING_COUNT = 20.0, 10.0, 40.0
_COSINE_COUNT, _COVERED_COUNT = 3.0, 1.0
_SECOND = 0.2  # what a second passage of the same document adds
_RECENCY, _HALF_LIFE_DAYS = 0.02, 180.0  # at most about one rank
# passages, a share of all between two bounds: that is what a search by words costs, some 1 ms for 1,000
_LOOKED_THROUGH, _LEAST_LOOKED_THROUGH, _MOST_LOOKED_THROUGH = 0.03, 2_000, 10_000
_MOST_WORDS = 24
_HAN_SHARE = 0.5
_FIRST_RANKS = 3
_MOST_RELATED = 3


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is looked for.

    Attributes:
        weights: content word -> how seldom it is.
        names: words of it that are written like names.
        unknown: content words that stand nowhere, and names that stand nowhere where it may be read.
        related: words that stand for its words, see `synonyms`.
        telling: the words, and the related words, that are looked for in the index.
        characters: its Chinese characters.
        vector: None without a model that reads its language.
    """

    text: str
    weights: Mapping[str, float]
    names: frozenset[str]
    unknown: frozenset[str]
    related: Sequence[str]
    telling: tuple[Sequence[str], Sequence[str]]
    characters: frozenset[str]
    vector: "Vector | None"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found.

    Attributes:
        score: by which hits are ordered.
        cosine: nearness of meaning to the question, 0 where that is not known.
        coverage: the share of the question's words that stand in it, seldom ones counting more, 0..1.
        related: how many related words stand in it, at most three.
        agreed: it is among the first by words or by meaning; both: (True, True).
    """

    passage: Passage
    score: float
    cosine: float
    coverage: float
    related: int
    agreed: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Finding:
    """A document that was found, with its passages that fit, best first."""

    hits: tuple[Hit, ...]
    score: float

    @property
    def passage(self) -> Passage:
        """The best passage."""
        return self.hits[0].passage


async def always() -> bool:
    """For an index that is ready."""
    return True


class Search:
    """Finds documents of one community at a time, and only in channels that may be read."""

    def __init__(self, index: Index, ready: Callable[[], Awaitable[bool]] = always) -> None:
        """Args: ready: whether meanings may be compared; asked before each question."""
        self.index, self._ready = index, ready

    async def query(
        self, question: str, community: str | None = None, channels: Collection[str] | None = None
    ) -> Query:
        """Prepare a question, for one community or for all; see `find`."""
        ready = await self._ready()
        asked = content_words(question)[:_MOST_WORDS]
        others = related(question)[:_MOST_WORDS]
        async with asyncio.TaskGroup() as group:
            state = group.create_task(self.index.passages.state())
            frequencies = group.create_task(self.index.passages.frequencies([*asked, *others]))
        count, known = state.result().count, frequencies.result()
        weights = {word: max(math.log((count + 1) / (known.get(word, 0) + 0.5)), 0.1) for word in asked}
        names = _names(question)
        unread = await self._unread(names & known.keys(), community, channels)
        vector = None
        if ready and self.index.embedder is not None and not _mostly_han(question):
            vector = (await asyncio.to_thread(self.index.embedder.embed, [question]))[0]
        return Query(
            text=question,
            weights=weights,
            names=names,
            unknown=frozenset(asked) - known.keys() | unread,
            related=others,
            telling=(_telling(asked, known, count), _telling(others, known, count)),
            characters=characters(question),
            vector=vector,
        )

    async def find(
        self,
        query: Query,
        community: str,
        now: datetime,
        channels: Collection[str] | None = None,
        bounds: Bounds = ALL,
    ) -> list[Finding]:
        """The documents that fit a question, best first.

        Args:
            channels: keys of the channels that may be read, "" for documents of the community; None: all.
        """
        await self.index.refresh()
        passages = self.index.passages
        rankings = await self._rankings(query, community, channels, bounds)
        ranks = [{seq: rank for rank, (seq, _) in enumerate(ranking)} for ranking in rankings]
        seqs = list({seq for ranking in ranks for seq in ranking})
        if bounds != ALL:
            seqs = list(await passages.within(seqs, bounds))
        found = await passages.get(seqs, community, channels)
        cosines = await self._cosines(query.vector, found, ranks[0]) if query.vector is not None else {}
        hits = [
            _hit(query, passage, [ranking.get(seq) for ranking in ranks], cosines.get(seq, 0.0), now)
            for seq, passage in found.items()
        ]
        return _documents(hits)

    async def _unread(
        self, names: Collection[str], community: str | None, channels: Collection[str] | None
    ) -> frozenset[str]:
        """The names of which nobody who may read only this much has heard."""
        if community is None:
            return frozenset()
        passages = self.index.passages
        return frozenset(
            [name for name in names if not await passages.matching([name], community, channels, 1)]
        )

    async def _cosines(
        self, vector: "Vector", found: Mapping[int, Passage], by_words: Mapping[int, int]
    ) -> dict[int, float]:
        """How near passages are to a question; those without a vector are read now, as many as is quick.

        Otherwise whatever has a vector would come first.
        """
        cosines = self.index.cosines(list(found), vector)
        unread = sorted(found.keys() - cosines.keys(), key=lambda seq: by_words.get(seq, _CANDIDATES))
        some = unread[:_READ_NOW]
        if some:
            read = await self.index.read([found[seq] for seq in some])
            cosines |= dict(zip(some, (read @ vector).tolist(), strict=True))
        return cosines

    async def _rankings(
        self, query: Query, community: str, channels: Collection[str] | None, bounds: Bounds
    ) -> list[Sequence[tuple[int, float]]]:
        """By words, by related words and by meaning, all at the same time."""
        async with asyncio.TaskGroup() as group:
            by_words = [
                group.create_task(
                    self.index.passages.matching(words, community, channels, _CANDIDATES, bounds)
                )
                for words in query.telling
            ]
            by_meaning = None
            if query.vector is not None:
                by_meaning = group.create_task(
                    asyncio.to_thread(self.index.near, query.vector, _CANDIDATES, community, channels)
                )
        return [*(task.result() for task in by_words), by_meaning.result() if by_meaning else ()]


def _documents(hits: Sequence[Hit]) -> list[Finding]:
    """Hits by document: the best one counts, and a little of the second."""
    grouped: dict[tuple[str, str], list[Hit]] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.score, hit.passage.seq)):
        grouped.setdefault((hit.passage.community, hit.passage.document), []).append(hit)
    findings = [
        Finding(tuple(group), group[0].score + (_SECOND * group[1].score if len(group) > 1 else 0.0))
        for group in grouped.values()
    ]
    return sorted(findings, key=lambda finding: (-finding.score, finding.passage.seq))


def _hit(query: Query, passage: Passage, ranks: Sequence[int | None], cosine: float, now: datetime) -> Hit:
    counts = (_WORDS_COUNT, _RELATED_COUNT, _MEANING_COUNT)
    score = sum(count / (_RRF + rank) for count, rank in zip(counts, ranks, strict=True) if rank is not None)
    text = readable(passage.title, passage.text)
    present = frozenset(words(text))
    covered = _covered(query, present, text)
    score += _COSINE_COUNT * cosine + _COVERED_COUNT * covered
    age_days = max((now - passage.at).total_seconds(), 0.0) / 86_400
    fresh = 1 + _RECENCY * 0.5 ** (age_days / _HALF_LIFE_DAYS)
    by_words, _, by_meaning = (rank is not None and rank < _FIRST_RANKS for rank in ranks)
    known = min(len(present.intersection(query.related)), _MOST_RELATED)
    return Hit(passage, score * fresh, cosine, covered, known, (by_words, by_meaning))


def coverage(query: Query, text: str) -> float:
    """The share of a question's words that stand in a text, 0..1, seldom words counting more.

    Chinese characters count besides: 重置密码 covers some of 密码重设.
    """
    return _covered(query, frozenset(words(text)), text)


def _covered(query: Query, present: frozenset[str], text: str) -> float:
    total = sum(query.weights.values())
    if not total:
        return 0.0
    exact = sum(weight for word, weight in query.weights.items() if word in present) / total
    if not query.characters:
        return exact
    alike = len(query.characters & characters(text)) / len(query.characters)
    return (exact + alike) / 2


def _telling(asked: Sequence[str], known: Mapping[str, int], count: int) -> list[str]:
    """The seldom words: as many as stand in 3 % of all passages together, and always one."""
    telling: list[str] = []
    passages = 0
    most = min(max(_LOOKED_THROUGH * count, _LEAST_LOOKED_THROUGH), _MOST_LOOKED_THROUGH)
    for word in sorted((word for word in asked if word in known), key=lambda word: known[word]):
        passages += known[word]
        if telling and passages > most:
            break
        telling.append(word)
    return telling


def _mostly_han(question: str) -> bool:
    asked = [word for word in words(question) if not is_small(word)]
    return bool(asked) and sum(map(is_han, asked)) >= _HAN_SHARE * len(asked)


def _names(question: str) -> frozenset[str]:
    """Words written like names: capitals inside an English sentence, Latin letters inside a Chinese one."""
    if _HAN.search(question):
        return frozenset(word for word in words(question) if word.isascii() and not word.isdigit())
    return frozenset(words(" ".join(_NAME.findall(question))))


_HAN = re.compile("[\u3400-\u9fff]")
_NAME = re.compile(r"(?<!^)(?<![.?!] )\b(?:[A-Z]\w*|\w*[a-z][A-Z]\w*)")
