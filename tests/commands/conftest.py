"""A house for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bot.core.text import set_locale
from bot.storage.store import Store
from tests.commands.house import Clock, House, build

# A machine under load is no fault of the code: what is slow there must not fail a test.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    set_locale("en")
    clock = Clock()
    store = await Store.open(f"sqlite:///{tmp_path / 'llmos.db'}", tmp_path / "llmos.key", now=clock)
    yield build(store, clock)
    await store.close()
