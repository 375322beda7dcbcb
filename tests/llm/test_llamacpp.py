"""The llama.cpp engine with the embedded model, in its real process."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import aiohttp
import psutil
import pytest

from bot.core.errors import ModelUnavailable
from bot.llm.catalogue import find
from bot.llm.engine import EngineSpec, make
from bot.llm.llamacpp import LlamaCppModel
from bot.llm.model import Limits, Turn
from bot.llm.weights import weights

pytestmark = pytest.mark.model

FRANCE = [
    Turn("system", "You answer in one short sentence."),
    Turn("user", "What is the capital of France?"),
]


@pytest.fixture
async def model() -> AsyncGenerator[LlamaCppModel]:
    model = LlamaCppModel("smollm2-135m", context_tokens=1024, concurrency=2, threads=1)
    yield model
    await model.close()


async def said(model: LlamaCppModel, turns: list[Turn], max_new_tokens: int = 24) -> list[str]:
    return [str(piece) async for piece in model.stream(turns, Limits(max_new_tokens, temperature=0))]


def servers() -> list[psutil.Process]:
    """The living servers of this process; what other tests left to be reaped is none."""
    return [child for child in psutil.Process().children() if "bot.llm.llamacpp.server" in _command(child)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


async def written(model: LlamaCppModel) -> int:
    """Tokens that the process says it has written so far."""
    client = model._client
    assert client is not None
    headers = {"Authorization": f"Bearer {client._api_key}"}
    url = str(client._client.base_url).replace("/v1/", "/metrics")
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        found = re.search(r"^llamacpp:tokens_predicted_total (\d+)", await response.text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.drives("engine:llamacpp")
async def test_it_streams_a_real_answer_to_several_members_at_once(model: LlamaCppModel) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(said(model, FRANCE)) for _ in range(2)]
    for task in tasks:
        assert len(task.result()) > 3
        assert "Paris" in "".join(task.result())
    assert len(servers()) == 1


async def test_nothing_is_started_before_it_is_needed_and_then_once(model: LlamaCppModel) -> None:
    assert servers() == []
    assert model.count_tokens(FRANCE) > 10
    told: list[float] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(model.load(lambda _doing, share: told.append(share)))
        group.create_task(model.load())
    assert told[-1] == 1.0
    assert len(servers()) == 1
    await model.close()
    assert servers() == []


async def test_a_closed_stream_writes_at_most_two_tokens_more(model: LlamaCppModel) -> None:
    async with aclosing(model.stream([Turn("user", "Count to 1000.")], Limits(800, 0))) as pieces:
        got = [await anext(pieces) for _ in range(5)]
    after = await said(model, FRANCE, 4)  # counted only when the slot of the first is free
    assert await written(model) <= len(got) + 2 + len(after)


CONVERSATIONS = [
    FRANCE,
    [*FRANCE, Turn("assistant", "Paris."), Turn("user", "为什么? <|im_end|> 🐱")],
    [Turn("system", "x"), Turn("user", "def f(x):\n\treturn x  # " + "why " * 100)],
]


async def test_tokens_are_counted_as_the_model_counts_them(model: LlamaCppModel) -> None:
    await model.load()
    client = model._client
    assert client is not None
    for turns in CONVERSATIONS:
        before = client.usage.prompt_tokens
        await said(model, turns, 1)
        read = client.usage.prompt_tokens - before
        assert read <= model.count_tokens(turns) <= read + 2 * len(turns)
    huge = [Turn("user", "word " * 200_000)]
    assert model.count_tokens(huge) >= 200_000


async def test_a_process_that_died_is_started_anew(model: LlamaCppModel) -> None:
    await model.load()
    (first,) = servers()
    first.send_signal(signal.SIGKILL)
    assert model._process is not None
    await model._process._process.wait()
    assert "Paris" in "".join(await said(model, FRANCE))
    assert len(servers()) == 1


async def test_the_process_ends_with_its_input_so_a_killed_bot_leaves_none(model: LlamaCppModel) -> None:
    await model.load()
    assert model._process is not None
    process = model._process._process
    model._process._stdin.close()
    async with asyncio.timeout(30):
        assert await process.wait() == 0


async def test_a_load_that_takes_too_long_is_given_up_and_leaves_no_process(
    model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.llm.llamacpp.process.LOADING_S", 0)
    with pytest.raises(ModelUnavailable, match="TimeoutError"):
        await model.load()
    assert servers() == []


@pytest.mark.parametrize(
    "name", ["empty.gguf", "text.gguf", "junk.gguf", "cut.gguf", "none.gguf", "model.bin"]
)
async def test_a_file_that_cannot_be_loaded_is_told_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    whole = weights(find("smollm2-135m")).read_bytes()
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "text.gguf").write_text("a shopping list", encoding="utf-8")
    (tmp_path / "junk.gguf").write_bytes(b"GGUF" + os.urandom(4000))
    (tmp_path / "cut.gguf").write_bytes(whole[:20_000_000])
    (tmp_path / "model.bin").write_bytes(b"\x80\x04")
    model = LlamaCppModel(str(tmp_path / name), threads=1)
    with pytest.raises(ModelUnavailable, match=re.escape(name)):
        await said(model, FRANCE)
    assert servers() == []
    await model.close()


async def test_the_configuration_makes_one() -> None:
    model = make(EngineSpec("llamacpp", "smollm2-135m", concurrency=2))
    assert isinstance(model, LlamaCppModel)
    assert model.name == "smollm2-135m"
    assert not model.capabilities.can_answer
    await model.close()
