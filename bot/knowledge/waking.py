"""When meanings may be compared, and that what was added without vectors gets them."""

import asyncio
import logging

from bot.knowledge.index import Index

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""A question waits so long for the language model to be loaded; then words alone are compared."""


class Waking:
    """Lets the model that compares meanings come second: two that load at once import the same libraries."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._needed, self._may_load = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """The language model is loaded: wait until somebody asks, and catch up."""
        self._may_load.set()
        await self._needed.wait()
        self._index.unread.clear()
        if read := await self._index.complete():
            log.info("passages were read by the model that compares meanings", extra={"rows": read})

    async def keep(self) -> None:
        """As `run`, and again whenever something was added without vectors."""
        while True:
            await self.run()
            await self._index.unread.wait()

    async def ready(self) -> bool:
        """Something is looked for: whether meanings may be compared, which loads their model too."""
        self._needed.set()
        if self._index.embedder is None or self._may_load.is_set():
            return True
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._may_load.wait()
        except TimeoutError:
            log.info("the language model is still loading; words alone are compared")
        return self._may_load.is_set()
