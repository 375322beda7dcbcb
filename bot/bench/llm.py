"""How fast the engines answer, next to one-at-a-time `transformers.pipeline()` in the same run.

Every measurement has a process of its own, so that none profits or suffers from another: memory, caches and
CPU time are its alone. One thread each, greedy, the embedded demo model. Tokens are counted in the text that
came out, by the model's own tokenizer.
"""

import asyncio
import importlib.util
import resource
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import ParamSpec, TypedDict, TypeVar

import psutil

from bot.conversation.prompt import system_prompt
from bot.llm import catalogue, weights
from bot.llm.engine import NAMES, EngineSpec, make
from bot.llm.model import Limits, Model, Progress, Turn, no_progress

MODEL = "smollm2-135m"
"""A name of the catalogue, or a GGUF file."""
ENGINES = {"transformers": "torch", "llamacpp": "xllamacpp"}
"""Name -> the library without which it is left out."""

LIMITS = Limits(max_new_tokens=64, temperature=0)
THREADS = 1
CONTEXT_TOKENS = 2048
TURNS = 5
QUESTIONS = (
    "How does a bicycle stay upright?",
    "Explain photosynthesis to a child.",
    "Describe a forest in autumn.",
    "What makes bread rise?",
    "Tell me a story about a lighthouse keeper.",
    "Why is the sky blue during the day and red in the evening?",
    "How do I write a good bug report?",
    "What should I look at when I buy a used laptop?",
)

P = ParamSpec("P")
T = TypeVar("T")


class Row(TypedDict):
    """One way of answering; `ttft_ms` is the median time on the wall until a member sees text."""

    answers: int
    tokens: int
    ttft_ms: float
    tokens_per_second: float
    tokens_per_cpu_second: float
    rss_mb: float


class Compared(Row):
    """A row next to `pipeline()`: the ratio is of tokens per CPU-second, prompts included."""

    ratio_to_pipeline: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What something took, in seconds."""

    wall_s: float
    cpu_s: float


class _Clock:
    """Running since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = perf_counter(), _cpu_s()

    def spent(self) -> Spent:
        return Spent(perf_counter() - self._wall, _cpu_s() - self._cpu)


def _cpu_s() -> float:
    """Processor time of this process and of those it runs: llama.cpp has one of its own."""
    children = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return process_time() + sum(times.user + times.system for times in children)


def run(concurrency: Sequence[int], progress: Progress = no_progress) -> dict[str, object]:
    """Measure everything; takes a few minutes.

    Args:
        concurrency: numbers of members that ask at the same time.

    Raises:
        ModelUnavailable: the demo model is not here, or the extra `llm` is not installed.
    """
    engines = [name for name in ENGINES if name in NAMES and importlib.util.find_spec(ENGINES[name])]
    step = _Steps(progress, total=6 + len(engines))
    folder = step("Converting the model, unless it is", _converted)
    baseline = step("transformers.pipeline(), one at a time", _pipeline, folder)
    measured = {name: step(f"Engine {name}", _engine, name, folder, tuple(concurrency)) for name in engines}
    reused = step("A conversation that is remembered", _first_texts, True)
    read_again = step("A conversation that is read again", _first_texts, False)
    with TemporaryDirectory(prefix="llmos-bench-") as scratch:
        file = Path(shutil.copy(_file(), scratch))
        from_gguf = step("A start from GGUF", _start, file)
        from_cache = step("A start from the converted copy", _start, file)
    return {
        "model": MODEL,
        "threads": THREADS,
        "max_new_tokens": LIMITS.max_new_tokens,
        "pipeline": {"1": baseline},
        "engines": {name: _compared(rows, baseline) for name, rows in measured.items()},
        "reuse": {
            "turns": TURNS,
            "with": _listed(reused),
            "without": _listed(read_again),
            "ratio": round(read_again[-1].cpu_s / reused[-1].cpu_s, 1),
        },
        "warm_start": {
            "gguf": _rounded(from_gguf),
            "converted": _rounded(from_cache),
            "ratio": round(from_gguf.cpu_s / from_cache.cpu_s, 1),
        },
    }


class _Steps:
    """Does each measurement in a process of its own and says which one it is."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self, doing: str, measure: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._progress(doing, self._done / self._total)
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
            measured = process.submit(measure, *args, **kwargs).result()
        self._done += 1
        self._progress(doing, self._done / self._total)
        return measured


def _converted() -> Path:
    """The folder that the engine and pipeline() load, made if it is not there."""
    from bot.llm import gguf  # noqa: PLC0415 - imports torch

    return gguf.converted(_file())


def _file() -> Path:
    entry = catalogue.get(MODEL)
    return weights.weights(entry) if entry else Path(MODEL)


def _pipeline(folder: Path) -> Row:
    """One question after the other through transformers' own pipeline; its text comes when it is complete."""
    import torch  # noqa: PLC0415 - seconds, and only here
    from transformers import pipeline  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(THREADS)
    generate = pipeline("text-generation", model=str(folder), dtype=torch.float32, device="cpu")

    def answer(turns: Sequence[Turn]) -> str:
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        told = {"max_new_tokens": LIMITS.max_new_tokens, "do_sample": False, "return_full_text": False}
        return str(generate(messages, **told)[0]["generated_text"])

    answer(_conversation("warm-up", QUESTIONS[0]))
    clock, texts, waits_s = _Clock(), [], []
    for question in QUESTIONS:
        own = _Clock()
        texts.append(answer(_conversation("pipeline", question)))
        waits_s.append(own.spent().wall_s)
    return _row(folder, texts, waits_s, clock.spent())


