"""One misbehaving server per test."""

from collections.abc import AsyncGenerator

import pytest

from tests.llm.misbehaving import Misbehaving, misbehaving


@pytest.fixture
async def server() -> AsyncGenerator[Misbehaving]:
    async with misbehaving() as running:
        yield running
