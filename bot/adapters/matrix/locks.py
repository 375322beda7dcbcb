"""Rooms in which only moderators may write: the level that messages take is raised, and set back as it was.

What it was is written down on the homeserver, beside our account, so that it survives a restart.
"""

import asyncio
from collections.abc import Mapping

from bot.adapters.matrix.calls import Calls
from bot.adapters.reading import Json, integer, table
from bot.core.errors import Forbidden

KIND = "org.llmos.locks"
"""Account data: room -> {"events_default": level or null, "events": {type: level}}, as before the lock."""

LOCKED = 50
"""The level of moderators (specification, "m.room.power_levels": redacting, kicking and banning)."""

_WRITTEN = ("m.room.message", "m.room.encrypted", "m.sticker", "m.poll.start")
"""What members write; a room may give these levels of their own."""


class Locks:
    """The locked rooms."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._one = asyncio.Lock()

    async def lock(self, room_id: str) -> None:
        """Raise the level.

        Raises:
            Forbidden: our power level does not suffice.
        """
        async with self._one:
            powers = await self._calls.powers(room_id)
            content = dict(powers.content or {})
            needed = max(powers.to_send("m.room.power_levels", state=True), LOCKED)
            if powers.of(self._calls.user_id) < needed:
                raise Forbidden(f"locking takes the power level {needed}")
            events = table(content, "events")
            low = {kind: events[kind] for kind in _WRITTEN if kind in events and _below(events, kind)}
            noted = await self._calls.account_data(KIND)
            if room_id not in noted:
                before: Json = {"events_default": content.get("events_default"), "events": low}
                await self._calls.set_account_data(KIND, {**noted, room_id: before})
            default = content.get("events_default") if not _below(content, "events_default") else LOCKED
            changed = {
                **content,
                "events_default": default,
                "events": {**events, **dict.fromkeys(low, LOCKED)},
            }
            if changed != content:
                await self._calls.set_powers(room_id, changed)

    async def unlock(self, room_id: str) -> None:
        """Set back what is still as the lock left it; what a moderator changed meanwhile stays.

        Raises:
            Forbidden: our power level does not suffice.
        """
        async with self._one:
            noted = await self._calls.account_data(KIND)
            if room_id not in noted:
                return
            before, content = table(noted, room_id), (await self._calls.powers(room_id)).content or {}
            events = dict(table(content, "events"))
            for kind, level in table(before, "events").items():
                if events.get(kind) == LOCKED:
                    events[kind] = level
            changed = {**content, "events": events} if "events" in content else dict(content)
            if content.get("events_default") == LOCKED:
                if (level := before.get("events_default")) is None:
                    changed.pop("events_default", None)
                else:
                    changed["events_default"] = level
            if changed != content:
                await self._calls.set_powers(room_id, changed)
            others = {room: each for room, each in noted.items() if room != room_id}
            await self._calls.set_account_data(KIND, others)


def _below(levels: Mapping[str, object], name: str) -> bool:
    level = integer(levels, name)
    return level is None or level < LOCKED
