"""`llmos bench`: measure this machine; the numbers of docs/performance.md come from here."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot import logs
from bot.cli.options import JsonFlag, print_json, print_line
from bot.core.errors import ConfigError
from bot.llm.model import Progress as ModelProgress
from bot.moderation.rulebook import MAX_RULES

command = App(name="bench", help="Measure this machine.")

Positive = Number(gt=0)
MOST_ANSWERS = 1000


@command.command
def pipeline(
    *,
    messages: Annotated[int, Parameter(validator=Positive)] = 20_000,
    rate: Annotated[float | None, Parameter(validator=Positive)] = None,
    rules: Annotated[int, Parameter(validator=Number(gte=0, lte=MAX_RULES))] = 0,
    answers: Annotated[int, Parameter(validator=Number(gte=0, lte=MOST_ANSWERS))] = 0,
    db: Path | None = None,
    json: JsonFlag = False,
) -> None:
    """Drive messages through the real pipeline into a real database file.

    Args:
        messages: how many.
        rate: messages per second; without it as fast as they are taken.
        rules: how many moderation rules look at each message.
        answers: how many slow answers a model writes all the time beside.
        db: the SQLite file to write, kept afterwards; without it a temporary one.
    """
    from bot.bench import pipeline as pipeline_bench  # noqa: PLC0415 - the whole bot, with numpy

    logs.set_up()
    with TemporaryDirectory(prefix="llmos-bench-") as folder, _bar("messages decided", messages) as shown:
        database = db.resolve() if db is not None else Path(folder) / "bench.db"
        report = asyncio.run(
            pipeline_bench.run(messages, rate, rules, answers, Path(folder), database, shown)
        )
    _print(asdict(report), json)


@command.command
def llm(*, concurrency: str = "1,4,8", json: JsonFlag = False) -> None:
    """Compare the engines with one-at-a-time `transformers.pipeline()` on the same questions.

    Args:
        concurrency: how many members ask at once, such as 1,4,8.
    """
    from bot.bench import llm as llm_bench  # noqa: PLC0415 - imports torch

    logs.set_up()
    with _doing() as progress:
        report = llm_bench.run(_counts(concurrency, "--concurrency", 256), progress)
    _print(report, json)


@command.command
def recommend(
    *,
    sizes: str = "1,3,10",
    interactions: Path | None = None,
    threads: Path | None = None,
    live: bool = False,
    json: JsonFlag = False,
) -> None:
    """Measure what recommending costs as a community grows, and whether its reasons are true.

    Args:
        sizes: multiples of 1,000 members, 2,000 threads and 100,000 reactions, such as 1,3,10.
        interactions: a file as for `llmos recommend evaluate` to check reasons on; else a drawn community.
        threads: the file of its threads.
        live: only what a member waits for a list, through a database with the largest community.
    """
    from bot.bench import recommend as recommend_bench  # noqa: PLC0415 - imports numpy
    from bot.bench.live import measured  # noqa: PLC0415

    logs.set_up()
    counts = _counts(sizes, "--sizes", 100)
    with _doing() as progress:
        if live:
            report = measured(recommend_bench.drawn(max(counts)))
        else:
            report = recommend_bench.run(counts, interactions, threads, progress)
    _print(report, json)


def _counts(text: str, option: str, most: int) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{option} takes numbers such as 1,4,8, not {text!r}.") from error
    if not all(1 <= count <= most for count in counts):
        raise ConfigError(f"{option} takes numbers from 1 to {most}, not {text!r}.")
    return counts


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def _doing() -> Iterator[ModelProgress]:
    """What is being measured, on stderr, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)


def _print(report: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    rows = list(_flat(report))
    width = max(len(name) for name, _value in rows)
    for name, value in rows:
        print_line(f"{name:<{width}}  {value}")


def _flat(report: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """Every number with the way to it: `engines transformers 8 ttft_ms`."""
    for name, value in report.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name} ")
        else:
            yield f"{path}{name}", value
