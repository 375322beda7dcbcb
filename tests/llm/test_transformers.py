"""The embedded engine as the rest of LLMOS uses it: lazily loaded, off the event loop, many members."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
import torch

from bot.core.errors import ModelBroken, ModelError, ModelUnavailable
from bot.llm.catalogue import find
from bot.llm.model import Limits, Piece, Turn
from bot.llm.transformers import TransformersModel
from tests.llm.tiny import CHAT_TEMPLATE, CONTEXT_TOKENS, edit_json, tokens, write_model, write_tokenizer

QUESTIONS = ("hello there", "what is the capital of France?", "x", "😀 你好")
GREEDY = Limits(max_new_tokens=30, temperature=0)
FOREVER = Limits(max_new_tokens=CONTEXT_TOKENS, temperature=0)


@pytest.fixture
async def model(gpt2: Path) -> AsyncGenerator[TransformersModel]:
    """The tiny base model: it never ends by itself."""
    model = TransformersModel(gpt2, threads=1)
    yield model
    await model.close()


def conversation(question: str) -> list[Turn]:
    return [Turn("system", "You are a friendly assistant."), Turn("user", question)]


async def said(model: TransformersModel, question: str, limits: Limits = GREEDY) -> str:
    return "".join([str(piece) async for piece in model.stream(conversation(question), limits)])


async def rest(pieces: AsyncGenerator[Piece]) -> None:
    """Read a stream to its end."""
    async for _ in pieces:
        pass


def on_forward(model: TransformersModel, hook: object) -> None:
    """Call a hook in the engine's thread before each step of the model."""
    assert model._decoder is not None
    model._decoder._loaded.model.register_forward_pre_hook(hook)  # type: ignore[arg-type]


async def idle(model: TransformersModel) -> None:
    """Until the engine's one thread has nothing left to do."""
    await asyncio.get_running_loop().run_in_executor(model._executor, threading.get_ident)


