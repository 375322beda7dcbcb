"""Engines by name, patience, and the next engine when one fails."""

import logging
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence

import pytest

from bot.core.errors import (
    ConfigError,
    ModelBroken,
    ModelBusy,
    ModelEmpty,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
)
from bot.llm import engine
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Capabilities, Limits, Model, Piece, Queued, Reading, Turn
from bot.llm.selection import EngineSpec, Fallback, Patient, build
from bot.llm.slots import Slotted
from bot.llm.thinking import Visible
from tests.llm.misbehaving import Misbehaving
from tests.llm.virtual_time import now, run

ENGLISH = Capabilities(languages=frozenset({"en"}))
CHINESE = Capabilities(languages=frozenset({"zh"}))


async def ask(model: Model, question: str = "hello there") -> tuple[list[Piece], ModelError | None]:
    pieces: list[Piece] = []
    try:
        async for piece in model.stream([Turn("user", question)], Limits()):
            pieces.append(piece)
    except ModelError as error:
        return pieces, error
    return pieces, None


class Scripted(EchoModel):
    """Yields the given pieces, each after its seconds."""

    def __init__(self, *timed: tuple[float, Piece]) -> None:
        super().__init__()
        self._timed = timed

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        for delay_s, piece in self._timed:
            await self._sleep(delay_s)
            yield piece


# Engines by name


def test_an_unknown_engine_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="'openai'"):
        build(EngineSpec("openia"))
    with pytest.raises(ConfigError, match=r"known are .*openai.*transformers"):
        build(EngineSpec("quantum"))


@pytest.mark.parametrize("spec", [EngineSpec("openai"), EngineSpec("openai", base_url="http://127.0.0.1/v1")])
def test_an_incomplete_engine_is_refused(spec: EngineSpec) -> None:
    with pytest.raises(ConfigError):
        build(spec)


