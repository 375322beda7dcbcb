"""What the gateway tells, decoded in order; in a channel with a gap, what comes after waits for its end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
from bot.adapters.discord.gaps import START, Cursors, Filling, Gap, Missed, gaps
from bot.adapters.discord.gateway import MOST_WAITING, OURS
from bot.adapters.discord.places import Places, place_of
from bot.adapters.discord.snowflakes import first_at, newest, snowflake
from bot.adapters.reading import Json, flag, table, tables
from bot.core.errors import Forbidden, Gone
from bot.core.events import Deletion, Event, Invocation, MessageRef, ThreadClosed

MOST_TOGETHER = 256
"""Arrivals that are stored in one transaction, when so many wait."""

_log = logging.getLogger(__name__)

Told = tuple[str, Json]
Arrival = Told | Invocation | Missed | BaseException


@dataclass(slots=True)
class _Waiting:
    """What came in a channel while its gaps are read."""

    gaps: int = 0
    told: list[Told] = field(default_factory=list)


@dataclass(slots=True)
class _Gathered:
    """What several arrivals mean, to be told as one batch."""

    arrivals: int = 0
    events: list[Event] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        self.arrivals += 1
        self.events += batch.events
        self.cursors |= batch.cursors

    def take(self) -> Batch:
        batch = Batch(tuple(self.events), self.cursors)
        self.arrivals, self.events, self.cursors = 0, [], {}
        return batch


class Ear:
    """Hears everything in one queue, and tells it in batches.

    Args:
        now: the clock, in aware UTC datetimes.
    """

    def __init__(self, calls: Calls, places: Places, us: Ourselves, now: Callable[[], datetime]) -> None:
        self._calls, self._places, self._us, self._now = calls, places, us, now
        self._queue: asyncio.Queue[Arrival] = asyncio.Queue()
        self._left_out = False
        self._filling = Filling(calls, self._queue.put_nowait)
        self._waiting: dict[str, _Waiting] = {}
        self.told: list[str] = []
        """Ids of the calls that were told, and are not known to be stored."""

    async def fill(self) -> None:
        """Read the gaps of new sessions for as long as the bot runs."""
        await self._filling.keep()

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
        """See `Adapter.events`; what waits already comes in one batch.

        Raises:
            PlatformError: the connection ended for good.
        """
        cursors, gathered = Cursors(known), _Gathered()
        if START not in known:
            known[START] = first_at(self._now())
            yield Batch((), {START: known[START]})
        while True:
            if gathered.arrivals >= MOST_TOGETHER or (gathered.arrivals and self._queue.empty()):
                yield gathered.take()
            arrival = await self._queue.get()
            if gathered.arrivals and not self._is_plain(arrival):
                yield gathered.take()
            if isinstance(arrival, BaseException):
                raise arrival
            async for batch in self._meant(arrival, cursors):
                gathered.add(batch)
                if gathered.arrivals >= MOST_TOGETHER:
                    yield gathered.take()

    def _is_plain(self, arrival: Arrival) -> bool:
        """Whether we know what it means without asking Discord, so that what came before need not wait."""
        if not isinstance(arrival, tuple):
            return False
        kind, raw = arrival
        known = self._places.knows(snowflake(raw, "channel_id"), snowflake(raw, "guild_id"))
        return kind in OURS and known and (kind != "MESSAGE_UPDATE" or is_whole(raw))

    async def _meant(self, arrival: Told | Invocation | Missed, cursors: Cursors) -> AsyncIterator[Batch]:
        if isinstance(arrival, Invocation):
            self.told.append(arrival.id)
            yield Batch((arrival,))
        elif isinstance(arrival, Missed):
            async for batch in self._missed(arrival, cursors):
                yield batch
        elif (waiting := self._waiting.get(_channel_of(*arrival))) is not None:
            waiting.told.append(arrival)
        else:
            async for batch in self._told(*arrival, cursors):
                yield batch

    async def _told(self, kind: str, raw: Json, cursors: Cursors) -> AsyncIterator[Batch]:
        try:
            match kind:
                case "READY":
                    for channel_id in cursors.private:
                        self._fill(Gap(channel_id, None, cursors.of(channel_id, private=True)))
                case "GUILD_CREATE":
                    self._guild(raw, cursors)
                case "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE":
                    self._us.learn(table(raw, "role"))
                case "GUILD_ROLE_DELETE":
                    self._us.roles.discard(snowflake(raw, "role_id") or "")
                case "CHANNEL_CREATE" | "CHANNEL_UPDATE":
                    self._places.learn(raw, None)
                case "CHANNEL_DELETE":
                    self._places.forget(snowflake(raw, "id") or "")
                case "THREAD_UPDATE" | "THREAD_DELETE":
                    yield Batch(tuple(self._thread(kind, raw)))
                case _:
                    events = await self._events(kind, raw)
                    yield Batch(tuple(events), self._read(kind, raw, cursors))
        except Malformed as error:
            _log.warning("an event cannot be understood: %s", error, extra={"kind": kind})

    def _thread(self, kind: str, raw: Json) -> Iterator[ThreadClosed | Deletion]:
        """A thread or forum post is gone, as the deletion of what it began with, or was locked or opened.

        One that is only archived comes back when somebody writes in it.
        """
        place = place_of(raw, snowflake(raw, "guild_id"))
        if kind == "THREAD_DELETE":
            self._places.forget(snowflake(raw, "id") or "")
        if place is None or place.thread is None:
            return
        if kind == "THREAD_DELETE":
            yield Deletion(MessageRef(place, place.thread), self._now())
        else:
            yield ThreadClosed(place, flag(table(raw, "thread_metadata"), "locked"), self._now())

    def _guild(self, guild: Json, cursors: Cursors) -> None:
        guild_id = snowflake(guild, "id")
        for about in (*tables(guild, "channels"), *tables(guild, "threads")):
            self._places.learn(about, guild_id)
        for role in tables(guild, "roles"):
            self._us.learn(role)
        for gap in gaps(guild, cursors):
            self._fill(gap)

    def _fill(self, gap: Gap) -> None:
        self._waiting.setdefault(gap.channel_id, _Waiting()).gaps += 1
        self._filling.add(gap)

    async def _missed(self, missed: Missed, cursors: Cursors) -> AsyncIterator[Batch]:
        """A page of a gap, or what waited for its end."""
        channel_id, guild_id = missed.gap.channel_id, missed.gap.guild_id
        if missed.page is not None:
            events: list[Event] = []
            for raw in missed.page:
                events += await self._safely("MESSAGE_CREATE", raw, guild_id)
            last = newest(*(snowflake(raw, "id") or "0" for raw in missed.page))
            yield Batch(tuple(events), cursors.advance(channel_id, last, private=guild_id is None))
            return
        waiting = self._waiting[channel_id]
        waiting.gaps -= 1
        if not waiting.gaps:
            del self._waiting[channel_id]
            for told in waiting.told:
                async for batch in self._told(*told, cursors):
                    yield batch

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


def _channel_of(kind: str, raw: Json) -> str:
    """Where something happened, or "" for what happens in no channel."""
    return snowflake(raw, "channel_id") or "" if kind in OURS else ""
