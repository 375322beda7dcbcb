"""A house for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.text import set_locale
from bot.storage.store import Store
from tests.commands.house import Clock, House, build


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    set_locale("en")
    clock = Clock()
    store = await Store.open(f"sqlite:///{tmp_path / 'llmos.db'}", tmp_path / "llmos.key", now=clock)
    yield build(store, clock)
    await store.close()
