"""Members who may not write for a while: their power level is lowered, and given back when the time is over.

When it ends is written down on the homeserver, beside our account, so that it also ends after a restart.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.adapters.matrix.calls import Calls
from bot.adapters.matrix.powers import Powers
from bot.adapters.reading import Json, integer, table
from bot.core.errors import Forbidden, Gone, PlatformError

KIND = "org.llmos.mutes"
"""Account data: room -> user -> {"until_ms": Unix time, "level": what they had, "muted": what they got}."""

_RETRY_S = 60.0

_log = logging.getLogger(__name__)


class Mutes:
    """The muted members of all rooms.

    Args:
        now: the clock, in aware UTC datetimes.
    """

    def __init__(self, calls: Calls, now: Callable[[], datetime]) -> None:
        self._calls, self._now = calls, now
        self._one = asyncio.Lock()
        self._changed = asyncio.Event()

    async def mute(self, room_id: str, user_id: str, duration_s: float) -> None:
        """Take away a member's right to write. Somebody muted already is muted until the new end.

        Args:
            duration_s: 0 gives it back now.

        Raises:
            Forbidden: our power level does not suffice.
        """
        if duration_s <= 0:
            await self._end(room_id, user_id)
            return
        async with self._one:
            powers = await self._calls.powers(room_id)
            _allow(powers, self._calls.user_id, user_id)
            noted = await self._calls.account_data(KIND)
            users = table(powers.content, "users")
            muted = min(powers.to_send("m.room.message"), 0) - 1
            before = table(noted, room_id, user_id) or {"level": users.get(user_id), "muted": muted}
            until = self._now() + timedelta(seconds=duration_s)
            entry = before | {"until_ms": int(until.timestamp() * 1000)}
            await self._note(noted, room_id, user_id, entry)
            if powers.of(user_id) > muted:
                content = {**(powers.content or {}), "users": users | {user_id: muted}}
                await self._calls.set_powers(room_id, content)
        self._changed.set()

    async def _end(self, room_id: str, user_id: str) -> None:
        async with self._one:
            noted = await self._calls.account_data(KIND)
            if entry := table(noted, room_id, user_id):
                _allow(await self._calls.powers(room_id), self._calls.user_id, user_id)
                await self._give_back(room_id, user_id, entry)
                await self._note(noted, room_id, user_id, None)

    async def keep(self) -> None:
        """End mutes when their time is over, for as long as the bot runs."""
        while True:
            self._changed.clear()
            try:
                wait_s = await self.release()
            except PlatformError as error:
                _log.warning("mutes cannot be ended now: %s", error)
                wait_s = _RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def release(self) -> float | None:
        """Give back what is due.

        Returns:
            Seconds until the next end; None if nobody is muted.
        """
        async with self._one:
            noted = await self._calls.account_data(KIND)
            now_ms = self._now().timestamp() * 1000
            waits: list[float] = []
            for room_id in noted:
                for user_id in table(noted, room_id):
                    entry = table(noted, room_id, user_id)
                    left_ms = (integer(entry, "until_ms") or 0) - now_ms
                    if left_ms > 0:
                        waits.append(left_ms / 1000)
                        continue
                    await self._give_back(room_id, user_id, entry)
                    noted = await self._note(noted, room_id, user_id, None)
            return min(waits, default=None)

    async def _give_back(self, room_id: str, user_id: str, entry: Json) -> None:
        try:
            powers = await self._calls.powers(room_id)
            users = dict(table(powers.content, "users"))
            if users.get(user_id) != entry.get("muted"):
                return  # a moderator changed it meanwhile
            level = integer(entry, "level")
            if level is None:
                users.pop(user_id, None)
            else:
                users[user_id] = level
            await self._calls.set_powers(room_id, {**(powers.content or {}), "users": users})
        except (Forbidden, Gone) as error:
            _log.warning("%s stays muted in %s: %s", user_id, room_id, error)

    async def _note(self, noted: Json, room_id: str, user_id: str, entry: Json | None) -> Json:
        users = {user: about for user, about in table(noted, room_id).items() if user != user_id}
        if entry is not None:
            users[user_id] = entry
        rooms = {room: about for room, about in noted.items() if room != room_id}
        if users:
            rooms[room_id] = users
        await self._calls.set_account_data(KIND, rooms)
        return rooms


def _allow(powers: Powers, ours: str, theirs: str) -> None:
    needed = powers.to_send("m.room.power_levels", state=True)
    if powers.content is None or powers.of(ours) < needed:
        raise Forbidden(f"muting takes the power level {needed}")
    if powers.of(theirs) >= powers.of(ours):
        raise Forbidden("their power level is not below mine")
