"""One misbehaving server per test."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.llm.misbehaving import Misbehaving, misbehaving


@pytest.fixture
async def server() -> AsyncGenerator[Misbehaving]:
    async with misbehaving() as running:
        yield running


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny chat model."""
    from tests.llm.tiny import write_model  # torch takes seconds, and few tests need it

    return write_model(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base model: no chat template, positions as in gpt2."""
    from tests.llm.tiny import write_model

    return write_model(tmp_path_factory.mktemp("models") / "tiny-gpt2", "gpt2", chat_template=None)
