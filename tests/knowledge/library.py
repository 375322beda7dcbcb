"""The sample community's threads in an index of their own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.knowledge.document import Document
from bot.knowledge.index import Embedding, Index
from bot.knowledge.search import Search
from bot.sample.community import load
from bot.sample.knowledge import threads
from bot.storage.passages import COMMON
from bot.storage.store import Store


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