def test_a_remote_engine_loads_no_torch() -> None:
    script = (
        "import sys\n"
        "from bot.llm.selection import EngineSpec, build\n"
        "build(EngineSpec('openai', model='tiny', base_url='http://127.0.0.1:9/v1'))\n"
        "print(sorted({'torch', 'transformers', 'xllamacpp', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_engine_whose_library_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="torch")

    monkeypatch.setattr("bot.llm.engine.importlib.import_module", missing)
    with pytest.raises(ConfigError, match=r"torch.*pip install"):
        build(EngineSpec("transformers", model="smollm2-135m"))


async def test_another_distribution_can_offer_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shouting(EchoModel):
        engine_name = "shouting"

        def __init__(self, spec: EngineSpec) -> None:
            super().__init__(Script(spec.model.upper()))

    monkeypatch.setattr(engine, "plugins", lambda seam: [Shouting] if seam == "engines" else [])
    assert await ask(build(EngineSpec("shouting", model="hey"))) == (["HEY"], None)


def test_a_spec_never_shows_its_key() -> None:
    assert "sk-secret" not in repr(EngineSpec("openai", api_key="sk-secret"))


# Patience


def test_silence_before_the_first_text_has_an_end() -> None:
    async def main() -> None:
        pieces, error = await ask(Patient(EchoModel(Script("", stall=True)), 60))
        assert (pieces, type(error)) == ([], ModelTimeout)
        assert now() == pytest.approx(60)

    run(main())


def test_an_answer_that_flows_is_never_cut() -> None:
    async def main() -> None:
        pieces, error = await ask(Patient(EchoModel(Script("a b c d e f", delay_s=59)), 60))
        assert (len(pieces), error) == (6, None)
        assert now() == pytest.approx(6 * 59)

    run(main())


def test_an_answer_that_stalls_half_way_is_cut() -> None:
    async def main() -> None:
        echo = EchoModel(Script("half an", stall=True))
        pieces, error = await ask(Patient(echo, 60))
        assert (pieces, type(error)) == (["half", " an"], ModelTimeout)
        assert (echo.running, echo.cut_off) == (0, 1)

    run(main())


def test_white_space_is_silence() -> None:
    async def main() -> None:
        _, error = await ask(Patient(EchoModel(Script(" \n ", delay_s=20, forever=True)), 60))
        assert type(error) is ModelTimeout
        assert now() == pytest.approx(60)

    run(main())


def test_time_in_the_queue_is_not_silence_but_time_after_it_is() -> None:
    async def main() -> None:
        waits = Scripted((1, Queued(2)), (500, Queued(1)), (500, Queued(0)), (58, "text"))
        assert (await ask(Patient(waits, 60)))[1] is None
        stalls = Scripted((1, Queued(1)), (500, Queued(0)), (60, "text"))
        assert type((await ask(Patient(stalls, 60)))[1]) is ModelTimeout

    run(main())


def test_a_model_that_reads_on_is_not_silent_and_one_that_stops_reading_is() -> None:
    async def main() -> None:
        reads = Scripted((50, Reading(256, 600)), (50, Reading(512, 600)), (50, "text"))
        pieces, error = await ask(Patient(Visible(reads), 60))
        assert (pieces, error) == ([Reading(256, 600), Reading(512, 600), "text"], None)
        stalls = Scripted((50, Reading(256, 600)), (60, "text"))
        assert type((await ask(Patient(stalls, 60)))[1]) is ModelTimeout

    run(main())


def test_a_slow_reader_is_not_the_models_silence() -> None:
    async def main() -> None:
        echo = EchoModel(Script("a b c", delay_s=1))
        async for _ in Patient(echo, 2).stream([Turn("user", "?")], Limits()):
            await echo._sleep(100)
        assert now() == pytest.approx(303)

    run(main())


# Fallback


@pytest.mark.parametrize(
    "error", [ModelUnavailable("x"), ModelBusy("x"), ModelTimeout("x"), ModelEmpty("x"), ModelBroken("x")]
)
async def test_the_next_model_answers_when_one_fails_before_its_first_text(
    error: ModelError, caplog: pytest.LogCaptureFixture
) -> None:
    models = [EchoModel(Script("", error=error), name="first"), EchoModel(Script("here I am"), name="second")]
    with caplog.at_level(logging.WARNING):
        assert await ask(Fallback(models)) == (["here", " I", " am"], None)
    assert "first failed" in caplog.text


async def test_after_the_first_text_the_error_goes_on() -> None:
    second = EchoModel()
    pieces, error = await ask(Fallback([EchoModel(Script("half", error=ModelBroken("x"))), second]))
    assert (pieces, type(error), second.asked) == (["half"], ModelBroken, [])


async def test_when_all_fail_the_last_error_is_raised() -> None:
    models = [EchoModel(Script("", error=ModelBroken("x"))), EchoModel(Script("", error=ModelBusy("y")))]
    assert type((await ask(Fallback(models)))[1]) is ModelBusy


async def test_a_model_is_passed_over_when_it_does_not_speak_the_language() -> None:
    english = EchoModel(Script("Hello"), capabilities=ENGLISH)
    chinese = EchoModel(Script("你好"), capabilities=CHINESE)
    model = Fallback([english, chinese])
    assert model.capabilities.languages == {"en", "zh"}
    assert (await ask(model, "法国的首都是哪里?"))[0] == ["你好"]
    assert (await ask(model, "What is the capital of France?"))[0] == ["Hello"]
    assert (await ask(model, "???"))[0] == ["Hello"]


def test_a_fallback_promises_only_what_every_model_keeps() -> None:
    able = Capabilities(tools=True, json_schema=True)
    big = EchoModel(capabilities=able, context_tokens=8192, is_local=False)
    small = EchoModel(capabilities=ENGLISH, context_tokens=2048)
    model = Fallback([big, small])
    assert (model.context_tokens, model.is_local, model.name) == (2048, False, "echo")
    assert not model.capabilities.tools
    assert model.capabilities.languages == frozenset()


async def test_loading_falls_back_too() -> None:
    class Unloadable(EchoModel):
        async def load(self, progress: object = None) -> None:
            raise ModelUnavailable("no such file")

    await Fallback([Unloadable(), EchoModel()]).load()
    with pytest.raises(ModelUnavailable):
        await Fallback([Unloadable(), Unloadable()]).load()


# All together, over HTTP


async def test_a_stalled_server_leaves_time_for_the_next_one(server: Misbehaving) -> None:
    remote = EngineSpec("openai", model="tiny", base_url=server.base_url, timeout_s=0.4)
    model = build(remote, [EngineSpec("echo", max_new_tokens=2)])
    assert await ask(model, "STALL and so on") == (["STALL", " and"], None)
    await server.asked[0].ended.wait()
    assert server.asked[0].client_closed
    await model.close()


async def test_thoughts_are_hidden_and_questions_queue(server: Misbehaving) -> None:
    model = build(EngineSpec("openai", model="tiny", base_url=server.base_url, concurrency=1))
    assert await ask(model, "THINK") == (["Par", "is."], None)
    assert isinstance(model, Patient)
    assert isinstance(model.inner, Slotted)
    await model.close()
