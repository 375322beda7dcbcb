"""The index of what is known: documents go in as passages with words and, where there is a model, vectors.

Vectors of all communities are held in memory as float16 and looked through exactly. What is removed from the
database is never found, since every passage is read from there; its vector leaves the memory at once.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.chunking import Chunk, chunks
from bot.knowledge.document import Document
from bot.knowledge.segmenting import words
from bot.storage.passages import NewPassage, Passages, State
from bot.storage.privacy import Privacy

MAX_VECTORS = 300_000
"""So many are held, the newest ones: 230 MB at 384 dimensions. Older passages are found by their words."""
_DOCUMENTS_AT_ONCE, _CHARACTERS_AT_ONCE = 1_024, 1_000_000
_LOADED_AT_ONCE = 20_000
_BLOCK = 512  # rows that are widened to float32 at a time: they stay in the processor's cache

Vector = NDArray[np.float32]


_Held = tuple[NDArray[np.int64], NDArray[np.float16]]
"""Numbers of passages, ascending, and their vectors; replaced together: a search reads them in a thread."""


class Embedding(Protocol):
    """What makes vectors; see `bot.llm.embedding`."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 (texts, dimensions)."""
        ...


class Index:
    """Puts documents in, takes them out, and finds passages near a vector."""

    def __init__(self, passages: Passages, privacy: Privacy, embedder: Embedding | None) -> None:
        """Args: embedder: None searches by words only."""
        self.passages, self.embedder = passages, embedder
        self._held: _Held = (np.zeros(0, np.int64), np.zeros((0, 0), np.float16))
        self._state = State(-1, 0)
        self._refreshing = asyncio.Lock()
        privacy.when_erased(self.refresh)

    async def add(
        self, community: str, documents: Iterable[Document], added: Callable[[int], None] = lambda count: None
    ) -> int:
        """Add documents, each in place of one of the same id; returns how many passages they have.

        Args:
            added: told how many documents are in so far.

        Raises:
            StorageError: the documents told so far are in, whole; the others are not.
        """
        remaining, total, count = iter(documents), 0, 0
        while batch := await asyncio.to_thread(_batch, remaining):
            new = await asyncio.to_thread(self._prepare, community, batch)
            await self.passages.put(community, {document.id for document in batch}, new)
            total += len(new)
            count += len(batch)
            added(count)
        return total

    async def remove(self, community: str, documents: Iterable[str]) -> int:
        """Take documents out; returns how many passages that were."""
        removed = await self.passages.remove(community, set(documents))
        await self.refresh()
        return removed

    async def refresh(self) -> None:
        """Make the vectors in memory those of the database."""
        if self.embedder is None:
            return
        async with self._refreshing:
            state = await self.passages.state()
            if state == self._state:
                return
            seqs, vectors = self._held
            if state.gone != self._state.gone and len(seqs):
                kept = np.isin(seqs, await self.passages.known())
                self._held = (seqs[kept], vectors[kept])
            await self._load()
            self._state = state

    def near(self, vector: Vector, most: int) -> list[tuple[int, float]]:
        """The passages of all communities nearest to a unit vector: (seq, cosine), best first.

        Complexity: vectors times dimensions.
        """
        seqs, vectors = self._held
        if not len(seqs):
            return []
        blocks = (vectors[at : at + _BLOCK].astype(np.float32) for at in range(0, len(vectors), _BLOCK))
        cosines = np.concatenate([block @ vector for block in blocks])
        best = np.argpartition(-cosines, most)[:most] if most < len(cosines) else np.arange(len(cosines))
        best = best[np.argsort(-cosines[best], kind="stable")]
        return [(int(seqs[at]), float(cosines[at])) for at in best]

    def cosines(self, seqs: Sequence[int], vector: Vector) -> dict[int, float]:
        """How near passages are to a unit vector; those without a vector are left out."""
        held, vectors = self._held
        if not len(held):
            return {}
        asked = np.array(seqs, np.int64)
        places = np.minimum(np.searchsorted(held, asked), len(held) - 1)
        here = held[places] == asked
        cosines = vectors[places[here]].astype(np.float32) @ vector
        return dict(zip(asked[here].tolist(), cosines.tolist(), strict=True))

    def __len__(self) -> int:
        """How many vectors are in memory."""
        return len(self._held[0])

    async def _load(self) -> None:
        seqs, blocks = [self._held[0]], [self._held[1]]
        after = int(seqs[0][-1]) if len(seqs[0]) else 0
        while rows := await self.passages.vectors(after, _LOADED_AT_ONCE):
            after = rows[-1][0]
            seqs.append(np.array([seq for seq, _ in rows], np.int64))
            blocks.append(np.stack([np.frombuffer(packed, "<f2") for _, packed in rows]))
        held = [block for block in blocks if len(block)] or blocks
        self._held = (np.concatenate(seqs)[-MAX_VECTORS:], np.concatenate(held)[-MAX_VECTORS:])

    def _prepare(self, community: str, documents: Sequence[Document]) -> list[NewPassage]:
        cut = [(document, chunk) for document in documents for chunk in chunks(document)]
        new = [_passage(community, document, chunk) for document, chunk in cut]
        if self.embedder is None or not new:
            return new
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