def test_importing_and_making_it_costs_no_torch() -> None:
    script = (
        "import sys; from bot.llm.transformers import TransformersModel; TransformersModel('smollm2-135m'); "
        "print(sorted({'torch', 'transformers', 'safetensors', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_a_catalogue_model_can_do_is_known_before_it_is_loaded() -> None:
    for name in ("smollm2-135m", "qwen3-4b", "gpt2"):
        model = TransformersModel(name)
        assert (model.name, model.capabilities) == (name, find(name).capabilities)
        assert model.context_tokens == find(name).context_tokens
    assert TransformersModel("smollm2-135m", context_tokens=99).context_tokens == 99


async def test_the_first_question_loads_and_nobody_loads_twice(gpt2: Path) -> None:
    model = TransformersModel(gpt2, threads=1)
    told: list[tuple[str, float]] = []
    first = asyncio.create_task(said(model, "hello there"))
    await asyncio.sleep(0)  # it begins
    await model.load(lambda doing, share: told.append((doing, share)))
    answers = await asyncio.gather(first, said(model, "hello there"))
    assert answers[0] == answers[1] != ""
    await model.load(lambda doing, share: told.append((doing, share)))
    assert told == [], "the first question was loading already"
    await model.close()


async def test_loading_tells_how_far_it_is(llama: Path) -> None:
    model = TransformersModel(llama, threads=1)
    told: list[tuple[str, float]] = []
    await model.load(lambda doing, share: told.append((doing, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(doing for doing, _ in told)
    await model.close()


async def test_members_answered_together_get_what_each_would_get_alone(model: TransformersModel) -> None:
    alone = [await said(model, question) for question in QUESTIONS]
    assert await asyncio.gather(*(said(model, question) for question in QUESTIONS)) == alone
    assert all(alone)


async def test_the_model_works_in_a_thread_of_its_own(model: TransformersModel) -> None:
    await model.load()
    seen: set[str] = set()
    on_forward(model, lambda *_: seen.add(threading.current_thread().name))
    await asyncio.gather(*(said(model, question) for question in QUESTIONS))
    assert seen == {f"llm-{model.name}_0"}


async def test_a_closed_stream_costs_two_tokens_at_most(model: TransformersModel) -> None:
    await model.load()
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    on_forward(model, count)
    async with aclosing(model.stream(conversation("hello there"), FOREVER)) as pieces:
        await anext(pieces)
    at_close = steps
    await idle(model)
    assert steps - at_close <= 2
    assert steps < 100, "it was to write hundreds"


async def test_a_cancelled_reader_stops_the_model_and_harms_nobody(model: TransformersModel) -> None:
    expected = await said(model, "x")
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in model.stream(conversation("hello there"), FOREVER):
            begun.set()

    reader = asyncio.create_task(read())
    await begun.wait()
    other = asyncio.create_task(said(model, "x"))
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await other == expected


async def test_a_base_model_is_asked_by_a_transcript_and_says_so(model: TransformersModel) -> None:
    await model.load()
    assert not model.capabilities.chat
    assert not model.capabilities.can_answer, "30,000 weights are a demo"
    assert model.context_tokens == CONTEXT_TOKENS
    turns = conversation("hello there")
    text = "You are a friendly assistant.\n\nUser: hello there\nAssistant:"
    assert model.count_tokens(turns) == len(tokens().encode(text).ids)


async def test_tokens_are_counted_exactly_once_loaded_and_generously_before(llama: Path) -> None:
    model = TransformersModel(llama, threads=1)
    turns = [*conversation("hello there"), Turn("assistant", "héllo 你好 😀"), Turn("user", "x")]
    before = model.count_tokens(turns)
    await model.load()
    exact = model.count_tokens(turns)
    assert exact == len(tokens().encode(rendered(turns)).ids)
    assert before >= exact
    far_too_long = [Turn("user", "fox " * 50_000)]
    assert model.count_tokens(far_too_long) > 50_000
    await model.close()


def rendered(turns: list[Turn]) -> str:
    body = "".join(f"<|im_start|>{turn.role}\n{turn.text}<|im_end|>\n" for turn in turns)
    return f"{body}<|im_start|>assistant\n"


async def test_a_conversation_beyond_the_context_is_refused_in_words(model: TransformersModel) -> None:
    with pytest.raises(ModelError, match="Ask something shorter"):
        await said(model, "0123456789" * CONTEXT_TOKENS)
    assert await said(model, "x")


async def test_an_answer_never_outgrows_the_context(model: TransformersModel) -> None:
    question = "0123456789" * (CONTEXT_TOKENS // 12)
    room = CONTEXT_TOKENS - model_tokens(question)
    assert 0 < room < 100
    assert await said(model, question, FOREVER)


def model_tokens(question: str) -> int:
    return len(tokens().encode(f"You are a friendly assistant.\n\nUser: {question}\nAssistant:").ids)


async def test_a_failure_is_told_and_the_next_question_is_answered(
    model: TransformersModel, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await said(model, "x")
    broken = True

    def fail(*_: object) -> None:
        if broken:
            raise RuntimeError("out of memory")

    on_forward(model, fail)
    done = await asyncio.gather(*(said(model, each) for each in QUESTIONS), return_exceptions=True)
    assert [type(each) for each in done] == [ModelBroken] * len(QUESTIONS)
    assert "out of memory" in caplog.text
    broken = False
    assert await said(model, "x") == expected


async def test_closing_tells_everybody_who_waits(model: TransformersModel) -> None:
    pieces = model.stream(conversation("hello there"), FOREVER)
    await anext(pieces)
    late = asyncio.create_task(said(model, "x", FOREVER))
    await asyncio.sleep(0)
    await model.close()
    with pytest.raises(ModelUnavailable, match="closed"):
        await late
    with pytest.raises(ModelUnavailable, match="closed"):
        await rest(pieces)
    with pytest.raises(ModelUnavailable, match="closed"):
        await said(model, "x")
    await model.close()


async def test_closing_ends_a_loading_that_nobody_waits_for(llama: Path) -> None:
    model = TransformersModel(llama, threads=1)
    loop, started, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    told: list[str] = []

    def hold(doing: str, share: float) -> None:
        told.append(doing)
        loop.call_soon_threadsafe(started.set)
        go_on.wait()

    loading = asyncio.create_task(model.load(hold))
    await started.wait()
    closing = asyncio.create_task(model.close())
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(ModelUnavailable, match="closed"):
        await loading
    await closing
    assert len(told) == 1


async def test_a_model_that_could_not_be_loaded_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    model = TransformersModel(folder, threads=1)
    with pytest.raises(ModelUnavailable, match="is empty"):
        await said(model, "x")
    write_model(folder)
    assert await said(model, "x")
    await model.close()


async def test_torch_threads_are_bounded(llama: Path) -> None:
    model = TransformersModel(llama, threads=1)
    await model.load()
    its_thread = model._executor  # torch counts for each thread
    assert await asyncio.get_running_loop().run_in_executor(its_thread, torch.get_num_threads) == 1
    await model.close()


async def refused(name: str | Path) -> str:
    model = TransformersModel(name, threads=1)
    try:
        with pytest.raises(ModelUnavailable) as caught:
            await model.load()
    finally:
        await model.close()
    return str(caught.value)


class Bomb:
    """Unpickled, it writes a file."""

    def __init__(self, fuse: Path) -> None:
        self.fuse = fuse

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.fuse,))


async def test_pickled_weights_are_refused_and_never_opened(llama: Path, tmp_path: Path) -> None:
    fuse, folder = tmp_path / "exploded", tmp_path / "pickled"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((llama / name).read_bytes())
    torch.save(Bomb(fuse), folder / "pytorch_model.bin")
    message = await refused(folder)
    assert "pytorch_model.bin" in message
    assert "safetensors and GGUF only" in message
    (folder / "model.safetensors").write_bytes((llama / "model.safetensors").read_bytes())
    model = TransformersModel(folder, threads=1)
    await model.load()
    await model.close()
    assert not fuse.exists()


async def test_code_that_comes_with_a_model_never_runs(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "coded")
    fuse = tmp_path / "exploded"
    (folder / "evil.py").write_text(f"import pathlib; pathlib.Path({str(fuse)!r}).touch()\n")
    edit_json(
        folder / "config.json",
        model_type="evil",
        auto_map={"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"},
    )
    assert "cannot be loaded" in await refused(folder)
    assert not fuse.exists()


async def test_a_folder_that_is_no_model_is_refused_in_words(llama: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "is empty" in await refused(empty)
    (tmp_path / "model.onnx").write_bytes(b"x")
    assert "neither a folder with a model nor a .gguf file" in await refused(tmp_path / "model.onnx")
    assert "no Hugging Face id either" in await refused("no such: name!")
    assert "compares texts" in await refused("all-minilm-l6-v2")


async def test_damaged_files_are_refused_in_words(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "damaged")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    assert "is cut off" in await refused(folder)
    weights.write_bytes(whole)
    (folder / "tokenizer.json").write_text('{"version"')
    assert "cannot be loaded" in await refused(folder)
    write_tokenizer(folder, CHAT_TEMPLATE)
    (folder / "config.json").write_text("[]")
    assert "cannot be loaded" in await refused(folder)


async def test_weights_that_are_not_there_are_never_made_up(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "larger")
    edit_json(folder / "config.json", num_hidden_layers=3)
    assert "lack" in await refused(folder)
