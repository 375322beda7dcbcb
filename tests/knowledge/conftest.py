"""A store, an index by words only, and a small embedder whose meanings a test can foresee."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.knowledge.document import Document, Section
from bot.knowledge.index import Index
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from bot.storage.store import Store
from tests.knowledge.library import Remembering
from tests.messages import EPOCH
from tests.storage.house import Clock, Place

TOPICS = ("cat feline kitten", "dog hound puppy", "boat ship vessel")


class Topics:
    """An embedder that knows three topics; what belongs to none lies apart from all."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.array(
            [
                [*(float(any(word in text.lower() for word in topic.split())) for topic in TOPICS), 0.1]
                for text in texts
            ],
            np.float32,
        )
        unit: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


class Scattered:
    """An embedder that knows nothing: equal texts lie together, different ones anywhere."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.stack(
            [np.random.default_rng(list(text.encode())).standard_normal(384) for text in texts]
        ).astype(np.float32)
        unit: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


def document(id: str, *texts: str, title: str = "", channel: str = "", author: str = "") -> Document:
    """A document with one section for each text, an hour apart."""
    sections = tuple(
        Section(text, EPOCH + timedelta(hours=at), link=f"https://example.org/{id}", author=author)
        for at, text in enumerate(texts)
    )
    return Document(id, title, sections, channel)


@pytest.fixture(scope="session")
def minilm() -> Remembering:
    """The real model; it reads the sample community once for all tests."""
    folder = available()
    assert folder is not None
    return Remembering(Embedder(folder))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return Place(folder)


@pytest.fixture
async def store(place: Place, clock: Clock) -> AsyncIterator[Store]:
    store = await place.open(clock)
    yield store
    await store.close()


@pytest.fixture
def index(store: Store) -> Index:
    return Index(store.passages, store.privacy, None)
