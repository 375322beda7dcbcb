"""What was said while we were not listening, from the history of each channel.

A session that is resumed misses nothing; after every new one, gaps are filled from a cursor for each channel.
A channel that has none begins when the bot came to Discord, or with its own creation if that is later.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from bot.adapters.discord.calls import PAGE, Calls
from bot.adapters.discord.snowflakes import newest, snowflake
from bot.adapters.reading import Json, integer, tables
from bot.core.errors import Forbidden, Gone

START = "start"
"""The cursor that says when the bot first came."""

MOST_PAGES = 50
MOST_CHANNELS = 500

_TEXTS = frozenset({0, 2, 5, 10, 11, 12, 13})
"""Channels and threads with messages (Discord, "Channel Types")."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """A channel in which something was said behind a cursor."""

    channel_id: str
    after: str
    last: str


class Cursors:
    """How far each channel was read: the id of its newest message."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known

    @property
    def start(self) -> str:
        """When the bot first came."""
        return self._known.get(START, "0")

    @property
    def private(self) -> Sequence[str]:
        """Ids of private conversations, newest first; no guild tells of them."""
        dms = [scope.removeprefix("dm:") for scope in self._known if scope.startswith("dm:")]
        return sorted(dms, key=lambda id: int(self._known[f"dm:{id}"]), reverse=True)

    def of(self, channel_id: str, *, private: bool = False) -> str:
        """What was read last in a channel."""
        known = self._known.get(_scope(channel_id, private))
        return known if known is not None else newest(self.start, channel_id)

    def advance(self, channel_id: str, message_id: str, *, private: bool = False) -> dict[str, str]:
        """A message was read; the cursor that is true now, as `Batch` wants it."""
        scope = _scope(channel_id, private)
        self._known[scope] = newest(self._known.get(scope, "0"), message_id)
        return {scope: self._known[scope]}


def _scope(channel_id: str, private: bool) -> str:
    return f"dm:{channel_id}" if private else channel_id


def gaps(guild: Json, cursors: Cursors) -> Sequence[Gap]:
    """Channels of a guild, as GUILD_CREATE tells of them, in which we missed something; newest first."""
    found: list[Gap] = []
    for about in (*tables(guild, "channels"), *tables(guild, "threads")):
        channel_id, last = snowflake(about, "id"), snowflake(about, "last_message_id")
        if channel_id is None or last is None or integer(about, "type") not in _TEXTS:
            continue
        after = cursors.of(channel_id)
        if int(last) > int(after):
            found.append(Gap(channel_id, after, last))
    found.sort(key=lambda gap: int(gap.last), reverse=True)
    if len(found) > MOST_CHANNELS:
        _log.warning("%s channels have gaps, only the newest %s are read", len(found), MOST_CHANNELS)
    return found[:MOST_CHANNELS]


async def pages(calls: Calls, channel_id: str, after: str) -> AsyncIterator[Sequence[Json]]:
    """The messages of a channel behind an id, oldest first, a page at a time."""
    for _page in range(MOST_PAGES):
        try:
            found = await calls.messages_after(channel_id, after)
        except (Forbidden, Gone) as error:
            _log.info("a gap cannot be read: %s", error, extra={"channel": channel_id})
            return
        if found:
            yield found
        ids = [id for each in found if (id := snowflake(each, "id")) is not None]
        if len(found) < PAGE or not ids:
            return
        after = newest(*ids)
    _log.warning("a gap was too long, its end is left out", extra={"channel": channel_id})
