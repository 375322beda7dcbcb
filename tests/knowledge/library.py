"""The sample community's threads in an index of their own, and an embedder that reads them once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from bot.knowledge.document import Document
from bot.knowledge.index import Embedding, Index
from bot.knowledge.search import Search
from bot.llm.minilm import Embedder, Vectors
from bot.sample.community import load
from bot.sample.knowledge import threads
from bot.storage.passages import COMMON
from bot.storage.store import Store


class Remembering:
    """An embedder that reads each text once: the same ones are asked for again and again."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._read: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        new = [each for each in dict.fromkeys(texts) if each not in self._read]
        if new:
            self._read |= dict(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([self._read[each] for each in texts])


@asynccontextmanager
async def library(
    place: Path, embedder: Embedding | None, documents: Sequence[Document] | None = None
) -> AsyncIterator[Search]:
    """A search over all threads, or over documents, its database in a folder; what was there before stays."""
    store = await Store.open(f"sqlite:///{place / 'library.db'}", place / "llmos.key")
    index = Index(store.passages, store.privacy, embedder)
    await index.add(COMMON, threads(load()) if documents is None else documents)
    try:
        yield Search(index)
    finally:
        await store.close()
