"""What moderators have done to a place: purges, pins, locks, slow mode, archives; and bans that are lifted.

A lock takes the right to write from everyone in a channel. What that right was before is written down (0600)
first, so that unlocking gives back exactly that, also after a restart.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot.adapters.discord.calls import Calls, whole_characters
from bot.adapters.discord.places import id_of
from bot.adapters.discord.snowflakes import first_at
from bot.adapters.files import write_private
from bot.adapters.reading import Json, parse, tables, text
from bot.core.actions import Archive, Lock, Pin, Purge, SlowMode, Unban
from bot.core.errors import Gone, Unsupported
from bot.core.events import Channel

LONGEST_REASON = 512
"""Characters of a reason in the audit log (Discord, "Audit Logs")."""

_MOST_AT_ONCE = 100
_BULK_AGE = timedelta(days=14) - timedelta(hours=1)
"""Bulk deletion takes messages younger than 14 days (Discord, "Bulk Delete Messages"); clocks differ."""

_SEND_MESSAGES = 1 << 11
_SLOWEST_S = 21_600
_FOR_ROLES = 0


class Moderating:
    """Changes places in the name of moderators.

    Args:
        file: where locks are written down.
        now: the clock, in aware UTC datetimes.
    """

    def __init__(self, calls: Calls, file: Path, now: Callable[[], datetime]) -> None:
        self._calls, self._file, self._now = calls, file, now
        self._one = asyncio.Lock()

    async def act(self, action: Purge | Pin | Lock | SlowMode | Archive | Unban) -> None:
        """Carry out one action; once more does no harm."""
        reason = short(action.reason)
        match action:
            case Purge(channel=channel, message_ids=ids):
                await self._purge(id_of(channel), ids, reason)
            case Pin(ref=ref, pinned=True):
                await self._calls.pin(id_of(ref.channel), ref.id, reason)
            case Pin(ref=ref):
                await _unless_gone(self._calls.unpin, id_of(ref.channel), ref.id, reason)
            case Lock(channel=channel, locked=locked):
                await self._lock(channel, reason, locked=locked)
            case SlowMode(channel=channel, seconds=seconds):
                change: Json = {"rate_limit_per_user": min(max(seconds, 0), _SLOWEST_S)}
                await self._calls.change_channel(id_of(_of_guild(channel)), change, reason)
            case Archive(channel=channel):
                if channel.thread is None:
                    raise Unsupported("only a thread can be archived")
                await self._calls.change_channel(id_of(channel), {"archived": True}, reason)
            case Unban(channel=channel, author=author):
                await _unless_gone(self._calls.unban, _of_guild(channel).community, author.id, reason)

    async def _purge(self, channel_id: str, ids: tuple[str, ...], reason: str) -> None:
        known = sorted({each for each in ids if each.isascii() and each.isdigit()}, key=int)
        oldest = int(first_at(self._now() - _BULK_AGE))
        old, young = [each for each in known if int(each) < oldest], [e for e in known if int(e) >= oldest]
        for start in range(0, len(young), _MOST_AT_ONCE):
            some = young[start : start + _MOST_AT_ONCE]
            if len(some) == 1:
                old += some
            else:
                await self._calls.delete_many(channel_id, some, reason)
        for each in old:
            await _unless_gone(self._calls.delete, channel_id, each, reason)

    async def _lock(self, channel: Channel, reason: str, *, locked: bool) -> None:
        if channel.thread is not None:
            await self._calls.change_channel(channel.thread, {"locked": locked}, reason)
            return
        everyone = _of_guild(channel).community
        async with self._one:
            before = await self._overwrite(channel.id, everyone)
            noted = await asyncio.to_thread(self._read)
            if locked:
                await self._shut(channel.id, everyone, before, noted, reason)
            else:
                await self._open(channel.id, everyone, before, noted, reason)

    async def _shut(
        self, channel_id: str, everyone: str, before: Json | None, noted: Json, reason: str
    ) -> None:
        allow, deny = _bits(before, "allow"), _bits(before, "deny")
        if channel_id not in noted:
            was = "allow" if allow & _SEND_MESSAGES else "deny" if deny & _SEND_MESSAGES else "none"
            await asyncio.to_thread(self._write, {**noted, channel_id: "absent" if before is None else was})
        if not deny & _SEND_MESSAGES:
            await self._set(channel_id, everyone, allow & ~_SEND_MESSAGES, deny | _SEND_MESSAGES, reason)

    async def _open(
        self, channel_id: str, everyone: str, before: Json | None, noted: Json, reason: str
    ) -> None:
        allow, deny = _bits(before, "allow"), _bits(before, "deny")
        was = text(noted, channel_id)
        if was is None:
            return  # not ours to open, or opened already
        if deny & _SEND_MESSAGES and was != "deny":  # otherwise somebody has changed it, or it was so before
            deny &= ~_SEND_MESSAGES
            allow |= _SEND_MESSAGES if was == "allow" else 0
            if was == "absent" and not allow | deny:
                await self._calls.drop_overwrite(channel_id, everyone, reason)
            else:
                await self._set(channel_id, everyone, allow, deny, reason)
        await asyncio.to_thread(self._write, {key: noted[key] for key in noted if key != channel_id})

    async def _overwrite(self, channel_id: str, everyone: str) -> Json | None:
        found = tables(await self._calls.channel(channel_id), "permission_overwrites")
        return next((each for each in found if text(each, "id") == everyone), None)

    async def _set(self, channel_id: str, everyone: str, allow: int, deny: int, reason: str) -> None:
        body: Json = {"type": _FOR_ROLES, "allow": allow, "deny": deny}
        await self._calls.set_overwrite(channel_id, everyone, body, reason)

    def _read(self) -> Json:
        try:
            return parse(self._file.read_bytes())
        except FileNotFoundError:
            return {}

    def _write(self, noted: Json) -> None:
        write_private(self._file, json.dumps(noted))


def short(reason: str) -> str:
    """A reason as the audit log takes it."""
    return whole_characters(reason)[:LONGEST_REASON]


def _bits(overwrite: Json | None, key: str) -> int:
    written = text(overwrite or {}, key) or ""
    return int(written) if written.isdecimal() else 0


def _of_guild(channel: Channel) -> Channel:
    if channel.private:
        raise Unsupported("a private conversation is nobody's to moderate")
    return channel


async def _unless_gone(call: Callable[..., object], *arguments: str) -> None:
    """What is gone already is as it was wanted."""
    try:
        await call(*arguments)  # type: ignore[misc]
    except Gone:
        return
