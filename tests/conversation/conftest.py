"""A store and a clock for each test."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.core.text import set_locale
from bot.storage.store import Store
from tests.conversation.house import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncGenerator[Store]:
    opened = await Store.open(f"sqlite:///{tmp_path / 'talk.db'}", tmp_path / "key", now=clock)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def _english() -> None:
    set_locale("en")