def _engine(name: str, folder: Path, concurrency: Sequence[int]) -> dict[str, Row]:
    """An engine with so many members asking at once, each number in its turn."""
    return asyncio.run(_at_once(name, folder, concurrency))


async def _at_once(name: str, folder: Path, concurrency: Sequence[int]) -> dict[str, Row]:
    model = make(
        EngineSpec(name, MODEL, concurrency=max(concurrency), threads=THREADS, context_tokens=CONTEXT_TOKENS)
    )
    await model.load()
    try:
        await _answer(model, _conversation("warm-up", QUESTIONS[0]))
        return {str(members): await _together(model, folder, members) for members in concurrency}
    finally:
        await model.close()


async def _together(model: Model, folder: Path, members: int) -> Row:
    """So many members ask at the same time, again and again until every question was asked."""
    clock, answers = _Clock(), list[tuple[str, Spent]]()
    while len(answers) < len(QUESTIONS):
        asked = [QUESTIONS[(len(answers) + number) % len(QUESTIONS)] for number in range(members)]
        async with asyncio.TaskGroup() as tasks:
            # another system prompt for every number of members: nothing of it was read before
            running = [tasks.create_task(_answer(model, _conversation(f"{members}", each))) for each in asked]
        answers += [task.result() for task in running]
    spent = clock.spent()
    return _row(folder, [text for text, _ in answers], [first.wall_s for _, first in answers], spent)


async def _answer(model: Model, turns: Sequence[Turn]) -> tuple[str, Spent]:
    """The text, and what it took until it began."""
    clock, first, text = _Clock(), None, ""
    async for piece in model.stream(turns, LIMITS):
        if isinstance(piece, str):
            first = first or clock.spent()
            text += piece
    return text, first or clock.spent()


def _first_texts(reuse: bool) -> list[Spent]:
    """What it took in each turn of a growing conversation until its first text."""
    return asyncio.run(_talk(reuse))


async def _talk(reuse: bool) -> list[Spent]:
    from bot.llm.transformers.engine import DEFAULT_PREFIX_BYTES, TransformersModel  # noqa: PLC0415

    model = TransformersModel(MODEL, threads=THREADS, prefix_bytes=DEFAULT_PREFIX_BYTES if reuse else 0)
    await model.load()
    try:
        await _answer(model, _conversation("warm-up", QUESTIONS[0]))
        turns, waits = _conversation("talk", QUESTIONS[0])[:1], []
        for question in QUESTIONS[:TURNS]:
            turns.append(Turn("user", question))
            text, first = await _answer(model, turns)
            turns.append(Turn("assistant", text))
            waits.append(first)
        return waits
    finally:
        await model.close()


def _start(file: Path) -> Spent:
    """From a fresh process to a model that can answer, libraries included."""
    clock = _Clock()
    asyncio.run(_load(file))
    return clock.spent()


async def _load(file: Path) -> None:
    model = make(EngineSpec("transformers", str(file), threads=THREADS))
    await model.load()
    await model.close()


def _conversation(name: str, question: str) -> list[Turn]:
    """A question behind the product's own system prompt; another name makes another first word."""
    system = f"{name}\n{system_prompt('LLMOS', '', date(2026, 1, 1))}"
    return [Turn("system", system), Turn("user", question)]


def _row(folder: Path, texts: Sequence[str], first_s: Sequence[float], spent: Spent) -> Row:
    from tokenizers import Tokenizer  # noqa: PLC0415 - of the extra `llm`

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokens = sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
    return Row(
        answers=len(texts),
        tokens=tokens,
        ttft_ms=round(median(first_s) * 1000, 1),
        tokens_per_second=round(tokens / spent.wall_s, 1),
        tokens_per_cpu_second=round(tokens / spent.cpu_s, 1),
        rss_mb=round(_rss_bytes() / 1e6, 1),
    )


def _compared(rows: Mapping[str, Row], baseline: Row) -> dict[str, Compared]:
    one = baseline["tokens_per_cpu_second"]
    return {
        members: Compared(**row, ratio_to_pipeline=round(row["tokens_per_cpu_second"] / one, 2))
        for members, row in rows.items()
    }


def _listed(spent: Sequence[Spent]) -> dict[str, list[float]]:
    """Times to the first text, turn by turn."""
    return {
        "ttft_ms": [round(each.wall_s * 1000, 1) for each in spent],
        "ttft_cpu_ms": [round(each.cpu_s * 1000, 1) for each in spent],
    }


def _rounded(spent: Spent) -> dict[str, float]:
    return {"seconds": round(spent.wall_s, 2), "cpu_seconds": round(spent.cpu_s, 2)}


def _rss_bytes() -> int:
    """The most this process ever held, and what those it runs hold now."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    own = peak if sys.platform == "darwin" else peak * 1024
    return own + sum(child.memory_info().rss for child in psutil.Process().children(recursive=True))
