"""The index of what is known: documents go in as passages with words and, where there is a model, vectors.

Vectors of all communities are held in memory as float16 and looked through exactly; only those that may be
read are candidates. What is removed from the database is never found, since every passage is read from there;
its vector leaves the memory at once.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from bot.knowledge.chunking import Chunk, chunks
from bot.knowledge.document import Document
from bot.knowledge.segmenting import words
from bot.storage.passages import Guard, NewPassage, Passage, Passages, State
from bot.storage.privacy import Privacy

if TYPE_CHECKING:  # numpy is behind it
    from bot.knowledge.vectors import Vector, Vectors

_DOCUMENTS_AT_ONCE, _CHARACTERS_AT_ONCE = 1_024, 1_000_000
_LOADED_AT_ONCE = 1_000
_READ_AT_ONCE = 8
_EMBEDDED_AT_ONCE = 256
"""Passages between two signs of progress, some ten seconds of a core; texts of like length go together."""


class Embedding(Protocol):
    """What makes vectors; see `bot.llm.embedding`."""

    def embed(self, texts: Sequence[str]) -> "Vector":
        """Unit vectors, float32 (texts, dimensions)."""
        ...


class Index:
    """Puts documents in, takes them out, and finds passages near a vector."""

    def __init__(self, passages: Passages, privacy: Privacy, embedder: Embedding | None) -> None:
        """Args: embedder: None searches by words only."""
        self.passages, self.embedder = passages, embedder
        self._held: Vectors | None = None
        self._state = State(-1, 0)
        self._refreshing = asyncio.Lock()
        self.unread = asyncio.Event()
        """Something was added without vectors."""
        privacy.when_erased(self.refresh)

    async def add(
        self,
        community: str,
        documents: Iterable[Document],
        added: Callable[[int], None] = lambda count: None,
        *,
        with_vectors: bool = True,
        embedded: Callable[[int, int], None] = lambda done, of: None,
    ) -> int:
        """Add documents, each in place of one of the same id; returns how many passages they have.

        Args:
            added: told how many documents are in so far.
            embedded: told, in another thread, how many of the passages cut so far have been read.
            with_vectors: False leaves them to `complete`, which is quick.

        Raises:
            StorageError: the documents told so far are in, whole; the others are not.
        """
        remaining, total, count = iter(documents), 0, 0
        while batch := await asyncio.to_thread(_batch, remaining):
            new = await asyncio.to_thread(
                self._prepare,
                community,
                batch,
                with_vectors=with_vectors,
                embedded=_beginning_at(total, embedded),
            )
            await self.passages.put(community, {document.id for document in batch}, new)
            total += len(new)
            count += len(batch)
            added(count)
        if total and not with_vectors:
            self.unread.set()
        return total

    async def shelve(
        self,
        community: str,
        documents: Sequence[Document],
        if_still: Guard,
        *,
        with_vectors: bool,
    ) -> bool:
        """Put documents in unless they have changed meanwhile; see `Passages.put`.

        Args:
            with_vectors: False for the words only, which is quick; else questions come between.
        """
        new = await asyncio.to_thread(self._prepare, community, documents, with_vectors=False)
        if with_vectors:
            some = [new[at : at + _READ_AT_ONCE] for at in range(0, len(new), _READ_AT_ONCE)]
            new = [each for few in some for each in await asyncio.to_thread(self._read, few)]
        return await self.passages.put(community, {document.id for document in documents}, new, if_still)

    async def remove(self, community: str, documents: Iterable[str]) -> int:
        """Take documents out; returns how many passages that were."""
        removed = await self.passages.remove(community, set(documents))
        await self.refresh()
        return removed

    async def complete(self) -> int:
        """Give vectors to what was added without, a little at a time, so that questions come between.

        Returns:
            How many passages that were.
        """
        after, total = 0, 0
        while self.embedder is not None:
            some = await self.passages.without_vectors(after, _READ_AT_ONCE)
            if not some:
                break
            vectors = (await self.read(some)).astype("<f2")
            await self.passages.give_vectors(
                {each.seq: vector.tobytes() for each, vector in zip(some, vectors, strict=True)}
            )
            after, total = some[-1].seq, total + len(some)
        if total:
            await self._reload()
        return total

    async def read(self, passages: Sequence[Passage]) -> "Vector":
        """Unit vectors of passages, (passages, dimensions).

        Raises:
            ValueError: the index has no embedder.
        """
        embedder = self.embedder
        if embedder is None:
            raise ValueError("nothing here makes vectors")
        texts = [readable(each.title, each.text) for each in passages]
        return await asyncio.to_thread(embedder.embed, texts)

    async def refresh(self) -> None:
        """Make the vectors in memory those of the database."""
        if self.embedder is None:
            return
        async with self._refreshing:
            state = await self.passages.state()
            if state == self._state:
                return
            if state.gone != self._state.gone and self._held is not None:
                self._held = self._held.only(await self.passages.known())
            await self._load()
            self._state = state

    def near(
        self, vector: "Vector", most: int, community: str, channels: Collection[str] | None = None
    ) -> list[tuple[int, float]]:
        """The passages nearest to a unit vector: (seq, cosine), best first.

        Args:
            channels: keys of the channels that may be read, "" for documents of the community; None: all.

        Complexity: vectors of all communities times dimensions, some 7 ms for 100,000 of 384.
        """
        return [] if self._held is None else self._held.near(vector, most, community, channels)

    def cosines(self, seqs: Sequence[int], vector: "Vector") -> dict[int, float]:
        """How near passages are to a unit vector; those without a vector are left out."""
        return {} if self._held is None else self._held.cosines(seqs, vector)

    def means(self, groups: Sequence[Sequence[int]]) -> "list[Vector | None]":
        """What the passages of each group mean together, a unit vector; None if one of them has none."""
        return [None] * len(groups) if self._held is None else self._held.means(groups)

    def __len__(self) -> int:
        """How many vectors are in memory."""
        return 0 if self._held is None else len(self._held)

    async def _reload(self) -> None:
        async with self._refreshing:
            self._state = await self.passages.state()
            self._held = None
            await self._load()

    async def _load(self) -> None:
        rows = await self.passages.vectors(0 if self._held is None else self._held.newest, _LOADED_AT_ONCE)
        if not rows:
            return
        from bot.knowledge.vectors import joined, unpacked  # noqa: PLC0415 - numpy is behind it

        parts = [] if self._held is None else [self._held]
        while rows:
            parts.append(unpacked(rows))
            rows = await self.passages.vectors(parts[-1].newest, _LOADED_AT_ONCE)
        self._held = joined(parts)

    def _prepare(
        self,
        community: str,
        documents: Sequence[Document],
        *,
        with_vectors: bool = True,
        embedded: Callable[[int, int], None] = lambda done, of: None,
    ) -> list[NewPassage]:
        cut = [(document, chunk) for document in documents for chunk in chunks(document)]
        new = [_passage(community, document, chunk) for document, chunk in cut]
        if self.embedder is None or not with_vectors:
            embedded(len(new), len(new))
            return new
        read: list[NewPassage] = []
        while some := new[len(read) : len(read) + _EMBEDDED_AT_ONCE]:
            read += self._read(some)
            embedded(len(read), len(new))
        return read

    def _read(self, new: Sequence[NewPassage]) -> list[NewPassage]:
        """Passages with their vectors, if there is a model."""
        if self.embedder is None or not new:
            return list(new)
        vectors = self.embedder.embed([readable(each.title, each.text) for each in new]).astype("<f2")
        return [
            dataclasses.replace(each, vector=vector.tobytes())
            for each, vector in zip(new, vectors, strict=True)
        ]


def readable(title: str, text: str) -> str:
    """A passage as a model reads it: what it is about stands first."""
    return f"{title}\n{text}" if title else text


def _passage(community: str, document: Document, chunk: Chunk) -> NewPassage:
    title = " > ".join(part for part in (document.title, chunk.heading) if part)
    if chunk.heading == document.title or chunk.heading.startswith(f"{document.title} > "):
        title = chunk.heading
    return NewPassage(
        community=community,
        channel=document.channel,
        document=document.id,
        author=chunk.section.author,
        at=chunk.section.at,
        title=title,
        link=chunk.section.link,
        text=chunk.text,
        words=words(readable(title, chunk.text)),
    )


def _beginning_at(total: int, embedded: Callable[[int, int], None]) -> Callable[[int, int], None]:
    return lambda done, of: embedded(total + done, total + of)


def _batch(documents: Iterator[Document]) -> list[Document]:
    """The next documents, of an id told twice the later one; few of them where they are large."""
    found: dict[str, Document] = {}
    size = 0
    for document in documents:
        found[document.id] = document
        size += sum(len(section.text) for section in document.sections)
        if len(found) >= _DOCUMENTS_AT_ONCE or size >= _CHARACTERS_AT_ONCE:
            break
    return list(found.values())
