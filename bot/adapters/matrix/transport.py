"""The messages of one answer in one room."""

import asyncio
import itertools
import json
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from hashlib import blake2b

from bot.adapters.delivery import Sent
from bot.adapters.matrix.calls import Calls
from bot.adapters.matrix.decoding import ENCRYPTED
from bot.adapters.matrix.encryption.errors import Undecipherable
from bot.adapters.matrix.encryption.files import encrypted
from bot.adapters.matrix.envelope import Envelope
from bot.adapters.matrix.frame import KEY, MESSAGE_BYTES, Frame, replacement, text_length
from bot.adapters.reading import Json, table
from bot.core.actions import File
from bot.core.below import Below
from bot.core.errors import Gone, Locked

_AT_ONCE_CHARS = 500  # Markdown of this length is rendered in a millisecond
_PAGES = 5
_PAGE = 100
"""How far back a message is looked for: 500 messages of our own."""

_edits = itertools.count()
_process = secrets.token_hex(4)  # an edit is new even if an earlier process made the same


class RoomTransport:
    """See `bot.adapters.delivery.Transport`."""

    buttons = cards = False

    def __init__(
        self,
        calls: Calls,
        executor: Executor,
        room_id: str,
        frame: Frame,
        envelope: Envelope,
        limit: int = MESSAGE_BYTES,
    ) -> None:
        self._calls, self._executor, self._room_id = calls, executor, room_id
        self._envelope, self._frame = envelope, replace(frame, event_bytes=envelope.event_bytes)
        self.limit = limit

    def length(self, text: str) -> int:
        """Bytes in an event."""
        return text_length(text)

    async def send(self, text: str, part: int, key: str, below: Below) -> Sent:
        """See `Transport`."""
        content = await self._made(text, lambda: self._frame.new(text, part, key))
        return Sent(await self._send(content, key))

    async def attach(self, file: File, key: str) -> str:
        """See `bot.adapters.attaching.Attach`."""
        found = await self.find(0, key)
        if found is not None:
            return found
        content = file.content
        if self._envelope.encrypted:
            sealed, about = await asyncio.to_thread(encrypted, content)
            address = await self._calls.upload(sealed, "application/octet-stream")
            where: Json = {"file": {**about, "url": address}}
        else:
            where = {"url": await self._calls.upload(content, file.media_type)}
        return await self._send(self._frame.attachment(file, len(content), where, key), key)

    async def find(self, part: int, key: str) -> str | None:
        """See `Transport`; what was redacted has lost its key."""
        ours = {"senders": [self._calls.user_id], "types": ["m.room.message", ENCRYPTED]}
        query = {"dir": "b", "limit": str(_PAGE), "filter": json.dumps(ours)}
        for _page in range(_PAGES):
            events, end = await self._calls.page(self._room_id, query)
            for event in events:
                if table(event, "content").get(KEY) == key and event.get("sender") == self._calls.user_id:
                    return str(event.get("event_id"))
            if end is None:
                break
            query["from"] = end
        return None

    async def edit(self, message_id: str, text: str, below: Below) -> None:
        """See `Transport`. Servers take an edit of a redacted message silently, so we look first."""
        event = await self._calls.event(self._room_id, message_id)
        if event.get("sender") != self._calls.user_id:
            raise Gone(f"{message_id} is no message of ours")
        original = await self._original(event)
        content = await self._made(
            text, lambda: replacement(text, message_id, original, self._frame.event_bytes)
        )
        await self._send(content, f"e{_process}.{next(_edits)}")

    async def delete(self, message_id: str) -> None:
        """See `Transport`."""
        key = "d" + blake2b(message_id.encode(), digest_size=9).hexdigest()
        await self._calls.redact(self._room_id, message_id, key)

    async def _send(self, content: Json, key: str) -> str:
        kind, content = await self._envelope.close("m.room.message", content)
        return await self._calls.send(self._room_id, kind, content, key)

    async def _original(self, event: Json) -> Json:
        """The content of our own message; without the keys of an earlier life we do not know it any more."""
        try:
            return table(await self._envelope.open(event), "content")
        except (Locked, Undecipherable):
            return {}

    async def _made(self, text: str, make: Callable[[], Json]) -> Json:
        if len(text) <= _AT_ONCE_CHARS:
            return make()
        return await asyncio.get_running_loop().run_in_executor(self._executor, make)
