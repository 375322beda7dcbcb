"""What the gateway tells, decoded in order, with the gaps of new sessions filled before what comes after."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from bot.adapters.adapter import Batch
from bot.adapters.discord.calls import Calls
from bot.adapters.discord.decoding import (
    Malformed,
    Ourselves,
    deletions,
    edit,
    is_whole,
    message,
    reaction,
    thread_opened,
)
from bot.adapters.discord.gaps import START, Cursors, gaps, pages
from bot.adapters.discord.gateway import MOST_WAITING
from bot.adapters.discord.places import Places
from bot.adapters.discord.snowflakes import first_at, snowflake
from bot.adapters.reading import Json, flag, table, tables
from bot.core.errors import Forbidden, Gone, PlatformError
from bot.core.events import Event, Invocation

_RETRY_S = 2.0
_TRIES = 5

_log = logging.getLogger(__name__)

Arrival = tuple[str, Json] | Invocation | BaseException


class Ear:
    """Hears everything in one queue, and tells it in batches.

    Args:
        now: the clock, in aware UTC datetimes.
    """

    def __init__(self, calls: Calls, places: Places, us: Ourselves, now: Callable[[], datetime]) -> None:
        self._calls, self._places, self._us, self._now = calls, places, us, now
        self._queue: asyncio.Queue[Arrival] = asyncio.Queue()
        self._left_out = False

    def hear(self, kind: str, raw: Json) -> None:
        """The gateway sent an event."""
        if self._queue.qsize() < MOST_WAITING:
            self._queue.put_nowait((kind, raw))
        elif not self._left_out:
            self._left_out = True
            _log.error(
                "the bot does not keep up with Discord; what is left out comes back with the next session"
            )

    def called(self, call: Invocation) -> None:
        """Somebody called a command, and Discord knows that we answer."""
        self._queue.put_nowait(call)

    def broken(self, error: BaseException) -> None:
        """The connection ended for good."""
        self._queue.put_nowait(error)

    async def batches(self, known: dict[str, str]) -> AsyncIterator[Batch]:
        """See `Adapter.events`.

        Raises:
            PlatformError: the connection ended for good.
        """
        cursors = Cursors(known)
        if START not in known:
            known[START] = first_at(self._now())
            yield Batch((), {START: known[START]})
        while True:
            arrival = await self._queue.get()
            if isinstance(arrival, BaseException):
                raise arrival
            if isinstance(arrival, Invocation):
                yield Batch((arrival,))
                continue
            kind, raw = arrival
            async for batch in self._told(kind, raw, cursors):
                yield batch

    async def _told(self, kind: str, raw: Json, cursors: Cursors) -> AsyncIterator[Batch]:
        try:
            match kind:
                case "READY":
                    for channel_id in cursors.private:
                        async for batch in self._missed(
                            channel_id, None, cursors.of(channel_id, private=True), cursors
                        ):
                            yield batch
                case "GUILD_CREATE":
                    async for batch in self._guild(raw, cursors):
                        yield batch
                case "CHANNEL_CREATE" | "CHANNEL_UPDATE":
                    self._places.learn(raw, None)
                case "CHANNEL_DELETE" | "THREAD_DELETE":
                    self._places.forget(snowflake(raw, "id") or "")
                case _:
                    events = await self._events(kind, raw)
                    yield Batch(tuple(events), self._read(kind, raw, cursors))
        except Malformed as error:
            _log.warning("an event cannot be understood: %s", error, extra={"kind": kind})

    async def _guild(self, guild: Json, cursors: Cursors) -> AsyncIterator[Batch]:
        guild_id = snowflake(guild, "id")
        for about in (*tables(guild, "channels"), *tables(guild, "threads")):
            self._places.learn(about, guild_id)
        for role in tables(guild, "roles"):
            if table(role, "tags").get("bot_id") == self._us.user_id:
                self._us.roles.add(snowflake(role, "id") or "")
        for gap in gaps(guild, cursors):
            async for batch in self._missed(gap.channel_id, guild_id, gap.after, cursors):
                yield batch

    async def _missed(
        self, channel_id: str, guild_id: str | None, after: str, cursors: Cursors
    ) -> AsyncIterator[Batch]:
        """The messages of a channel behind an id."""
        for attempt in range(_TRIES):
            try:
                async for page in pages(self._calls, channel_id, after):
                    events: list[Event] = []
                    for raw in page:
                        events += await self._safely("MESSAGE_CREATE", raw, guild_id)
                        after = snowflake(raw, "id") or after
                    yield Batch(tuple(events), cursors.advance(channel_id, after, private=guild_id is None))
                return
            except PlatformError as error:
                _log.warning("a gap cannot be read now: %s", error, extra={"channel": channel_id})
                await asyncio.sleep(_RETRY_S * 2**attempt)

    async def _safely(self, kind: str, raw: Json, guild_id: str | None) -> Sequence[Event]:
        try:
            return await self._events(kind, {**raw, "guild_id": guild_id})
        except Malformed as error:
            _log.warning("a message cannot be understood: %s", error)
            return []

    async def _events(self, kind: str, raw: Json) -> Sequence[Event]:
        """What one event of the gateway means."""
        channel_id = snowflake(raw, "id" if kind == "THREAD_CREATE" else "channel_id")
        if channel_id is None:
            raise Malformed("no channel")
        if kind == "THREAD_CREATE":
            self._places.learn(raw, None)
        place = await self._places.get(channel_id, snowflake(raw, "guild_id"))
        if place is None:
            return []
        found: Event | None = None
        match kind:
            case "MESSAGE_CREATE":
                found = message(raw, place, self._us)
            case "MESSAGE_UPDATE":
                found = edit(await self._whole(raw, channel_id), place, self._us)
            case "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK":
                return deletions(raw, place, self._now())
            case "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE":
                if snowflake(raw, "user_id") != self._us.user_id:
                    found = reaction(raw, place, added=kind.endswith("ADD"), now=self._now())
            case "THREAD_CREATE" if flag(raw, "newly_created"):
                found = thread_opened(raw, place)
        return [] if found is None else [found]

    async def _whole(self, raw: Json, channel_id: str) -> Json:
        """An edited message, asked for where only a part of it was sent."""
        message_id = snowflake(raw, "id")
        if is_whole(raw) or message_id is None or raw.get("edited_timestamp") is None:
            return raw
        try:
            return await self._calls.message(channel_id, message_id)
        except (Forbidden, Gone):
            return {}

    def _read(self, kind: str, raw: Json, cursors: Cursors) -> dict[str, str]:
        channel_id, message_id = snowflake(raw, "channel_id"), snowflake(raw, "id")
        if kind != "MESSAGE_CREATE" or channel_id is None or message_id is None:
            return {}
        return cursors.advance(channel_id, message_id, private=snowflake(raw, "guild_id") is None)
