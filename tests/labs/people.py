"""People on a Matrix homeserver, with the plainest client there is: what they do is one request each."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.labs.synapse import Login

PATIENCE_S = 60.0
"""Something that never happens fails a test after this time; it never decides about a passing one."""

_LONG_POLL_MS = 10_000

Json = dict[str, Any]


class Refused(Exception):
    """The homeserver said no."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a client shows it: the newest edit counts, what was redacted is gone.

    Attributes:
        content: of the first event, which is the one that notifies and stands in a thread.
        newest: of the last edit, or of the first event without one.
        edits: how often it was changed.
    """

    id: str
    sender: str
    content: Json
    newest: Json
    edits: int

    @property
    def text(self) -> str:
        return str(self.newest.get("body", ""))

    @property
    def thread(self) -> str | None:
        relation = self.content.get("m.relates_to", {})
        return relation.get("event_id") if relation.get("rel_type") == "m.thread" else None

    @property
    def reply_to(self) -> str | None:
        found = self.content.get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id")
        return str(found) if found else None

    @property
    def mentions(self) -> list[str]:
        return list(self.content.get("m.mentions", {}).get("user_ids", []))


@dataclass
class Sheet:
    """What one person has read of one room, oldest first, without gaps."""

    events: dict[str, Json] = field(default_factory=dict)
    token: str | None = None


class Person:
    """An account at a keyboard. Every method raises Refused when the homeserver says no."""

    def __init__(self, url: str, login: Login, http: aiohttp.ClientSession) -> None:
        self.url, self.login = url, login
        self.id = login.user_id
        self._http = http
        self._sheets: dict[str, Sheet] = {}
        self._numbers = itertools.count()
        self._accepted: list[str] = []

    async def call(self, method: str, path: str, body: Json | None = None, **query: str | int) -> Json:
        """A request to /_matrix/client."""
        headers = {"Authorization": f"Bearer {self.login.access_token}"}
        address = f"{self.url}/_matrix/client{path}"
        parameters = {name: str(value) for name, value in query.items()}
        async with self._http.request(
            method, address, json=body, params=parameters, headers=headers
        ) as answer:
            found: Json = await answer.json(content_type=None)
            if answer.status != 200:
                raise Refused(answer.status, found)
            return found

    # Rooms

    async def make_room(
        self,
        *members: "Person | str",
        name: str = "general",
        version: str = "12",
        levels: Mapping[str, int] | None = None,
        encrypted: bool = False,
        direct: bool = False,
        **more: object,
    ) -> str:
        """A room with everybody invited; its id. Levels are members' power."""
        states: list[Json] = []
        if encrypted:
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            states.append({"type": "m.room.encryption", "state_key": "", "content": content})
        body: Json = {
            "name": name,
            "room_version": version,
            "preset": "private_chat",
            "invite": [member if isinstance(member, str) else member.id for member in members],
            "is_direct": direct,
            "initial_state": states,
            **more,
        }
        if levels:
            body["power_level_content_override"] = {"users": self._with_creator(levels, version)}
        return str((await self.call("POST", "/v3/createRoom", body))["room_id"])

    def _with_creator(self, levels: Mapping[str, int], version: str) -> dict[str, int]:
        """From version 12 on the creator is above the list, and may not stand in it."""
        return dict(levels) if int(version) >= 12 else {self.id: 100, **levels}

    async def join(self, room: str) -> None:
        await self.call("POST", f"/v3/join/{quote(room)}", {})

    async def accept_invitations(self) -> list[str]:
        """Join every room one is invited to; the ids of all that were joined this way."""
        limit = 1 + next(self._numbers)  # Synapse remembers its answers to equal requests
        page = await self.call("GET", "/v3/sync", filter=f'{{"room":{{"timeline":{{"limit":{limit}}}}}}}')
        for room in page.get("rooms", {}).get("invite", {}):
            await self.join(room)
            self._accepted.append(room)
        return self._accepted

    async def leave(self, room: str) -> None:
        await self.call("POST", f"/v3/rooms/{quote(room)}/leave", {})

    async def invite(self, room: str, user_id: str) -> None:
        await self.call("POST", f"/v3/rooms/{quote(room)}/invite", {"user_id": user_id})

    async def members(self, room: str) -> set[str]:
        """Who is in it now."""
        return set((await self.call("GET", f"/v3/rooms/{quote(room)}/joined_members"))["joined"])

    async def state(self, room: str, kind: str, key: str = "") -> Json:
        return await self.call("GET", f"/v3/rooms/{quote(room)}/state/{kind}/{quote(key)}")

    async def set_state(self, room: str, kind: str, content: Json, key: str = "") -> None:
        await self.call("PUT", f"/v3/rooms/{quote(room)}/state/{kind}/{quote(key)}", content)

    async def power(self, room: str, levels: Mapping[str, int]) -> None:
        """Give members power: the others keep theirs."""
        content = await self.state(room, "m.room.power_levels")
        content["users"] = {**content.get("users", {}), **levels}
        await self.set_state(room, "m.room.power_levels", content)

    # Words

    async def say(
        self, room: str, text: str, *, mention: Iterable[str] = (), thread: str = "", reply_to: str = "",
        **more: object,
    ) -> str:  # fmt: skip
        """Write a message; its event id. `more` is added to the content."""
        content: Json = {"msgtype": "m.text", "body": text, **more}
        if mention := list(mention):
            content["m.mentions"] = {"user_ids": mention}
        relation: Json = {}
        if thread:
            relation = {"rel_type": "m.thread", "event_id": thread}
            if not reply_to:
                relation |= {"is_falling_back": True, "m.in_reply_to": {"event_id": thread}}
        if reply_to:
            relation["m.in_reply_to"] = {"event_id": reply_to}
        if relation:
            content["m.relates_to"] = relation
        return await self.send(room, "m.room.message", content)

    async def edit(self, room: str, event_id: str, text: str) -> str:
        content: Json = {
            "msgtype": "m.text",
            "body": f"* {text}",
            "m.new_content": {"msgtype": "m.text", "body": text},
            "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
        }
        return await self.send(room, "m.room.message", content)

    async def react(self, room: str, event_id: str, emoji: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
        return await self.send(room, "m.reaction", {"m.relates_to": relation})

    async def redact(self, room: str, event_id: str) -> None:
        path = f"/v3/rooms/{quote(room)}/redact/{quote(event_id)}/r{next(self._numbers)}"
        await self.call("PUT", path, {})

    async def send(self, room: str, kind: str, content: Json) -> str:
        """Send any event; its id."""
        path = f"/v3/rooms/{quote(room)}/send/{kind}/t{next(self._numbers)}"
        return str((await self.call("PUT", path, content))["event_id"])

    async def upload(self, data: bytes, kind: str = "text/plain") -> str:
        """Put a file on the homeserver; its `mxc://` address."""
        headers = {"Authorization": f"Bearer {self.login.access_token}", "Content-Type": kind}
        address = f"{self.url}/_matrix/media/v3/upload"
        async with self._http.post(address, data=data, headers=headers) as answer:
            found: Json = await answer.json(content_type=None)
            if answer.status != 200:
                raise Refused(answer.status, found)
            return str(found["content_uri"])

    # Eyes

    async def read(self, room: str) -> list[Json]:
        """Every event of the room that this person may see, oldest first."""
        sheet = self._sheets.setdefault(room, Sheet())
        while True:
            start = {} if sheet.token is None else {"from": sheet.token}
            path = f"/v3/rooms/{quote(room)}/messages"
            page = await self.call("GET", path, None, dir="f", limit=500, **start)
            for event in page["chunk"]:
                sheet.events[event["event_id"]] = event
            if "end" not in page or not page["chunk"]:
                return list(sheet.events.values())
            sheet.token = page["end"]

    async def shown(self, room: str, sender: str | None = None) -> list[Shown]:
        """The messages that stand in a room, oldest first; of one sender if given."""
        return [each for each in show(await self.read(room)) if sender in (None, each.sender)]

    async def until(self, room: str, holds: Callable[[list[Shown]], bool], sender: str = "") -> list[Shown]:
        """Wait until the messages of a room, or those of one sender, are as they should be."""
        found: list[Shown] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                async for _change in self.changes(room):
                    found = await self.shown(room, sender or None)
                    if holds(found):
                        break
        except TimeoutError:
            texts = [each.text for each in found]
            raise AssertionError(f"never came true in {room}; there stands {texts}") from None
        return found

    async def changes(self, room: str = "") -> AsyncIterator[None]:
        """Now, and then whenever something happened in a room; "" for all that one is in or invited to."""
        quiet: Json = {"types": []}
        some = {"rooms": [room]} if room else {}
        room_filter = {**some, "ephemeral": quiet, "account_data": quiet, "timeline": {"limit": 1}}
        body: Json = {"room": room_filter, "presence": quiet, "account_data": quiet}
        path = f"/v3/user/{quote(self.id)}/filter"
        name = str((await self.call("POST", path, body))["filter_id"])
        since = str((await self.call("GET", "/v3/sync", filter=name))["next_batch"])
        while True:
            yield
            happened = False
            while not happened:
                page = await self.call("GET", "/v3/sync", filter=name, since=since, timeout=_LONG_POLL_MS)
                since, rooms = str(page["next_batch"]), page.get("rooms", {})
                joined, invited = rooms.get("join", {}), rooms.get("invite", {})
                happened = room in joined if room else bool(joined or invited)


def show(events: Iterable[Json]) -> list[Shown]:
    """Messages as clients show them."""
    shown: dict[str, Shown] = {}
    for event in events:
        content, sender = event.get("content") or {}, event["sender"]
        relation = content.get("m.relates_to") or {}
        if event["type"] == "m.room.redaction":
            shown.pop(str(event.get("redacts") or content.get("redacts")), None)
        elif event["type"] != "m.room.message" or "msgtype" not in content:
            continue
        elif relation.get("rel_type") != "m.replace":
            shown[event["event_id"]] = Shown(event["event_id"], sender, content, content, 0)
        elif (old := shown.get(relation["event_id"])) is not None and old.sender == sender:
            newest = content.get("m.new_content", {})
            shown[old.id] = Shown(old.id, sender, old.content, newest, old.edits + 1)
    return list(shown.values())


@asynccontextmanager
async def person(url: str, login: Login) -> AsyncIterator[Person]:
    """Somebody at a client of their own."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as http:
        yield Person(url, login, http)
