"""Our bot as `llmos run` starts it, with a model or a rule of the benchmark, telling what it alone knows."""

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from bot.app import opened
from bot.cli import GARBAGE_THRESHOLD
from bot.cli.platforms import adapters_for
from bot.config import load
from bot.core.actions import Severity
from bot.core.events import Event, Message
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Limits, Piece, Turn
from bot.moderation.judge import Judge
from bot.moderation.rules.words import Words
from bot.web.metrics import Metrics
from tests.bench.programs import tell

WORDS = tuple(f"forbidden{number}" for number in range(50))

_WORDS_A_SECOND = 10


class Telling(Metrics):
    """Tells when the decision about each message is durable."""

    def decided(self, event: Event, seconds: float) -> None:
        """See `Metrics`."""
        if isinstance(event, Message):
            tell(event.ref.id)
        super().decided(event, seconds)


class Slow(EchoModel):
    """Repeats the question and adds words for as long as it is told to; tells when it begins and ends."""

    def __init__(self, seconds: float) -> None:
        super().__init__(lambda turns: Script(answer(asked(turns), seconds), 1 / _WORDS_A_SECOND))

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """See `Model`."""
        name = asked(turns)
        tell(f"begin:{name}")
        async for piece in super().stream(turns, limits):
            yield piece
        tell(f"end:{name}")


def asked(turns: Sequence[Turn]) -> str:
    """The word by which a question is known."""
    return turns[-1].text.split()[-1]


def answer(name: str, seconds: float) -> str:
    """What the slow model says to it."""
    return " ".join((name, *(f"{name}.{n}" for n in range(1, round(seconds * _WORDS_A_SECOND)))))


def command(config: Path, *, seconds: float = 0, tells: bool = False) -> tuple[str, ...]:
    """How it is started.

    Args:
        seconds: for which the model writes each answer; 0 is an echo that takes no time.
        tells: when each decision is durable.
    """
    return (__name__, str(config), str(seconds), "tells" if tells else "")


async def main(config: Path, seconds: float, tells: bool) -> None:
    settings = load(config)
    models = {"echo": Slow(seconds) if seconds else EchoModel()}
    judge, metrics = (
        Judge([Words(name="words", words=WORDS, action=Severity.QUEUE)]),
        Telling() if tells else Metrics(),
    )
    made = opened(settings, adapters_for(settings), models=models, judge=judge, metrics=metrics)
    gc.set_threshold(GARBAGE_THRESHOLD)
    async with made as app:
        gc.freeze()
        await app.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), bool(sys.argv[3])))
