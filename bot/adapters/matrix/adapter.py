"""One account on a Matrix homeserver."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.adapters.adapter import Adapter, Batch, Cursors
from bot.adapters.matrix.account import Account
from bot.adapters.matrix.calls import Calls
from bot.adapters.matrix.decoding import Malformed, attachments, decode_decrypted
from bot.adapters.matrix.directory import MatrixDirectory
from bot.adapters.matrix.doors import Doors
from bot.adapters.matrix.encryption.errors import Undecipherable
from bot.adapters.matrix.envelope import Envelope
from bot.adapters.matrix.frame import MESSAGE_BYTES
from bot.adapters.matrix.media import fetched
from bot.adapters.matrix.relations import Relations
from bot.adapters.matrix.rights import Rights
from bot.adapters.matrix.rooms import PLATFORM, Rooms
from bot.adapters.matrix.sending import Sender
from bot.adapters.matrix.settings import Settings
from bot.adapters.matrix.sync import Sync
from bot.adapters.reading import parse
from bot.core.actions import Action, Receipt, Report, no_report
from bot.core.events import Attachment, Encrypted, MessageRef, Readable

if TYPE_CHECKING:  # without encryption its packages are not needed
    from bot.adapters.matrix.encryption.encryption import Encryption

_ANEW_S = 5.0

_log = logging.getLogger(__name__)


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
        self._now = now
        self._account = Account(settings)
        self._rooms, self._relations = Rooms(self._account), Relations(self._account)
        self._encryption = _encryption(self._account, settings)
        calls, self._doors = Calls(self._account), Doors(self._account, settings)
        self._calls = calls
        self.directory = MatrixDirectory(calls, self._rooms, settings, self._encryption, now=now)
        self._sender = Sender(
            calls, self._rooms, settings, self._encryption, message_bytes=message_bytes, now=now
        )
        self._rights = Rights(calls)
        self._sync = Sync(
            self._account,
            self._rooms,
            self._doors,
            self._relations,
            self._encryption,
            now,
            rights_changed=self._rights.changed,
        )

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        """See `Adapter`."""
        # an asynchronous generator may not hold a TaskGroup: it could be left in another task
        chores = {"mutes": self._sender.mutes.keep, "doors": self._doors.keep}
        if self._encryption is not None:
            chores["keys"] = self._encryption.keep
        keeping = [asyncio.create_task(_kept(name, chore), name=name) for name, chore in chores.items()]
        try:
            async for batch in self._sync.batches(since):
                yield batch
        finally:
            for task in keeping:
                task.cancel()

    async def open(self, event: Encrypted) -> Readable | None:
        """See `Adapter`."""
        room = await self._rooms.get(event.channel.id)
        envelope, user_id = Envelope(room, self._encryption), self._account.user_id
        try:
            raw = await envelope.open(parse(event.raw.encode()))
            about = await self._relations.about(raw, room.id)
            return decode_decrypted(raw, room, user_id, about, self._now())
        except (Malformed, Undecipherable) as error:
            _log.warning("an encrypted event cannot be understood: %s", error, extra={"channel": room.id})
            return None

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        """See `Adapter`."""
        return await self._sender.perform(action, key, resume, report)

    async def lacking(self, action: Action) -> str | None:
        """See `Adapter`."""
        return await self._rights.lacking(action)

    async def rights_changed(self) -> None:
        """See `Adapter`."""
        await self._rights.news.wait()

    async def fetch(self, attachment: Attachment, most_bytes: int) -> bytes:
        """See `Adapter`."""
        return await fetched(self._account, attachment, most_bytes)

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """See `Adapter`."""
        room = await self._rooms.get(ref.channel.id)
        raw = await self._calls.event(room.id, ref.id)
        try:
            return attachments(await Envelope(room, self._encryption).open(raw))
        except (Malformed, Undecipherable) as error:
            _log.warning("an event cannot be understood: %s", error, extra={"channel": room.id})
            return ()

    async def close(self) -> None:
        """See `Adapter`."""
        await self._sender.close()
        if self._encryption is not None:
            await self._encryption.close()
        await self._account.close()


async def _kept(name: str, chore: Callable[[], Awaitable[None]]) -> None:
    """Do a chore for as long as the bot runs."""
    while True:
        try:
            return await chore()
        except Exception:  # noqa: BLE001 - one adapter's reconnect: nobody else would notice that it ended
            _log.exception("%s: this broke, and begins anew", name)
            await asyncio.sleep(_ANEW_S)


def _encryption(account: Account, settings: Settings) -> "Encryption | None":
    if not settings.encryption:
        return None
    from bot.adapters.matrix.encryption.encryption import Encryption  # noqa: PLC0415 - it takes its packages

    return Encryption(account, settings.folder)
