"""What was said while we were not listening, from the history of each channel.

A session that is resumed misses nothing; after every new one, gaps are filled from a cursor for each channel.
A channel that has none begins when the bot came to Discord, or with its own creation if that is later.
Gaps are read beside listening, a few at a time: a channel that cannot be read now holds up no other.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from bot.adapters.discord.calls import PAGE, Calls
from bot.adapters.discord.snowflakes import newest, snowflake
from bot.adapters.reading import Json, integer, tables
from bot.core.errors import Forbidden, Gone, PlatformError

START = "start"
"""The cursor that says when the bot first came."""

MOST_PAGES = 50
MOST_CHANNELS = 500

READERS = 4
"""Gaps that are read at the same time."""

_RETRY_S = 2.0
_TRIES = 5

_TEXTS = frozenset({0, 2, 5, 10, 11, 12, 13})
"""Channels and threads with messages (Discord, "Channel Types")."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """A channel in which something was said behind a cursor; `guild_id` is None in a private conversation."""

    channel_id: str
    guild_id: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Missed:
    """A page of what was said in a gap, oldest first; None is its end."""

    gap: Gap
    page: Sequence[Json] | None


class Filling:
    """Reads gaps in the order in which they were found.

    Args:
        tell: given each page, and the end of each gap.
    """

    def __init__(self, calls: Calls, tell: Callable[[Missed], None]) -> None:
        self._calls, self._tell = calls, tell
        self._gaps: asyncio.Queue[Gap] = asyncio.Queue()

    def add(self, gap: Gap) -> None:
        """A gap was found."""
        self._gaps.put_nowait(gap)

    async def keep(self) -> None:
        """Read for as long as the bot runs."""
        async with asyncio.TaskGroup() as readers:
            for number in range(READERS):
                readers.create_task(self._work(), name=f"discord gaps {number}")

    async def _work(self) -> None:
        while True:
            gap = await self._gaps.get()
            try:
                await self._read(gap)
            finally:
                self._tell(Missed(gap, None))

    async def _read(self, gap: Gap) -> None:
        after = gap.after
        for attempt in range(_TRIES):
            try:
                async for page in pages(self._calls, gap.channel_id, after):
                    self._tell(Missed(gap, page))
                    after = newest(after, *(id for each in page if (id := snowflake(each, "id")) is not None))
                return
            except PlatformError as error:
                _log.warning("a gap cannot be read now: %s", error, extra={"channel": gap.channel_id})
            await asyncio.sleep(_RETRY_S * 2**attempt)
        _log.error("a gap stays unread", extra={"channel": gap.channel_id, "after": after})


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
        # a forum post's first message has the id of its thread, so it must come after what was "read"
        return known if known is not None else newest(self.start, str(int(channel_id) - 1))

    def advance(self, channel_id: str, message_id: str, *, private: bool = False) -> dict[str, str]:
        """A message was read; the cursor that is true now, as `Batch` wants it."""
        scope = _scope(channel_id, private)
        self._known[scope] = newest(self._known.get(scope, "0"), message_id)
        return {scope: self._known[scope]}


def _scope(channel_id: str, private: bool) -> str:
    return f"dm:{channel_id}" if private else channel_id


def gaps(guild: Json, cursors: Cursors) -> Sequence[Gap]:
    """Channels of a guild, as GUILD_CREATE tells of them, in which we missed something; newest first."""
    guild_id, found = snowflake(guild, "id"), list[tuple[int, Gap]]()
    for about in (*tables(guild, "channels"), *tables(guild, "threads")):
        channel_id, last = snowflake(about, "id"), snowflake(about, "last_message_id")
        if channel_id is None or last is None or integer(about, "type") not in _TEXTS:
            continue
        after = cursors.of(channel_id)
        if int(last) > int(after):
            found.append((int(last), Gap(channel_id, guild_id, after)))
    found.sort(key=lambda each: each[0], reverse=True)
    if len(found) > MOST_CHANNELS:
        _log.warning("%s channels have gaps, only the newest %s are read", len(found), MOST_CHANNELS)
    return [gap for _last, gap in found[:MOST_CHANNELS]]


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
