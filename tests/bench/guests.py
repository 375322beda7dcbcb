"""Whom the measured bots meet: people with a client, and the rooms they meet in.

Another kind of room, such as an encrypted one, is another `Party`; what is measured stays the same.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.adapters.matrix.house import House, until_member
from tests.labs.people import Person

Json = dict[str, Any]

LONG_POLL_MS = 10_000

_NOTHING: Json = {"types": []}
FILTER: Json = {
    "presence": _NOTHING,
    "account_data": _NOTHING,
    "room": {
        "timeline": {"limit": 50},
        "state": {"types": [], "lazy_load_members": True},
        "ephemeral": _NOTHING,
        "account_data": _NOTHING,
    },
}
"""As little as a client can ask /sync for and still see messages."""


class Guest(Protocol):
    """Somebody with a client."""

    @property
    def id(self) -> str:
        """The user id."""

    async def say(self, room: str, content: Json) -> str:
        """Send a message; its event id."""

    async def now(self) -> str:
        """Where /sync stands: what comes later is read from here on."""

    async def events(self, since: str) -> tuple[list[Json], str]:
        """What happened in all rooms since then, readable, and where /sync stands now; it waits for that."""


class Party(Protocol):
    """Who invites."""

    async def guest(self, name: str) -> Guest:
        """Somebody of this name, always the same."""

    async def room(self, name: str, guests: Sequence[Guest], bots: Sequence[str]) -> str:
        """A room with these guests in it, to which these bots (user ids) are invited."""

    async def joined(self, room: str, bot: str) -> None:
        """Wait until a bot is in a room of ours."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A guest whose messages everybody can read."""

    person: Person

    @property
    def id(self) -> str:
        return self.person.id

    async def say(self, room: str, content: Json) -> str:
        return await self.person.send(room, "m.room.message", content)

    async def now(self) -> str:
        page = await self.person.call("GET", "/v3/sync", filter=json.dumps(FILTER))
        return str(page["next_batch"])

    async def events(self, since: str) -> tuple[list[Json], str]:
        told = {"filter": json.dumps(FILTER), "since": since, "timeout": LONG_POLL_MS}
        page = await self.person.call("GET", "/v3/sync", **told)  # type: ignore[arg-type]
        joined = page.get("rooms", {}).get("join", {}).values()
        return [event for room in joined for event in room["timeline"]["events"]], str(page["next_batch"])


class PlainParty:
    """Rooms without encryption."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._hosts: dict[str, Person] = {}

    async def guest(self, name: str) -> Guest:
        return Plain(await self._house.person(name))

    async def room(self, name: str, guests: Sequence[Guest], bots: Sequence[str]) -> str:
        people = {person.id: person for person in self._house.people.values()}
        first, *others = [people[guest.id] for guest in guests]
        room = await first.make_room(*others, *bots, name=name)
        for other in others:
            await other.join(room)
        self._hosts[room] = first
        return room

    async def joined(self, room: str, bot: str) -> None:
        await until_member(self._hosts[room], room, bot)


def mention(user_id: str, text: str) -> Json:
    """What a client sends for a mention with a text behind it."""
    name = user_id[1:].partition(":")[0]
    return {
        "msgtype": "m.text",
        "body": f"{name}: {text}",
        "format": "org.matrix.custom.html",
        "formatted_body": f'<a href="https://matrix.to/#/{user_id}">{name}</a>: {text}',
        "m.mentions": {"user_ids": [user_id]},
    }


def plain(text: str) -> Json:
    """A message to nobody in particular."""
    return {"msgtype": "m.text", "body": text, "m.mentions": {}}
