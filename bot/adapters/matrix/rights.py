"""What the bot may do in a room, read from its power levels: no request is ever refused for it."""

import asyncio

from bot.adapters.matrix.calls import PINNED, Calls
from bot.adapters.matrix.powers import Powers
from bot.adapters.matrix.rooms import PLATFORM
from bot.adapters.news import News
from bot.core.actions import (
    Action,
    Archive,
    Ban,
    Delete,
    Hide,
    Kick,
    Lock,
    Moderation,
    Pin,
    Purge,
    SlowMode,
    Timeout,
    Unban,
    target_of,
)
from bot.core.errors import Forbidden, Gone
from bot.core.text import _

_FRESH_S = 5.0  # many actions may wait for the same power, and all look at once
_REDACTION = "m.room.redaction"
_LEVELS = "m.room.power_levels"


class Rights:
    """Our power in rooms."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._one = asyncio.Lock()
        self._known: dict[str, tuple[float, Powers]] = {}
        self.news = News()

    def changed(self) -> None:
        """Power levels of some room are others now."""
        self._known.clear()
        self.news.tell()

    async def lacking(self, action: Action) -> str | None:
        """See `Adapter.lacking`; only moderation is looked at."""
        if not isinstance(action, Moderation):
            return None
        channel = target_of(action)
        if channel.platform != PLATFORM:
            return None
        try:
            powers = await self._powers(channel.id)
        except (Forbidden, Gone):
            return _("I am not in the room")
        ours = powers.of(self._calls.user_id)
        what, needed = _needed(action, powers)
        if ours < needed:
            return _(
                "it takes power level {needed} ({what}), I have {ours}", needed=needed, what=what, ours=ours
            )
        if isinstance(action, Timeout | Kick | Ban) and powers.of(action.author.id) >= ours:
            theirs = powers.of(action.author.id)
            return _("their power level ({theirs}) is not below mine ({ours})", theirs=theirs, ours=ours)
        return None

    async def _powers(self, room_id: str) -> Powers:
        async with self._one:
            now = asyncio.get_running_loop().time()
            self._known = {room: seen for room, seen in self._known.items() if now - seen[0] < _FRESH_S}
            if room_id not in self._known:
                if await self._calls.membership(room_id, self._calls.user_id) != "join":
                    raise Gone("not in the room any more")  # its state is shown as it was when we left
                self._known[room_id] = now, await self._calls.powers(room_id)
            return self._known[room_id][1]


def _needed(action: Moderation, powers: Powers) -> tuple[str, int]:
    """What an action takes: its name in the room's power levels, and the level."""
    match action:
        case Delete() | Hide() | Purge():
            own = powers.to_send(_REDACTION)
            return ("redact", powers.to("redact")) if powers.to("redact") >= own else (_REDACTION, own)
        case Timeout() | Lock() | SlowMode() | Archive():
            return _LEVELS, powers.to_send(_LEVELS, state=True)
        case Kick():
            return "kick", powers.to("kick")
        case Ban():
            return "ban", powers.to("ban")
        case Unban():  # it takes both (specification, "m.room.power_levels")
            return max(("ban", powers.to("ban")), ("kick", powers.to("kick")), key=lambda each: each[1])
        case Pin():
            return PINNED, powers.to_send(PINNED, state=True)
