"""Rooms for two: where a member is told what nobody else may read."""

import asyncio

from bot.adapters.matrix.calls import Calls
from bot.adapters.matrix.rooms import Rooms
from bot.adapters.reading import Json, texts
from bot.core.errors import Forbidden, Gone, Unsupported

_LIST = "m.direct"
"""Account data that says which room is for talking with whom (specification, "Direct messaging")."""


class DirectRooms:
    """Finds the room for two with somebody, or makes it."""

    def __init__(self, calls: Calls, rooms: Rooms, *, encryption: bool) -> None:
        self._calls, self._rooms, self._encryption = calls, rooms, encryption
        self._one = asyncio.Lock()
        self._hopeless = False

    async def room(self, user_id: str, *, encrypted: bool) -> str:
        """The id of a room where this member reads, or is invited to.

        Args:
            encrypted: it has to be; what is said about an encrypted room is said in an encrypted one.

        Raises:
            Forbidden: the homeserver does not let us invite this member.
            Unsupported: the homeserver encrypts every room for two, and encryption is switched off.
            RateLimited, PlatformError: it could not be made now.
        """
        async with self._one:  # two at once would make two rooms
            known = await self._calls.account_data(_LIST)
            for room_id in (*self._rooms.for_two(user_id), *reversed(texts(known, user_id))):
                if await self._reaches(room_id, user_id, encrypted):
                    return room_id
            room_id = await self._make(user_id, encrypted)
            listed: Json = known | {user_id: [*texts(known, user_id), room_id]}
            await self._calls.set_account_data(_LIST, listed)
            return room_id

    async def _make(self, user_id: str, encrypted: bool) -> str:
        if not self._hopeless:
            room_id = await self._calls.make_direct_room(user_id, encrypted=encrypted)
            self._rooms.forget(room_id)  # who came upon it half-made knows of nobody to encrypt for
            if self._encryption or not await self._is_encrypted(room_id):
                return room_id
            self._hopeless = True
            await self._calls.leave(room_id)
        raise Unsupported("the homeserver encrypts every room for two, and encryption is switched off")

    async def _is_encrypted(self, room_id: str) -> bool:
        return await self._calls.state(room_id, "m.room.encryption") is not None

    async def _reaches(self, room_id: str, user_id: str, encrypted: bool) -> bool:
        """Whether the member is there, invites those who left."""
        try:
            found = await self._is_encrypted(room_id)
            if (found and not self._encryption) or (encrypted and not found):
                return False
            if await self._calls.membership(room_id, user_id) not in ("join", "invite"):
                await self._calls.invite(room_id, user_id)
                self._rooms.forget(room_id)
        except (Forbidden, Gone):
            return False  # we are not there any more, or they do not want to be
        return True
