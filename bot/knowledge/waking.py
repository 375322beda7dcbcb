"""The model that compares meanings, loaded when somebody first asks: no start waits for it."""

import asyncio
import logging
from collections.abc import Callable

from bot.knowledge.index import Embedding, Index

log = logging.getLogger(__name__)

PATIENCE_S = 10.0
"""A question waits so long for a model that is being loaded; then words alone are compared."""

Load = Callable[[], Embedding | None]
"""Takes seconds, so it is called in a thread; None where the model is not here."""


class Waking:
    """Loads the model once, and lets it read what was added without it."""

    def __init__(self, index: Index, load: Load | None) -> None:
        """Args: load: None where words alone are compared."""
        self._index, self._load = index, load
        self._needed, self._ready = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Wait until somebody asks, load it, and catch up."""
        if self._load is None:
            return
        await self._needed.wait()
        embedder = await asyncio.to_thread(self._load)
        if embedder is None:
            self._ready.set()
            return
        if await self._index.passages.without_vectors(0, 1):  # nobody waits for all of them to be read
            self._ready.set()
        read = await self._index.understand(embedder)
        self._ready.set()
        log.info("meanings are compared from now on", extra={"rows": read})

    async def ready(self) -> None:
        """Something is looked for: wait for the model, but not for ever."""
        self._needed.set()
        if self._load is None or self._ready.is_set():
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._ready.wait()
        except TimeoutError:
            log.info("the model that compares meanings is still loading; words alone are compared")
