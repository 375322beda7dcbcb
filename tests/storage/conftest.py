"""A database of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.storage.store import Store
from tests.storage.house import Clock, Place


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
