"""Where things happen: guilds, channels and threads by the ids that Discord's events carry."""

from bot.adapters.discord.calls import Calls
from bot.adapters.discord.snowflakes import snowflake
from bot.adapters.reading import Json, integer
from bot.core.errors import Forbidden, Gone
from bot.core.events import Channel

PLATFORM = "discord"

PRIVATE_THREAD = 12
THREADS = frozenset({10, 11, PRIVATE_THREAD})
"""Announcement, public and private threads (Discord, "Channel Types")."""

_PRIVATE = frozenset({1, 3})
_REMEMBERED = 50_000


class Places:
    """Knows which channel a thread hangs on; what no guild told us of is asked once."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: dict[str, Channel] = {}

    def learn(self, about: Json, guild_id: str | None) -> Channel | None:
        """Take in a channel or thread object; the place it is."""
        place = place_of(about, snowflake(about, "guild_id") or guild_id)
        if place is not None:
            while len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[id_of(place)] = place
        return place

    def forget(self, channel_id: str) -> None:
        """It was deleted."""
        self._known.pop(channel_id, None)

    def knows(self, channel_id: str | None, guild_id: str | None) -> bool:
        """Whether `get` need not ask Discord."""
        return guild_id is None or channel_id in self._known

    async def get(self, channel_id: str, guild_id: str | None) -> Channel | None:
        """The place with an id, or None where we may not look.

        Args:
            guild_id: None in a private conversation, whose events name no guild.
        """
        if guild_id is None:
            return Channel(PLATFORM, channel_id, channel_id, private=True)
        if channel_id not in self._known:
            try:
                self.learn(await self._calls.channel(channel_id), guild_id)
            except (Forbidden, Gone):
                return None
        return self._known.get(channel_id)


def id_of(place: Channel) -> str:
    """The id by which Discord calls a place: a thread is a channel there."""
    return place.id if place.thread is None else place.thread


def place_of(about: Json, guild_id: str | None) -> Channel | None:
    """The place that a channel or thread object is."""
    channel_id, parent = snowflake(about, "id"), snowflake(about, "parent_id")
    if channel_id is None:
        return None
    if integer(about, "type") in _PRIVATE or guild_id is None:
        return Channel(PLATFORM, channel_id, channel_id, private=True)
    if integer(about, "type") in THREADS and parent is not None:
        hidden = integer(about, "type") == PRIVATE_THREAD
        return Channel(PLATFORM, guild_id, parent, channel_id, hidden=hidden)
    return Channel(PLATFORM, guild_id, channel_id)
