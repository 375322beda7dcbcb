"""Our bot as `llmos run` starts it, telling when the decision about each message is durable."""

import asyncio
import gc
import sys
from pathlib import Path

from bot.app import opened
from bot.cli import GARBAGE_THRESHOLD
from bot.cli.platforms import adapters_for
from bot.config import load
from bot.core.events import Encrypted, Event, Message
from bot.web.metrics import Metrics
from tests.bench.programs import tell


class Telling(Metrics):
    """Tells of each decided message, by the id of the event that brought it."""

    def decided(self, event: Event, seconds: float) -> None:
        """See `Metrics`; called when the transaction with the decision is committed."""
        if isinstance(event, Message | Encrypted):
            tell(event.id if isinstance(event, Encrypted) else event.ref.id)
        super().decided(event, seconds)


def command(config: Path) -> tuple[str, ...]:
    """How it is started."""
    return (__name__, str(config))


async def main(config: Path) -> None:
    settings = load(config)
    gc.set_threshold(GARBAGE_THRESHOLD)
    async with opened(settings, adapters_for(settings), metrics=Telling()) as app:
        gc.freeze()
        await app.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
