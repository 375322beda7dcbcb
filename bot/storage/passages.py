"""What the bot answers from: passages of documents and threads, with an index of their words.

The index holds keyed hashes of words, so that the file tells nobody what a passage says; equal words have
equal hashes, which is what bm25 needs. A row of `passages` and its words come and go in one transaction.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Integer,
    Select,
    String,
    TextClause,
    bindparam,
    column,
    delete,
    func,
    insert,
    or_,
    select,
    table,
    text,
    update,
)

from bot.core.errors import StorageError
from bot.storage.reader import Reader
from bot.storage.schema import FAQ, meta, passages
from bot.storage.seal import Seal
from bot.storage.writer import Writer

_HASH_CHARS = 10
"""Some 50 bits: among 100,000 different words two are alike with a chance of one in 200,000."""
_WORDS_IN_MEMORY = 200_000
_AT_ONCE = 500  # SQLite takes 999 bound values in older builds
_ALL_MATCHES = 200
"""So many best matches of all communities are looked at first; a second search filters before it cuts."""

COMMON = ""
"""The community of what every community may read: documents that an operator added for all of them."""

FILE = "file:"
"""How the name of a document begins that is a file of a member's message."""

_INDEX = text("INSERT INTO passage_words (rowid, words) VALUES (:seq, :words)")
_LAST = text("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'passages'), 0)")
_GONE = "passages_gone"
_MATCH = ("seq", "score", "community", "channel_key")

