"""Rooms for two: where a member is told what nobody else may read."""

import asyncio

from bot.adapters.matrix.calls import Calls
from bot.adapters.matrix.reading import Json, texts
from bot.adapters.matrix.rooms import Rooms
from bot.core.errors import Forbidden, Gone, Unsupported

_LIST = "m.direct"
"""Account data that says which room is for talking with whom (specification, "Direct messaging")."""


class DirectRooms:
    """Finds the room for two with somebody, or makes it."""

    def __init__(self, calls: Calls, rooms: Rooms) -> None:
        self._calls, self._rooms = calls, rooms
        self._one = asyncio.Lock()
        self._encrypted = False

    async def room(self, user_id: str) -> str:
        """The id of a room where this member reads, or is invited to.

        Raises:
            Forbidden: the homeserver does not let us invite this member.
            Unsupported: the homeserver encrypts every room for two.
            RateLimited, PlatformError: it could not be made now.
        """
        async with self._one:  # two at once would make two rooms
            known = await self._calls.account_data(_LIST)
            for room_id in (*self._rooms.for_two(user_id), *reversed(texts(known, user_id))):
                if await self._reaches(room_id, user_id):
                    return room_id
            room_id = await self._make(user_id)
            listed: Json = known | {user_id: [*texts(known, user_id), room_id]}
            await self._calls.set_account_data(_LIST, listed)
            return room_id

    async def _make(self, user_id: str) -> str:
        if not self._encrypted:
            room_id = await self._calls.make_direct_room(user_id)
            if await self._calls.state(room_id, "m.room.encryption") is None:
                return room_id
            self._encrypted = True
            await self._calls.leave(room_id)
        raise Unsupported("the homeserver encrypts every room for two, and I cannot encrypt yet")

    async def _reaches(self, room_id: str, user_id: str) -> bool:
        """Whether the member is there, invites those who left."""
        try:
            if await self._calls.state(room_id, "m.room.encryption") is not None:
                return False
            if await self._calls.membership(room_id, user_id) not in ("join", "invite"):
                await self._calls.invite(room_id, user_id)
        except (Forbidden, Gone):
            return False  # we are not there any more, or they do not want to be
        return True
