"""A process that writes as the pipeline does and says what it was told is durable; run by tests that end it.

    python -m tests.storage.scribe FOLDER [BATCHES]

Four producers write batches of events until they are killed, fail, or have written BATCHES each. Each line on
stdout is a batch that is durable. An error of ours is a sentence on stderr and exit code 1, as for `llmos`.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from bot.core.actions import Post
from bot.core.errors import BotError
from bot.core.events import Channel
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import message
from tests.storage.house import PLATFORM, Clock, Place

PRODUCERS, BATCH = 4, 16


def channel(producer: int) -> Channel:
    """Where a producer writes."""
    return Channel(PLATFORM, "home", f"producer {producer}")


async def main(place: Place, batches: int | None) -> None:
    """Write; continues after what the inbox already has."""
    store = await place.open(Clock())
    try:
        done = await store.inbox.cursors(PLATFORM)
        async with asyncio.TaskGroup() as tasks:
            for producer in range(PRODUCERS):
                tasks.create_task(_produce(store, producer, int(done.get(str(producer), "0")), batches))
    finally:
        await store.close()


async def _produce(store: Store, producer: int, first: int, batches: int | None) -> None:
    place = channel(producer)
    for batch in count(first) if batches is None else range(first, batches):
        events = [
            message(f"text {batch} {n}", id=f"{batch}.{n}", channel=place, to_us=True) for n in range(BATCH)
        ]
        await store.inbox.take(PLATFORM, events, {str(producer): str(batch)})
        await store.settle(
            Settlement(
                handled=tuple(event.key for event in events),
                messages=tuple((event, "opened") for event in events),
                opened=(NewOutboxRow(f"{producer}.{batch}", place, action=Post(place, "done")),),
                finished=(f"{producer}.{batch - 1}",),
            )
        )
        sys.stdout.write(f"{producer} {batch}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main(Place(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else None))
    except* BotError as errors:
        found: BaseException = errors
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        sys.stderr.write(f"llmos: {found}\n")
        sys.exit(1)
