"""Telling everybody who waits that something may have changed."""

import asyncio


class News:
    """Wakes all who wait for it; whoever comes later waits for the next time."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    def tell(self) -> None:
        """It happened."""
        self._told.set()
        self._told = asyncio.Event()

    async def wait(self) -> None:
        """Return when it happens next."""
        await self._told.wait()
