"""Showing a room that we have read a question and are writing. Nothing depends on it, so it never fails."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress

from bot.adapters.matrix.calls import Calls
from bot.core.errors import PlatformError
from bot.core.events import MessageRef

_PATIENCE_S = 0.2  # an answer that is there sooner needs no sign before it
_TYPING_S = 30.0
_AGAIN_S = 20.0
_FAREWELL_S = 2.0

_log = logging.getLogger(__name__)


class Attention:
    """Read receipts and the typing sign of one account."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._writing: Counter[str] = Counter()

    @asynccontextmanager
    async def on(self, question: MessageRef, *, writes: bool) -> AsyncIterator[None]:
        """Pay attention to a question while it is answered.

        Args:
            writes: show that we write, until the answer is complete.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                room_id, answered = question.channel.id, asyncio.Event()
                tasks.create_task(self._read(question, answered), name="read receipt")
                writing = tasks.create_task(self._write(room_id), name="typing") if writes else None
                try:
                    yield
                finally:
                    answered.set()
                    if writing is not None:
                        writing.cancel()
        except BaseExceptionGroup as group:  # several tasks, but one fault
            raise group.exceptions[0] from None

    async def _read(self, question: MessageRef, answered: asyncio.Event) -> None:
        """A quick answer goes first: the homeserver would be busy with the receipt."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await answered.wait()
        await _try(self._calls.read(question.channel.id, question.id, question.channel.thread))

    async def _write(self, room_id: str) -> None:
        await asyncio.sleep(_PATIENCE_S)
        self._writing[room_id] += 1
        try:
            while True:
                await _try(self._calls.typing(room_id, _TYPING_S))
                await asyncio.sleep(_AGAIN_S)
        finally:
            self._writing[room_id] -= 1
            if not self._writing[room_id]:
                del self._writing[room_id]
                await _try(self._calls.typing(room_id, 0))


async def _try(request: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(_FAREWELL_S):
            await request
    except (PlatformError, TimeoutError) as error:
        _log.debug("not shown: %s", error)
