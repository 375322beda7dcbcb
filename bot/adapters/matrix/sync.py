"""What happens in our rooms: our own loop on /sync, with gaps filled from the rooms' history.

A cursor is `next_batch`. A batch is read, its gaps filled and invitations answered before the cursor is given
out, so a kill at any moment reads it again. Source: client-server API, "Syncing".
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.adapters.adapter import Batch, Cursors
from bot.adapters.matrix.account import Account
from bot.adapters.matrix.decoding import ENCRYPTED, Malformed, decode, encrypted, is_join_of
from bot.adapters.matrix.doors import Doors
from bot.adapters.matrix.relations import Relations
from bot.adapters.matrix.rooms import Room, Rooms
from bot.adapters.reading import Json, flag, table, tables, text
from bot.core.errors import Forbidden, Gone, NeedsOperator, PlatformError, RateLimited
from bot.core.events import Event

if TYPE_CHECKING:  # without encryption its packages are not needed
    from bot.adapters.matrix.encryption.encryption import Encryption

LONG_POLL_S = 30.0
FIRST_SYNC_S = 600.0
"""A first sync of an account with a thousand rooms takes minutes on a small homeserver."""

_BACKOFF_S, _LONGEST_BACKOFF_S = 0.5, 5.0
"""After an outage we are back within five seconds; Synapse bears a request in that time from each client."""

_TIMELINE = 50
_PAGE = 100
_MOST_PAGES = 100

_NOTHING: Json = {"types": []}
_STATE: Json = {"types": ["m.room.encryption", "m.room.tombstone"]}
"""Members are asked for once, and then known from the timeline: a homeserver that sends members with a sync
says each time that their devices may have changed (measured with Synapse: twice the work for a message)."""

_log = logging.getLogger(__name__)


class Sync:
    """Reads everything that happens to an account, from a cursor on."""

    def __init__(
        self,
        account: Account,
        rooms: Rooms,
        doors: Doors,
        relations: Relations,
        encryption: "Encryption | None",
        now: Callable[[], datetime],
        rights_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._rights_changed = rights_changed
        self._account, self._rooms, self._doors, self._now = account, rooms, doors, now
        self._relations, self._encryption = relations, encryption

    async def batches(self, since: Cursors) -> AsyncIterator[Batch]:
        """See `Adapter.events`. Without a cursor the first batch is empty: nothing old is answered.

        Raises:
            NeedsOperator: such as for a wrong password.
        """
        scope = self._account.user_id
        cursor, failures = since.get(scope), 0
        while True:
            try:
                events, following = await self._step(cursor)
            except NeedsOperator:
                raise
            except RateLimited as refusal:
                await asyncio.sleep(refusal.retry_after_s)
            except PlatformError as error:
                failures += 1
                wait_s = min(_BACKOFF_S * 2**failures, _LONGEST_BACKOFF_S) * random.uniform(0.5, 1)  # noqa: S311
                _log.warning("nothing can be read now: %s", error, extra={"wait_s": round(wait_s, 1)})
                await asyncio.sleep(wait_s)
            else:
                failures = 0
                if events or following != cursor:
                    yield Batch(tuple(events), {scope: following})
                cursor = following

    async def _step(self, cursor: str | None) -> tuple[list[Event], str]:
        """What happened since a cursor, and the next one."""
        if self._encryption is not None:
            await self._encryption.ready()  # others encrypt only for devices they know
        answer = await self._ask(cursor)
        following = text(answer, "next_batch")
        if following is None:
            raise PlatformError("the homeserver gave no cursor")
        if self._encryption is not None:
            await self._encryption.receive(answer)
        events = [] if cursor is None else await self._read(answer, cursor)
        await self._doors.answer(table(answer, "rooms", "invite"))
        return events, following

    async def _ask(self, cursor: str | None) -> Json:
        if cursor is None:
            query = {"filter": _filter(1), "timeout": "0"}
            return await self._account.request("GET", "sync", query=query, timeout_s=FIRST_SYNC_S)
        query = {"filter": _filter(_TIMELINE), "since": cursor, "timeout": str(int(LONG_POLL_S * 1000))}
        return await self._account.request("GET", "sync", query=query, timeout_s=2 * LONG_POLL_S)

    async def _read(self, answer: Json, cursor: str) -> list[Event]:
        events: list[Event] = []
        joined = table(answer, "rooms", "join")
        for room_id in joined:
            try:
                events += await self._room(room_id, table(joined, room_id), cursor)
            except (Forbidden, Gone) as error:  # we were sent out while we read
                _log.info("a room is not ours any more: %s", error, extra={"channel": room_id})
                self._rooms.forget(room_id)
        left = table(answer, "rooms", "leave")
        for room_id in left:
            self._rooms.forget(room_id)
        await self._doors.closed(left)
        return events

    async def _room(self, room_id: str, part: Json, cursor: str) -> list[Event]:
        room = await self._rooms.get(room_id)
        room.learn(tables(table(part, "state"), "events"))
        found: list[Event] = []
        for raw in await self._timeline(room_id, table(part, "timeline"), cursor):
            room.learn([raw])
            if raw.get("type") == "m.room.power_levels":
                self._rights_changed()
            event = await self._event(raw, room)
            if event is not None:
                found.append(event)
            if raw.get("type") == "m.room.tombstone":
                await self._doors.follow(room_id, table(raw, "content"))
        if room.encrypted and self._encryption is None:
            await self._doors.leave_encrypted(room_id)
        return found

    async def _timeline(self, room_id: str, timeline: Json, cursor: str) -> Sequence[Json]:
        """Everything in a room since the cursor, or since we came into it if that is later."""
        raws = list(tables(timeline, "events"))
        if isinstance(listed := timeline.get("events"), list) and (others := len(listed) - len(raws)):
            _log.warning("%d events cannot be understood: no objects", others, extra={"channel": room_id})
        start = text(timeline, "prev_batch")
        if flag(timeline, "limited") and start is not None and self._join(raws) is None:
            raws = [*await self._gap(room_id, start, cursor), *raws]
        return raws[self._join(raws) or 0 :]

    def _join(self, raws: Sequence[Json]) -> int | None:
        """Where we came into the room, the last time."""
        ours = (n for n in range(len(raws) - 1, -1, -1) if is_join_of(raws[n], self._account.user_id))
        return next(ours, None)

    async def _gap(self, room_id: str, start: str, cursor: str) -> list[Json]:
        """What the homeserver left out, oldest first, back to the cursor or our join."""
        found: list[Json] = []
        position: str | None = start
        for _page in range(_MOST_PAGES):
            query = {"dir": "b", "from": position or "", "to": cursor, "limit": str(_PAGE)}
            answer = await self._account.request("GET", "rooms", room_id, "messages", query=query)
            chunk = list(tables(answer, "chunk"))
            found += chunk
            position = text(answer, "end")
            if not chunk or position is None or self._join(chunk) is not None:
                return found[::-1]
        _log.warning("a gap was too long, its beginning is left out", extra={"channel": room_id})
        self._rooms.forget(room_id)  # who came and went in it is not known
        return found[::-1]

    async def _event(self, raw: Json, room: Room) -> Event | None:
        try:
            self._relations.remember(raw)
            about = await self._relations.about(raw, room.id)
            if raw.get("type") == ENCRYPTED:
                return encrypted(raw, room, self._account.user_id, about, self._now())
            return decode(raw, room, self._account.user_id, about, self._now())
        except Malformed as error:
            about_it = {"channel": room.id, "event_id": text(raw, "event_id")}
            _log.warning("an event cannot be understood: %s", error, extra=about_it)
            return None


def _filter(timeline: int) -> str:
    """Only what we use: no presence, no receipts, no typing, no members."""
    room = {"state": _STATE, "timeline": {"limit": timeline}, "ephemeral": _NOTHING, "account_data": _NOTHING}
    return json.dumps({"presence": _NOTHING, "account_data": _NOTHING, "room": room})
