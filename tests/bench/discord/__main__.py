"""`make bench-discord`: ours on the tests' Discord, beside the shortest bots on discord.py in the same run.

Prints one JSON document. Everything measured is a process of its own; Discord and its people are in this one.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import discord

from tests.bench.discord import answers, load, standing
from tests.bench.discord.figures import Report
from tests.bench.discord.places import places

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of everything; the defaults are what docs/performance.md tells about.

    Attributes:
        model_s: for which the model writes each answer of a crowd.
        messages: handed over at once.
        rate: messages a second, where they come steadily, for `seconds`.
        members: of a large guild.
        settle_s: for which a bot is left alone before its memory is read.
    """

    starts: int = 5
    questions: int = 50
    model_s: float = 20
    messages: int = 15_000
    rate: float = 1000
    seconds: float = 10
    members: int = 10_000
    settle_s: float = 10


async def measured(folder: Path, counts: Counts, progress: Progress) -> Report:
    """Everything; each part with a Discord of its own."""
    fresh = (folder / f"part{number}" for number in range(100))

    def anew() -> Path:
        made = next(fresh)
        made.mkdir()
        return made

    async with places(anew()) as (ours, peer):
        start = await standing.starts(ours, peer, counts.starts, progress)
        answer = await answers.measure(ours, peer, counts.questions, progress)
    async with places(anew()) as (ours, peer):
        crowd = await answers.crowd(ours, peer, counts.model_s, progress)
    async with places(anew()) as (ours, peer):
        flood = await load.flood(ours, peer, counts.messages, progress)
    async with places(anew()) as (ours, peer):
        steady = await load.steady(ours, peer, counts.rate, counts.seconds, progress)
    async with places(anew()) as (ours, peer):
        memory = await standing.memory(ours, peer, counts.members, counts.settle_s, progress)
    return Report(f"discord.py {discord.__version__}", start, answer, crowd, flood, steady, memory)


def main() -> None:
    """Measure, print."""
    counts = _counts(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="llmos-bench-") as scratch:
        report = asyncio.run(measured(Path(scratch), counts, _tell))
    sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")


def _counts(arguments: Sequence[str]) -> Counts:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.discord", description=__doc__)
    for field in fields(Counts):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default
        )
    return Counts(**vars(parser.parse_args(arguments)))


def _tell(doing: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{doing:<40}")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
