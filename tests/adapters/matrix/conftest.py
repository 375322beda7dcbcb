"""A house for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.matrix.house import House, housed
from tests.labs.synapse import Synapse


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[House]:
    async with housed(synapse, tmp_path) as house:
        yield house
