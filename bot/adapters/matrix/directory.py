"""What rooms say about rights, places and history, asked at the moment of use."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.adapters.matrix.calls import Calls
from bot.adapters.matrix.decoding import (
    REPLACE,
    THREAD,
    Known,
    Malformed,
    decode,
    event_id,
    is_redacted,
    known,
    message,
    subject,
)
from bot.adapters.matrix.encryption.errors import Undecipherable
from bot.adapters.matrix.envelope import Envelope
from bot.adapters.matrix.rooms import PLATFORM, Room, Rooms
from bot.adapters.matrix.settings import Settings
from bot.adapters.reading import Json, integer, table, text
from bot.core.directory import Past
from bot.core.errors import Forbidden, Gone, Locked
from bot.core.events import Author, Channel, Message, Reaction
from bot.core.permissions import Role

if TYPE_CHECKING:  # without encryption its packages are not needed
    from bot.adapters.matrix.encryption.encryption import Encryption

_PAGE = 100

_log = logging.getLogger(__name__)


class MatrixDirectory:
    """See `bot.core.directory.Directory`.

    Args:
        now: the clock, in aware UTC datetimes.
    """

    def __init__(
        self,
        calls: Calls,
        rooms: Rooms,
        settings: Settings,
        encryption: "Encryption | None" = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._encryption = encryption
        self._calls, self._rooms, self._grants, self._now = calls, rooms, settings.grants, now
        self._moderators_room = settings.moderators_room

    async def role(self, author: Author, channel: Channel) -> Role:
        """See `Directory`; who is not in the room has no rights there, whatever the power levels say."""
        if not _is_here(channel) or author.platform != PLATFORM:
            return Role.MEMBER
        try:
            async with asyncio.TaskGroup() as tasks:
                membership = tasks.create_task(self._calls.membership(channel.id, author.id))
                powers = tasks.create_task(self._calls.powers(channel.id))
        except BaseExceptionGroup as group:  # two questions, but one fault
            if isinstance(group.exceptions[0], Forbidden | Gone):
                return Role.MEMBER
            raise group.exceptions[0] from None
        if membership.result() != "join":
            return Role.MEMBER
        return self._grants.role(author.id, powers.result().of(author.id))

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        """See `Directory`; a room is its own community, also by its alias, short for one of their server."""
        try:
            if community.startswith("#"):
                community += "" if ":" in community else ":" + author.id.partition(":")[2]
                community = await self._calls.room_of(community)
            if await self._calls.membership(community, author.id) != "join":
                return []
            return [(await self._rooms.get(community)).channel()]
        except (Forbidden, Gone):
            return []

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        """See `Directory`; a thread also by any message in it."""
        readable = await self.readable_channels(author, community)
        if not readable or id in (community, readable[0].id):
            return readable[0] if readable else None
        if not id.startswith("$"):
            return None
        try:
            event = await self._calls.event(readable[0].id, id)
        except (Forbidden, Gone):
            return None
        relation = table(event, "content", "m.relates_to")
        if relation.get("rel_type") == THREAD:
            return replace(readable[0], thread=text(relation, "event_id"))
        return replace(readable[0], thread=id) if THREAD in table(event, "unsigned", "m.relations") else None

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        """See `Directory`; clients of Matrix ask nobody for suggestions."""
        return []

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        """See `Directory`; who is in another room as well, a room cannot promise."""
        return [channel.parent] if _is_here(channel) else []

    async def is_shared(self, thread: Channel) -> bool:
        """See `Directory`; a thread is part of its room."""
        return _is_here(thread)

    async def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        """See `Directory`; a room's threads are in its history."""
        room = await self._rooms.get(channel.id)
        envelope, seen = Envelope(room, self._encryption), dict[str, Known]()
        if not position:
            first = await self._calls.first_after(channel.id, int(since.timestamp() * 1000))
            if first is None:
                return
            event, position = await self._calls.around(channel.id, first)
            yield Past(await self._events((event,), room, envelope, seen), position)
        while position:
            query = {"dir": "f", "limit": str(_PAGE), "from": position}
            events, following = await self._calls.page(channel.id, query)
            position = following or ""
            if events:
                yield Past(await self._events(events, room, envelope, seen), position)

    async def _events(
        self, raws: Sequence[Json], room: Room, envelope: Envelope, seen: dict[str, Known]
    ) -> Sequence[Message | Reaction]:
        """Messages and reactions that stand, reactions in the thread of what they are about."""
        found: list[Message | Reaction] = []
        for raw in raws:
            with suppress(Malformed):
                seen[event_id(raw)] = known(raw)
                if raw.get("type") == "m.reaction":
                    about = seen.get(subject(raw) or "", Known(None))
                    event = decode(raw, room, self._calls.user_id, about, self._now())
                    found += [event] if isinstance(event, Reaction) else []
                elif (said := await self._message(raw, room, envelope)) is not None:
                    found.append(said)
        return found

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        """See `Directory`; a message that was edited has its newest text."""
        room = await self._rooms.get(channel.id)
        envelope = Envelope(room, self._encryption)
        start = await self._start(channel, int(since.timestamp() * 1000))
        if start is None:
            return
        event, position = start
        events: Sequence[Json] = [event]
        while True:
            for event in events:
                found = await self._message(event, room, envelope)
                is_here = found is not None and (
                    found.ref.channel == channel or found.ref.id == channel.thread
                )
                if found is not None and is_here and found.at > since:
                    yield found
            if not position:
                return
            query = {"dir": "f", "limit": str(_PAGE), "from": position}
            events, following = await self._calls.page(channel.id, query)
            position = following or ""

    async def _start(self, channel: Channel, since_ms: int) -> tuple[Json, str] | None:
        """The first event that matters, and where what follows begins: a thread has none before its root."""
        if channel.thread is not None:
            event, position = await self._calls.around(channel.id, channel.thread)
            if (integer(event, "origin_server_ts") or 0) >= since_ms:
                return event, position
        first = await self._calls.first_after(channel.id, since_ms)
        return None if first is None else await self._calls.around(channel.id, first)

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        """See `Directory`."""
        if not _is_here(channel) or channel.thread is not None:
            return []
        room, since_ms = await self._rooms.get(channel.id), int(since.timestamp() * 1000)
        found: list[Channel] = []
        position: str | None = ""
        while position is not None:
            query = {"limit": str(_PAGE)} | ({"from": position} if position else {})
            roots, position = await self._calls.threads(channel.id, query)
            for root in roots:
                last = table(root, "unsigned", "m.relations", "m.thread", "latest_event")
                if (integer(last, "origin_server_ts") or 0) <= since_ms:
                    return found
                found.append(room.channel(event_id(root)))
        return found

    async def _message(self, event: Json, room: Room, envelope: Envelope) -> Message | None:
        relation = table(event, "content", "m.relates_to")
        if relation.get("rel_type") == REPLACE or is_redacted(event):
            return None
        try:
            newest = await _newest(event, envelope)
            if newest.get("type") != "m.room.message":
                return None
            found = message(newest, room, self._calls.user_id, self._now())
        except (Malformed, Locked, Undecipherable) as error:
            _log.debug("left out of the history: %s", error, extra={"channel": room.id})
            return None
        if found is None or found.author.id != self._calls.user_id:
            return found
        return replace(found, author=replace(found.author, is_bot=True))

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        """See `Directory`; named as in `m.room.power_levels`."""
        return (await self._calls.powers(channel.id)).missing(self._calls.user_id)

    async def staff_channel(self, channel: Channel) -> Channel | None:
        """See `Directory`; it is None, too, while the bot is not in that room."""
        if self._moderators_room is None:
            return None
        try:
            return (await self._rooms.get(self._moderators_room)).channel()
        except (Forbidden, Gone):
            return None

    async def link(self, channel: Channel, message_id: str) -> str | None:
        """See `Directory`; rooms since version 12 have no server in their id, so ours is named."""
        server = self._calls.user_id.partition(":")[2]
        place = f"{quote(channel.id, safe='!:')}/{quote(message_id, safe='$:')}"
        return f"https://matrix.to/#/{place}?via={quote(server, safe=':')}"


def _is_here(channel: Channel) -> bool:
    return channel.platform == PLATFORM and channel.community == channel.id


async def _newest(event: Json, envelope: Envelope) -> Json:
    """An event with the content of its last edit, which servers send along."""
    event, replacement = await envelope.open(event), table(event, "unsigned", "m.relations", "m.replace")
    content = table(await envelope.open(replacement), "content", "m.new_content")
    if not content or replacement.get("sender") != event.get("sender"):
        return event
    original = table(event, "content")
    relation = {"m.relates_to": original["m.relates_to"]} if "m.relates_to" in original else {}
    return {**event, "content": {**content, **relation}}
