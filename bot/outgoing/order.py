"""Keeping the order of things that happen in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class InOrder:
    """Lets one task at a time into each place, first come first served; idle places take no memory."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        return len(self._places)

    @asynccontextmanager
    async def turn(self, place: str) -> AsyncIterator[None]:
        """Wait for this place's turn, and hold it."""
        lock, waiting = self._places.get(place, (asyncio.Lock(), 0))
        self._places[place] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._places.pop(place)
            if waiting > 1:
                self._places[place] = (lock, waiting - 1)