Guard = Callable[[Connection], bool]
"""Asked inside a transaction whether it may go on."""


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage to be stored.

    Attributes:
        channel: the key of the channel whose readers may see it; "" for all of the community.
        document: what it is part of; a document is replaced as a whole.
        author: pseudonym of who wrote all of it; "" for a document of the community.
        words: as `bot.knowledge.segmenting` cuts them.
        vector: float16 little-endian, or None without a model.
    """

    community: str
    channel: str
    document: str
    author: str
    at: datetime
    title: str
    link: str
    text: str
    words: Sequence[str]
    vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A stored passage; see `NewPassage`.

    Attributes:
        mark: a keyed hash of its text, which stays as it is when an unchanged document is read again.
    """

    seq: int
    community: str
    channel: str
    document: str
    at: datetime
    title: str
    link: str
    text: str
    author: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class StoredVector:
    """A passage as a search by meaning knows it; `packed` is float16 little-endian."""

    seq: int
    community: str
    channel: str
    packed: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which passages count at all; None for whichever.

    Attributes:
        author: a pseudonym.
        since: not older than this; `before`: older than this.
        files: only what stands in files of members' messages.
        documents: only what is part of one of these.
    """

    author: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    files: bool = False
    documents: frozenset[str] | None = None

    @property
    def clauses(self) -> Sequence[ColumnElement[bool]]:
        """The same for a query."""
        clauses: list[ColumnElement[bool]] = []
        if self.author is not None:
            clauses.append(passages.c.author == self.author)
        if self.since is not None:
            clauses.append(passages.c.at >= self.since)
        if self.before is not None:
            clauses.append(passages.c.at < self.before)
        if self.files:
            clauses.append(passages.c.document.startswith(FILE))
        if self.documents is not None:  # one bound value, however many there are
            named = func.json_each(json.dumps(sorted(self.documents))).table_valued("value")
            clauses.append(passages.c.document.in_(select(named.c.value)))
        return clauses


ALL = Bounds()


@dataclass(frozen=True, slots=True)
class Shelf:
    """A document as a list shows it."""

    document: str
    title: str
    passages: int


@dataclass(frozen=True, slots=True)
class State:
    """What changes whenever passages do: how many were ever removed, and the newest one."""

    gone: int
    last: int

    @property
    def count(self) -> int:
        """How many passages there are, of all communities; at most a few off."""
        return max(self.last - self.gone, 1)


class Passages:
    """Passages by community, found by their words. A community also finds what is common to all."""

    def __init__(
        self, reader: Reader, writer: Writer, seal: Seal, refuses: Callable[[str, datetime], bool]
    ) -> None:
        """Args: refuses: whether nothing may be kept of what this person wrote then."""
        self._reader, self._writer, self._seal, self._refuses = reader, writer, seal, refuses
        self._hash = lru_cache(_WORDS_IN_MEMORY)(self._hashed)

    async def put(
        self,
        community: str,
        documents: Collection[str],
        new: Iterable[NewPassage],
        if_still: Guard = lambda connection: True,
    ) -> bool:
        """Replace documents by new passages of theirs, in one transaction.

        Args:
            if_still: asked in that transaction; False changes nothing.

        Returns:
            Whether it was done.

        Raises:
            StorageError: nothing was changed.
        """
        self._on_sqlite()
        rows = [(self._row(each), self._words(each.words)) for each in new if self._may_keep(each)]

        def replaced(connection: Connection) -> bool:
            if not if_still(connection):
                return False
            _replace(connection, community, documents, rows)
            return True

        return await self._writer.call(replaced)

    async def remove(self, community: str, documents: Collection[str]) -> int:
        """Remove documents; returns how many passages that were."""
        return await self._writer.call(lambda connection: _remove(connection, community, documents))

    async def documents(self, community: str) -> Sequence[Shelf]:
        """All documents but archived talk, FAQ entries included, by their first passage, with its title."""
        faq = passages.c.document.between(FAQ, f"{FAQ}\uffff")
        first = (
            select(func.min(passages.c.seq).label("seq"), func.count().label("passages"))
            .where(passages.c.community == community, or_(passages.c.author == "", faq))
            .group_by(passages.c.document)
            .subquery()
        )
        query = (
            select(passages.c.document, passages.c.payload, first.c.passages)
            .join(first, passages.c.seq == first.c.seq)
            .order_by(first.c.seq)
        )
        return [
            Shelf(document, str(json.loads(self._seal.open(payload))["title"]), count)
            for document, payload, count in await self._reader.rows(query)
        ]

    async def any(self, community: str, channels: Collection[str] | None) -> bool:
        """Whether there is anything that may be read; see `matching`."""
        query = select(passages.c.seq).where(passages.c.community.in_({community, COMMON}))
        if channels is not None:
            query = query.where(passages.c.channel_key.in_(channels))
        return bool(await self._reader.rows(query.limit(1)))

    async def state(self) -> State:
        """What to compare with to learn whether anything changed."""
        self._on_sqlite()
        gone = select(meta.c.value).where(meta.c.name == _GONE).scalar_subquery()
        found = await self._reader.rows(select(gone, func.max(passages.c.seq)))
        return State(int(found[0][0] or 0), found[0][1] or 0)

    async def frequencies(self, words: Collection[str]) -> Mapping[str, int]:
        """In how many passages each word stands; words that stand in none are left out."""
        hashed = {self._hash(word): word for word in words}
        query = text("SELECT term, doc FROM passage_terms WHERE term IN :terms").bindparams(
            bindparam("terms", list(hashed), expanding=True)
        )
        told = query.columns(column("term", String), column("doc", String)).subquery().c
        rows = await self._reader.rows(select(told.term, told.doc))
        return {hashed[term]: int(count) for term, count in rows}

    async def matching(
        self,
        words: Collection[str],
        community: str,
        channels: Collection[str] | None,
        most: int,
        bounds: Bounds = ALL,
    ) -> Sequence[tuple[int, float]]:
        """The passages that have most of the words, best first: (seq, bm25, higher is better).

        Args:
            channels: keys that may be read, "" for documents of the community; None: all.

        Source: Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), as FTS5 computes it.
        """
        if not words:
            return ()
        wanted = " OR ".join(sorted({self._hash(word) for word in words}))
        if bounds.clauses:  # they leave too little of the best to begin with
            return await self._bounded(wanted, most, community, channels, bounds)
        best = await self._ranked(wanted, _ALL_MATCHES)
        found = [match for match in best if readable_in(match.community, match.channel, community, channels)]
        if len(found) < most and len(best) == _ALL_MATCHES:
            found = await self._readable(wanted, most, community, channels)
        return [(match.seq, match.score) for match in found[:most]]

    async def get(
        self, seqs: Sequence[int], community: str, channels: Collection[str] | None = None
    ) -> Mapping[int, Passage]:
        """Passages by number; those that are gone or may not be read are left out."""
        query = select(
            passages.c.seq,
            passages.c.community,
            passages.c.channel_key,
            passages.c.document,
            passages.c.at,
            passages.c.payload,
            passages.c.author,
        ).where(passages.c.seq.in_(seqs))
        return {
            row[0]: self._passage(*row)
            for row in await self._reader.rows(query)
            if readable_in(row[1], row[2], community, channels)
        }

    async def within(self, seqs: Collection[int], bounds: Bounds) -> frozenset[int]:
        """Those of some passages that count."""
        query = select(passages.c.seq).where(passages.c.seq.in_(seqs), *bounds.clauses)
        return frozenset(row[0] for row in await self._reader.rows(query))

    async def newest(
        self, community: str, channels: Collection[str] | None, most: int, bounds: Bounds = ALL
    ) -> Sequence[Passage]:
        """The newest passages, newest first; see `matching`."""
        query = select(passages.c.seq).where(passages.c.community.in_({community, COMMON}), *bounds.clauses)
        if channels is not None:
            query = query.where(passages.c.channel_key.in_(channels))
        query = query.order_by(passages.c.at.desc(), passages.c.seq.desc()).limit(most)
        return await self._in_order(query, community, channels)

    async def whole(self, passage: Passage, most: int) -> Sequence[Passage]:
        """The passages of the document one is part of, in order, at most so many."""
        query = (
            select(passages.c.seq)
            .where(passages.c.community == passage.community, passages.c.document == passage.document)
            .where(passages.c.channel_key == passage.channel)
            .order_by(passages.c.seq)
            .limit(most)
        )
        return await self._in_order(query, passage.community, None)

    async def part_of(
        self, document: str, community: str, channels: Collection[str] | None, most: int
    ) -> Sequence[Passage]:
        """The first passages of a document, in order; none if it is gone or may not be read."""
        query = (
            select(passages.c.seq)
            .where(passages.c.community.in_({community, COMMON}), passages.c.document == document)
            .order_by(passages.c.seq)
            .limit(most)
        )
        return await self._in_order(query, community, channels)

    async def marked(
        self, document: str, mark: str, community: str, channels: Collection[str] | None
    ) -> Passage | None:
        """The passage of a document that has a mark; None if it is gone, has changed or may not be read."""
        after = 0
        while True:
            query = (
                select(passages.c.seq)
                .where(passages.c.community.in_({community, COMMON}), passages.c.document == document)
                .where(passages.c.seq > after)
                .order_by(passages.c.seq)
                .limit(_AT_ONCE)
            )
            seqs = [row[0] for row in await self._reader.rows(query)]
            if not seqs:
                return None
            found = await self.get(seqs, community, channels)
            passage = next((found[seq] for seq in seqs if seq in found and found[seq].mark == mark), None)
            if passage is not None:
                return passage
            after = seqs[-1]

    async def _in_order(
        self, numbers: Select[int], community: str, channels: Collection[str] | None
    ) -> Sequence[Passage]:
        """The passages of some numbers, in their order."""
        seqs = [row[0] for row in await self._reader.rows(numbers)]
        found = await self.get(seqs, community, channels)
        return [found[seq] for seq in seqs if seq in found]

    async def vectors(self, after: int, most: int) -> Sequence[StoredVector]:
        """The vectors of passages that came after one, oldest first."""
        query = (
            select(passages.c.seq, passages.c.community, passages.c.channel_key, passages.c.vector)
            .where(passages.c.seq > after, passages.c.vector.is_not(None))
            .order_by(passages.c.seq)
            .limit(most)
        )
        return [
            StoredVector(seq, community, channel, self._seal.open(sealed).encode("latin-1"))
            for seq, community, channel, sealed in await self._reader.rows(query)
            if sealed is not None
        ]

    async def without_vectors(self, after: int, most: int) -> Sequence[Passage]:
        """Passages that came after one and have no vector, oldest first."""
        query = (
            select(
                passages.c.seq,
                passages.c.community,
                passages.c.channel_key,
                passages.c.document,
                passages.c.at,
                passages.c.payload,
                passages.c.author,
            )
            .where(passages.c.seq > after, passages.c.vector.is_(None))
            .order_by(passages.c.seq)
            .limit(most)
        )
        return [self._passage(*row) for row in await self._reader.rows(query)]

    async def give_vectors(self, vectors: Mapping[int, bytes]) -> None:
        """Add vectors to passages by number; those that are gone meanwhile stay gone."""
        rows = [
            {"of": seq, "vector": self._seal.seal(vector.decode("latin-1"))}
            for seq, vector in vectors.items()
        ]
        change = update(passages).where(passages.c.seq == bindparam("of")).values(vector=bindparam("vector"))
        await self._writer.call(lambda connection: connection.execute(change, rows))

    async def known(self) -> Sequence[int]:
        """The numbers of all passages, ascending."""
        return [row[0] for row in await self._reader.rows(select(passages.c.seq).order_by(passages.c.seq))]

    @property
    def supported(self) -> bool:
        """Whether this database can be searched."""
        return self._reader.dialect == "sqlite"

    def _on_sqlite(self) -> None:
        if not self.supported:
            raise StorageError(
                "Knowledge needs a SQLite database in this version: the search over PostgreSQL is not "
                "written yet. Set [storage] url to sqlite:///data/llmos.db, or do without knowledge."
            )

    def _may_keep(self, new: NewPassage) -> bool:
        return not new.author or not self._refuses(new.author, new.at)

    def _row(self, new: NewPassage) -> dict[str, object]:
        payload = json.dumps({"title": new.title, "link": new.link, "text": new.text}, ensure_ascii=False)
        return {
            "community": new.community,
            "channel_key": new.channel,
            "document": new.document,
            "author": new.author,
            "at": new.at,
            "payload": self._seal.seal(payload),
            "vector": None if new.vector is None else self._seal.seal(new.vector.decode("latin-1")),
        }

    def _words(self, words: Sequence[str]) -> str:
        return " ".join(sorted(map(self._hash, words)))

    def _hashed(self, word: str) -> str:
        """Letters, digits and two signs that FTS5's ascii tokenizer would cut at, replaced."""
        return self._seal.fingerprint(f"word\0{word}")[:_HASH_CHARS].lower().translate(_JOINED)

    def _passage(
        self, seq: int, community: str, channel: str, document: str, at: datetime, payload: bytes, author: str
    ) -> Passage:
        told = json.loads(self._seal.open(payload))
        title, link, said = told["title"], told["link"], told["text"]
        mark = self._seal.fingerprint(f"passage\0{said}")
        return Passage(seq, community, channel, document, at, title, link, said, author, mark)

    async def _ranked(self, wanted: str, most: int) -> list["_Match"]:
        """The best of all communities, ranked before a passage is looked at."""
        query = (
            "SELECT best.seq, best.score, passages.community, passages.channel_key FROM "
            "(SELECT rowid AS seq, rank AS score FROM passage_words WHERE passage_words MATCH :wanted "
            "ORDER BY rank LIMIT :most) AS best CROSS JOIN passages ON passages.seq = best.seq"
        )
        return await self._matches(text(query).bindparams(wanted=wanted, most=most))

    async def _readable(
        self, wanted: str, most: int, community: str, channels: Collection[str] | None
    ) -> list["_Match"]:
        """The best of those that may be read: every match is looked up before it is ranked."""
        query = (
            "SELECT passages.seq, passage_words.rank AS score, passages.community, passages.channel_key "
            "FROM passage_words CROSS JOIN passages ON passages.seq = passage_words.rowid "
            "WHERE passage_words MATCH :wanted AND passages.community IN (:community, '')"
        )
        order = " ORDER BY passage_words.rank LIMIT :most"
        statement = text(f"{query}{_IN_CHANNELS if channels is not None else ''}{order}")
        statement = statement.bindparams(wanted=wanted, most=most, community=community)
        if channels is not None:
            statement = statement.bindparams(bindparam("channels", list(channels), expanding=True))
        return await self._matches(statement)

    async def _bounded(
        self, wanted: str, most: int, community: str, channels: Collection[str] | None, bounds: Bounds
    ) -> Sequence[tuple[int, float]]:
        """The best of those that count and may be read."""
        query = (
            select(_FOUND.c.rowid, _FOUND.c.rank)
            .where(_MATCHES)
            .params(wanted=wanted)
            .join(passages, passages.c.seq == _FOUND.c.rowid)
            .where(passages.c.community.in_({community, COMMON}), *bounds.clauses)
        )
        if channels is not None:
            query = query.where(passages.c.channel_key.in_(channels))
        rows = await self._reader.rows(query.order_by(_FOUND.c.rank).limit(most))
        return sorted(((int(seq), -float(score)) for seq, score in rows), key=lambda row: -row[1])

    async def _matches(self, statement: TextClause) -> list["_Match"]:
        told = statement.columns(*(column(name, String) for name in _MATCH)).subquery().c
        query = select(told.seq, told.score, told.community, told.channel_key)
        found = [
            _Match(int(seq), -float(score), community, channel)
            for seq, score, community, channel in await self._reader.rows(query)
        ]
        return sorted(found, key=lambda match: -match.score)


