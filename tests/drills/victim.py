"""A bot to be killed: `python -m tests.drills.victim PORT FOLDER` serves the world on a port."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

from bot.adapters.adapter import Batch, Cursors
from bot.adapters.memory import MemoryAdapter
from bot.adapters.wire import RemoteWorld
from bot.app import opened
from bot.config import Config
from bot.config.sections import Bot, Metrics, Storage
from bot.core.actions import Severity
from bot.llm.echo import EchoModel, Script
from bot.moderation.examined import Examined
from bot.moderation.judge import Judge
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Finding, Rule

SPAM = "spam"


class RemoveSpam(Rule):
    """Every message with the word is removed."""

    bursts: ClassVar[bool] = True  # it would be stopped after sixty a minute
    action: ActionName = Severity.DELETE

    def check(self, seen: Examined, past: Past) -> Finding | None:
        return Finding(1.0) if SPAM in seen.message.text else None


class Announcing(MemoryAdapter):
    """Says on stdout when its first cursor is stored: from then on nothing may be lost."""

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        if since:
            announce()
        async for batch in super().events(since):
            yield batch
            if not since:
                announce()
                since = batch.cursors


def announce() -> None:
    sys.stdout.write("listening\n")
    sys.stdout.flush()


async def main(port: int, folder: Path) -> None:
    config = Config(
        bot=Bot(data_dir=folder, name="llmos"),
        storage=Storage(url=f"sqlite:///{folder}/llmos.db"),
        metrics=Metrics(listen=""),
    )
    models = {"echo": EchoModel(Script(delay_s=0.01))}
    adapter = Announcing(RemoteWorld(port))
    async with opened(config, [adapter], models=models, judge=Judge([RemoveSpam(name="remove-spam")])) as app:
        await app.run()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
