"""The embedded model itself: it knows Paris, serves several members, and reads no conversation twice."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
import torch

from bot.llm.model import Limits, Turn
from bot.llm.transformers import TransformersModel

pytestmark = pytest.mark.model

GREEDY = Limits(max_new_tokens=12, temperature=0)
SYSTEM = Turn("system", "You answer in one short sentence. " * 10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncGenerator[TransformersModel]:
    model = TransformersModel("smollm2-135m", threads=1)
    await model.load()
    yield model
    await model.close()


async def said(model: TransformersModel, *turns: Turn) -> str:
    return "".join([str(piece) async for piece in model.stream(turns, GREEDY)])


@pytest.mark.asyncio(loop_scope="module")
async def test_it_knows_the_capital_of_france(model: TransformersModel) -> None:
    assert "Paris" in await said(model, Turn("user", "What is the capital of France?"))


@pytest.mark.asyncio(loop_scope="module")
async def test_members_together_get_what_each_would_get_alone(model: TransformersModel) -> None:
    questions = [Turn("user", text) for text in ("What is gravity?", "Say hello.", "Who wrote Hamlet?")]
    alone = [await said(model, question) for question in questions]
    assert await asyncio.gather(*(said(model, question) for question in questions)) == alone


@pytest.mark.asyncio(loop_scope="module")
async def test_a_growing_conversation_is_not_read_again(model: TransformersModel) -> None:
    read: list[int] = []

    def count(_: torch.nn.Module, args: tuple[object, ...], given: dict[str, torch.Tensor]) -> None:
        read.append(given["input_ids"].numel())

    assert model._decoder is not None
    hook = model._decoder._loaded.model.register_forward_pre_hook(count, with_kwargs=True)
    turns = [SYSTEM]
    for question in ("What is bread?", "And what is butter?", "Which is older?"):
        turns.append(Turn("user", question))
        turns.append(Turn("assistant", await said(model, *turns)))
        prompt = model.count_tokens(turns[:-1])
        if len(turns) > 3:
            assert sum(read) < prompt / 2, "the instructions and the talk so far were read before"
        read.clear()
    hook.remove()
