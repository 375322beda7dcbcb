"""Guests whose clients encrypt, and the encrypted rooms they meet in."""

from collections.abc import Sequence
from dataclasses import dataclass

from nio import RoomSendResponse, SyncResponse

from tests.adapters.matrix.house import House, until_member
from tests.bench.guests import LONG_POLL_MS, Guest, Json
from tests.labs.secretive import SecretivePerson


class NotUnderstood(Exception):
    """The homeserver gave a guest another answer than it should."""


@dataclass(frozen=True, slots=True)
class Secretive:
    """A guest whose messages only members of the room can read."""

    person: SecretivePerson

    @property
    def id(self) -> str:
        return self.person.id

    async def say(self, room: str, content: Json) -> str:
        answer = await self.person.client.room_send(
            room, "m.room.message", content, ignore_unverified_devices=True
        )
        if not isinstance(answer, RoomSendResponse):
            raise NotUnderstood(repr(answer))
        return str(answer.event_id)

    async def now(self) -> str:
        await self.person.catch_up()
        return ""  # the client knows where it stands

    async def events(self, since: str) -> tuple[list[Json], str]:
        answer = await self.person.client.sync(timeout=LONG_POLL_MS)
        if not isinstance(answer, SyncResponse):
            raise NotUnderstood(repr(answer))
        rooms = answer.rooms.join.values()
        return [event.source for room in rooms for event in room.timeline.events], since


class SecretiveParty:
    """Encrypted rooms."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._guests: dict[str, SecretivePerson] = {}

    async def guest(self, name: str) -> Guest:
        self._house.encrypted = True
        person = await self._house.person(f"secretive-{name}")
        self._house.encrypted = False
        if not isinstance(person, SecretivePerson):
            raise NotUnderstood(f"{name} has a client that does not encrypt")
        self._guests[person.id] = person
        return Secretive(person)

    async def room(self, name: str, guests: Sequence[Guest], bots: Sequence[str]) -> str:
        first, *others = [self._guests[guest.id] for guest in guests]
        room = await first.make_room(*others, *bots, name=name, encrypted=True)
        for other in others:
            await other.join(room)
        return room

    async def joined(self, room: str, bot: str) -> None:
        await until_member(next(iter(self._guests.values())), room, bot)
        for person in self._guests.values():
            await person.catch_up()
