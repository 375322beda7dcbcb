"""What moderators have done to a room: purges, pins, locks; and bans that are lifted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import blake2b

from bot.adapters.matrix.calls import PINNED, Calls
from bot.adapters.matrix.locks import Locks
from bot.core.actions import Archive, Lock, Pin, Purge, SlowMode, Unban
from bot.core.errors import Gone, Unsupported

_MOST_PURGES = 100  # whose progress is remembered


class Moderating:
    """Changes rooms in the name of moderators.

    Args:
        count: waits until the account's budget has room for an event that is in no hurry.
    """

    def __init__(self, calls: Calls, count: Callable[[], Awaitable[None]]) -> None:
        self._calls, self._count = calls, count
        self._locks = Locks(calls)
        self._pinning = asyncio.Lock()
        self._purged: dict[str, int] = {}

    async def act(self, action: Purge | Pin | Lock | SlowMode | Archive | Unban, key: str) -> None:
        """Carry out one action; once more does no harm."""
        match action:
            case Purge():
                await self._purge(action, key)
            case Pin():
                async with self._pinning:
                    await self._pin(action)
            case Lock(channel=channel) if channel.thread is not None:
                raise Unsupported("Matrix locks rooms, not threads in them")
            case Lock(channel=channel, locked=True):
                await self._locks.lock(channel.id)
            case Lock(channel=channel):
                await self._locks.unlock(channel.id)
            case Unban(channel=channel, author=author):
                if await self._calls.membership(channel.id, author.id) == "ban":
                    await self._calls.remove("unban", channel.id, author.id, action.reason)
            case SlowMode():
                raise Unsupported("Matrix has no slow mode; a lock or a timeout gives a room some rest")
            case Archive():
                raise Unsupported("Matrix has no archive for threads; they stay where they are")

    async def _purge(self, purge: Purge, key: str) -> None:
        """One redaction after the other; what the homeserver refused goes on where it was refused."""
        room_id = purge.channel.id
        while (done := self._purged.get(key, 0)) < len(purge.message_ids):
            message_id = purge.message_ids[done]
            own = blake2b(f"{key}>{message_id}".encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()
            await self._count()
            with suppress(Gone):
                await self._calls.redact(room_id, message_id, own, purge.reason)
            self._note(key, done + 1)
        self._purged.pop(key, None)

    def _note(self, key: str, done: int) -> None:
        self._purged[key] = done
        while len(self._purged) > _MOST_PURGES:
            del self._purged[next(iter(self._purged))]

    async def _pin(self, pin: Pin) -> None:
        room_id = pin.ref.channel.id
        content = await self._calls.state(room_id, PINNED) or {}
        listed = content.get("pinned")
        pinned = list(listed) if isinstance(listed, list) else []
        if (pin.ref.id in pinned) == pin.pinned:
            return
        if pin.pinned:
            await self._calls.event(room_id, pin.ref.id)  # what is not there is not pinned
            pinned.append(pin.ref.id)
        else:
            pinned = [each for each in pinned if each != pin.ref.id]
        await self._calls.set_pinned(room_id, {**content, "pinned": pinned})
