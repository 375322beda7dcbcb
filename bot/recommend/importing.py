"""Past threads and reactions, read from a platform's own history: bounded, and resumed where it stopped."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.directory import Directory
from bot.core.errors import Forbidden, Gone
from bot.core.events import Channel
from bot.recommend.noting import Noting, Root
from bot.recommend.worth import Recommendations
from bot.storage.store import Store

MOST_EVENTS = 50_000
"""Of one channel in one run; the next run goes on there."""

PAGE_S = 60.0
"""How long a platform may take for a page."""

POSITION = "recommend.imported"
"""The setting of a channel that keeps how far its history was read."""

_FROM_HISTORY = "ignored:not-addressed"
"""What becomes of a message that was said before: it was talk between members."""

_ROOTS = 5_000
"""Messages with which a thread may begin that are remembered from page to page."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How far it is.

    Attributes:
        done, of: channels that were read, and all.
        events: messages, reactions and threads that were read.
        threads, touches: what was learned from them.
        left_out: channels whose history the bot may not read.
        cut: channels of which more is left for the next run.
    """

    of: int
    done: int = 0
    events: int = 0
    threads: int = 0
    touches: int = 0
    left_out: int = 0
    cut: int = 0


class Importing:
    """Reads the past of channels into a community's threads."""

    def __init__(
        self, store: Store, directory: Directory, noting: Noting, recommendations: Recommendations
    ) -> None:
        self._store, self._directory = store, directory
        self._noting, self._recommendations = noting, recommendations

    async def read(self, channels: Sequence[Channel], since: datetime) -> AsyncIterator[Imported]:
        """Read the history of channels since a time; what was read before is not read again.

        Yields:
            How far it is, after every page.

        Raises:
            PlatformError: the platform failed; calling again goes on behind the last page.
        """
        told = Imported(len(channels))
        yield told
        for channel in channels:
            try:
                async for further in self._channel(channel, since, told):
                    yield (told := further)
            except (Forbidden, Gone):
                told = replace(told, left_out=told.left_out + 1)
            told = replace(told, done=told.done + 1)
            yield told

    async def _channel(self, channel: Channel, since: datetime, told: Imported) -> AsyncIterator[Imported]:
        roots: dict[str, Root] = {}
        read = 0
        position = self._store.policies.get(channel.key).get(POSITION, "")
        pages = self._directory.happened(channel, since, position)
        while True:
            async with asyncio.timeout(PAGE_S):
                page = await anext(pages, None)
            if page is None:
                return
            noted = await self._noting.note([(event, _FROM_HISTORY) for event in page.events], roots)
            await self._store.threads.write(noted)
            await self._recommendations.fold(noted)
            if page.position:
                await self._store.policies.set(channel.key, POSITION, page.position)
            while len(roots) > _ROOTS:
                del roots[next(iter(roots))]
            read += len(page.events)
            told = replace(
                told,
                events=told.events + len(page.events),
                threads=told.threads + len(noted.threads),
                touches=told.touches + len(noted.touched),
            )
            yield told
            if read >= MOST_EVENTS:
                yield replace(told, cut=told.cut + 1)
                return