@dataclass(frozen=True, slots=True)
class _Match:
    """A passage that has words of a question; a higher score is better."""

    seq: int
    score: float
    community: str
    channel: str


_JOINED = str.maketrans("-_", "09")
_IN_CHANNELS = " AND passages.channel_key IN :channels"
_FOUND = table("passage_words", column("rowid", Integer), column("rank", Float))
_MATCHES = text("passage_words MATCH :wanted")


def readable_in(place: str, channel: str, community: str, channels: Collection[str] | None) -> bool:
    """Whether a passage of a place and channel may be read in a community by who reads some channels."""
    return place in (community, COMMON) and (channels is None or channel in channels)


def _replace(
    connection: Connection,
    community: str,
    documents: Collection[str],
    rows: Sequence[tuple[dict[str, object], str]],
) -> None:
    _remove(connection, community, documents)
    if not rows:
        return
    last = int(connection.execute(_LAST).scalar_one())
    numbered = [(last + at, row, words) for at, (row, words) in enumerate(rows, start=1)]
    connection.execute(insert(passages), [{"seq": seq, **row} for seq, row, _ in numbered])
    connection.execute(_INDEX, [{"seq": seq, "words": words} for seq, _, words in numbered])


def _remove(connection: Connection, community: str, documents: Collection[str]) -> int:
    removed, asked = 0, sorted(documents)
    for at in range(0, len(asked), _AT_ONCE):
        some = passages.c.document.in_(asked[at : at + _AT_ONCE])
        removed += connection.execute(
            delete(passages).where(passages.c.community == community, some)
        ).rowcount
    return removed
