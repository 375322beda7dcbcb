"""What every engine promises: the port `bot.llm.model.Model`, on each engine that comes with LLMOS."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from bot.core.errors import ModelError
from bot.llm.echo import EchoModel, Script
from bot.llm.engine import NAMES, EngineSpec, make
from bot.llm.model import Limits, Model, Turn
from tests.llm.misbehaving import misbehaving

LIMITS = Limits(max_new_tokens=12, temperature=0)
LONG = Limits(max_new_tokens=400, temperature=0)
QUESTIONS = ("the capital of France", "the lazy dog", "x", "你好 😀")

Made = AbstractAsyncContextManager[Model]


@asynccontextmanager
async def echo(folder: Path) -> AsyncIterator[Model]:
    yield EchoModel(Script(delay_s=0))


@asynccontextmanager
async def openai(folder: Path) -> AsyncIterator[Model]:
    async with misbehaving() as server:
        yield make(EngineSpec("openai", "any", base_url=server.base_url, timeout_s=20))


@asynccontextmanager
async def transformers(folder: Path) -> AsyncIterator[Model]:
    from tests.llm.tiny import write_model

    path = write_model(folder / "tiny", "gpt2", chat_template=None)
    yield make(EngineSpec("transformers", str(path), threads=1, concurrency=4))


@asynccontextmanager
async def llamacpp(folder: Path) -> AsyncIterator[Model]:
    yield make(
        EngineSpec("llamacpp", "smollm2-135m", threads=1, concurrency=4, context_tokens=512, timeout_s=60)
    )


ENGINES: dict[str, Callable[[Path], Made]] = {
    "echo": echo,
    "openai": openai,
    "transformers": transformers,
    "llamacpp": llamacpp,
}


EVERY_ENGINE = [pytest.param(name, marks=pytest.mark.model if name == "llamacpp" else ()) for name in ENGINES]


@pytest.fixture(params=EVERY_ENGINE)
async def model(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Model]:
    """One that nobody has used yet."""
    async with ENGINES[request.param](tmp_path) as model:
        yield model
        await model.close()


@pytest_asyncio.fixture(params=EVERY_ENGINE, scope="module", loop_scope="module")
async def used(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Model]:
    """One for all tests that leave it as they found it: loading takes longer than they do."""
    async with ENGINES[request.param](tmp_path_factory.mktemp("engine")) as model:
        yield model
        await model.close()


in_one_loop = pytest.mark.asyncio(loop_scope="module")


def conversation(question: str) -> list[Turn]:
    return [
        Turn("system", "Be kind."),
        Turn("user", "hello there"),
        Turn("assistant", "hello"),
        Turn("user", question),
    ]


async def said(model: Model, question: str, limits: Limits = LIMITS) -> str:
    pieces = [piece async for piece in model.stream(conversation(question), limits)]
    assert all(isinstance(piece, str) and piece for piece in pieces)
    return "".join(map(str, pieces))


def test_every_engine_that_comes_with_llmos_is_held_to_the_contract() -> None:
    assert ENGINES.keys() == NAMES


async def test_it_says_what_it_is_before_it_is_loaded(model: Model) -> None:
    assert model.name
    assert model.context_tokens > 0
    assert model.is_local or isinstance(model.capabilities.can_answer, bool)
    assert model.count_tokens(conversation("x")) > 0


async def test_it_answers_without_being_loaded_first_and_loading_twice_is_nothing(model: Model) -> None:
    assert (await said(model, "the lazy dog")).strip()
    told: list[str] = []
    await model.load(lambda doing, share: told.append(doing))
    assert told == []


@in_one_loop
async def test_several_members_at_once_each_get_an_answer(used: Model) -> None:
    answers = await asyncio.gather(*(said(used, question) for question in QUESTIONS))
    assert all(answer.strip() for answer in answers)


@in_one_loop
async def test_the_same_question_alone_and_among_others_gets_the_same_answer(
    used: Model, request: pytest.FixtureRequest
) -> None:
    if "llamacpp" in request.node.name:
        pytest.skip("llama.cpp rounds differently in a batch")
    alone = [await said(used, question) for question in QUESTIONS]
    assert await asyncio.gather(*(said(used, question) for question in QUESTIONS)) == alone


@in_one_loop
async def test_a_stream_that_is_closed_early_harms_nobody(used: Model) -> None:
    async with aclosing(used.stream(conversation("one two three four five"), LONG)) as pieces:
        assert await anext(pieces)
    assert (await said(used, "the lazy dog")).strip()


@in_one_loop
async def test_a_cancelled_reader_is_cancelled_and_harms_nobody(used: Model) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in used.stream(conversation("one two three four five"), LONG):
            begun.set()
            await asyncio.Event().wait()

    reader = asyncio.create_task(read())
    await begun.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert (await said(used, "the lazy dog")).strip()


@in_one_loop
@pytest.mark.parametrize("question", ["a\ud800b", "nul \x00 nul", "\u202eabc\u200b", "```\n" * 20])
async def test_strange_text_is_answered(used: Model, question: str) -> None:
    assert await said(used, question)


@in_one_loop
async def test_more_words_are_more_tokens(used: Model) -> None:
    await used.load()
    short, long = conversation("the fox"), conversation("the fox and the dog " * 20)
    assert 0 < used.count_tokens(short) < used.count_tokens(long)
    assert used.count_tokens(conversation("a\ud800b")) > 0
    assert used.count_tokens([Turn("user", "fox " * 100_000)]) > used.context_tokens


async def test_closing_is_final_and_may_be_done_twice(model: Model, request: pytest.FixtureRequest) -> None:
    await said(model, "x")
    await model.close()
    await model.close()
    if "echo" not in request.node.name:  # it holds nothing that could be closed
        with pytest.raises(ModelError):
            await said(model, "x")
