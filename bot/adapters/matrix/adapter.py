"""One account on a Matrix homeserver."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from bot.adapters.adapter import Adapter, Batch, Cursors
from bot.adapters.matrix.account import Account
from bot.adapters.matrix.calls import Calls
from bot.adapters.matrix.directory import MatrixDirectory
from bot.adapters.matrix.doors import Doors
from bot.adapters.matrix.frame import MESSAGE_BYTES
from bot.adapters.matrix.rooms import PLATFORM, Rooms
from bot.adapters.matrix.sending import Sender
from bot.adapters.matrix.settings import Settings
from bot.adapters.matrix.sync import Sync
from bot.core.actions import Action, Receipt, Report, no_report


class MatrixAdapter(Adapter):
    """See `Adapter`; nothing is connected before the first question, action or event."""

    def __init__(
        self,
        settings: Settings,
        *,
        message_bytes: int = MESSAGE_BYTES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.platform = PLATFORM
        self._account = Account(settings)
        rooms, calls = Rooms(self._account), Calls(self._account)
        self.directory = MatrixDirectory(calls, rooms, settings, now=now)
        self._sender = Sender(calls, rooms, settings, message_bytes=message_bytes, now=now)
        self._sync = Sync(self._account, rooms, Doors(self._account, settings), now)

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        """See `Adapter`."""
        # an asynchronous generator may not hold a TaskGroup: it could be left in another task
        keeping = asyncio.create_task(self._sender.mutes.keep(), name="mutes")
        try:
            async for batch in self._sync.batches(since):
                yield batch
        finally:
            keeping.cancel()

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        """See `Adapter`."""
        return await self._sender.perform(action, key, resume, report)

    async def close(self) -> None:
        """See `Adapter`."""
        await self._sender.close()
        await self._account.close()
