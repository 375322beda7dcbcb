"""The remote engine against a real server: llama.cpp's, with the embedded model."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest
import xllamacpp

from bot.core.errors import ModelUnavailable
from bot.llm.catalogue import find
from bot.llm.model import Limits, Turn
from bot.llm.openai import OpenAIModel
from bot.llm.weights import weights

pytestmark = pytest.mark.model

FRANCE = [
    Turn("system", "You answer in one short sentence."),
    Turn("user", "What is the capital of France?"),
]


@pytest.fixture(scope="module")
def llama_server() -> Iterator[str]:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = os.fspath(weights(find("smollm2-135m")))
    parameters.port = 0
    parameters.n_ctx = 2048
    parameters.n_parallel = 2
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture
async def model(llama_server: str) -> AsyncGenerator[OpenAIModel]:
    model = OpenAIModel("smollm2", base_url=llama_server, timeout_s=60)
    yield model
    await model.close()


async def said(model: OpenAIModel, turns: list[Turn], max_new_tokens: int) -> list[str]:
    return [str(piece) async for piece in model.stream(turns, Limits(max_new_tokens, temperature=0))]


async def test_a_real_server_streams_a_real_answer(model: OpenAIModel) -> None:
    pieces = await said(model, FRANCE, 24)
    assert "Paris" in "".join(pieces)
    assert len(pieces) > 3
    assert model.usage.completion_tokens >= len(pieces)
    assert 10 < model.usage.prompt_tokens <= model.count_tokens(FRANCE)


async def test_two_members_are_served_at_once(model: OpenAIModel) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(said(model, FRANCE, 24)) for _ in range(2)]
    assert all("Paris" in "".join(task.result()) for task in tasks)


async def test_a_closed_stream_frees_its_slot_for_the_next_question(model: OpenAIModel) -> None:
    for _ in range(3):  # more than there are slots
        async with aclosing(model.stream([Turn("user", "Count to 1000.")], Limits(1500, 0))) as pieces:
            assert await anext(pieces)
    assert "Paris" in "".join(await said(model, FRANCE, 24))


async def test_a_question_that_does_not_fit_is_refused_in_words(model: OpenAIModel) -> None:
    with pytest.raises(ModelUnavailable, match="context"):
        await said(model, [Turn("user", "why " * 4000)], 8)
