"""What we know of the rooms we are in, asked of the homeserver when a room is first needed."""

import asyncio
import logging
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from bot.adapters.matrix.account import Account
from bot.adapters.reading import Json, table, tables, text
from bot.core.errors import Gone
from bot.core.events import Author, Channel

PLATFORM = "matrix"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Room:
    """A room we are in.

    Attributes:
        names: display names by user id, of everybody who is in the room.
        invited: user ids of those who were asked in; they read what is said from then on.
        encrypted: messages in it are encrypted (it can never be switched off again).
    """

    id: str
    names: dict[str, str] = field(default_factory=dict)
    invited: set[str] = field(default_factory=set)
    encrypted: bool = False

    @property
    def readers(self) -> Set[str]:
        """User ids of everybody for whom messages are encrypted."""
        return self.names.keys() | self.invited

    @property
    def private(self) -> bool:
        """Nobody is here but us and at most one other."""
        return len(self.names) <= 2

    def channel(self, thread: str | None = None) -> Channel:
        """The room, or a thread in it. A room is its own community: power levels hold in it alone."""
        return Channel(PLATFORM, self.id, self.id, thread, self.private, self.encrypted)

    def author(self, user_id: str) -> Author:
        """Somebody by user id, also somebody who left."""
        return Author(PLATFORM, user_id, self.names.get(user_id) or local_part(user_id))

    def learn(self, events: Iterable[Json]) -> None:
        """Take in state events, oldest first."""
        for event in events:
            key = text(event, "state_key")
            if key is None:
                continue
            match event.get("type"):
                case "m.room.member":
                    self._member(key, table(event, "content"))
                case "m.room.encryption":
                    self.encrypted = True

    def _member(self, user_id: str, content: Json) -> None:
        if content.get("membership") == "invite":
            self.invited.add(user_id)
        else:
            self.invited.discard(user_id)
        if content.get("membership") == "join":
            self.names[user_id] = text(content, "displayname") or local_part(user_id)
        else:
            self.names.pop(user_id, None)


class Rooms:
    """The rooms we are in, by id."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: dict[str, Room] = {}
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._forgotten = 0

    async def get(self, room_id: str) -> Room:
        """A room, as it is now.

        Raises:
            Forbidden: we are not in it.
        """
        if room_id in self._known:
            return self._known[room_id]
        async with self._asking.setdefault(room_id, asyncio.Lock()):  # two answers would be two rooms
            if room_id in self._known:
                return self._known[room_id]
            before = self._forgotten
            room = await self._ask(room_id)
            if before == self._forgotten:  # otherwise it may be out of date already
                self._known[room_id] = room
            return room

    def known(self, room_id: str) -> Room | None:
        """A room, if it was needed before."""
        return self._known.get(room_id)

    def for_two(self, user_id: str) -> Sequence[str]:
        """Ids of known rooms in which nobody is but us and this member."""
        rooms = (room for room in self._known.values() if user_id in room.names)
        return [room.id for room in rooms if len(room.names) == 2]

    def forget(self, room_id: str) -> None:
        """We left it, or cannot be sure any more what it is like."""
        self._forgotten += 1
        self._known.pop(room_id, None)

    async def _ask(self, room_id: str) -> Room:
        answer = await self._account.request("GET", "rooms", room_id, "joined_members")
        joined = table(answer, "joined")
        names = {
            user_id: text(table(joined, user_id), "display_name") or local_part(user_id) for user_id in joined
        }
        if not await self._is_encrypted(room_id):
            return Room(room_id, names)
        query = {"membership": "invite"}
        asked = await self._account.request("GET", "rooms", room_id, "members", query=query)
        invited = {key for event in tables(asked, "chunk") if (key := text(event, "state_key")) is not None}
        return Room(room_id, names, invited, encrypted=True)

    async def _is_encrypted(self, room_id: str) -> bool:
        try:
            await self._account.request("GET", "rooms", room_id, "state", "m.room.encryption", "")
        except Gone:
            return False
        return True


def local_part(user_id: str) -> str:
    """The name part: "ann" for "@ann:example.org"."""
    return user_id.removeprefix("@").partition(":")[0]
