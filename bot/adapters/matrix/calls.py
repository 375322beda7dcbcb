"""The requests that actions and questions need, one typed method each.

What a homeserver counts (Synapse: `rc_message`, all events of an account in all rooms) goes through `Gate`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar
from weakref import WeakValueDictionary

from bot.adapters.matrix.account import API, Refused
from bot.adapters.matrix.powers import Powers
from bot.adapters.reading import Json, table, tables, text
from bot.core.errors import Gone, PlatformError, RateLimited

T = TypeVar("T")

MEGOLM = "m.megolm.v1.aes-sha2"
"""How messages in rooms are encrypted (specification, "m.megolm.v1.aes-sha2")."""

PINNED = "m.room.pinned_events"
"""State: which messages everybody has at hand (specification, "m.room.pinned_events")."""

_LEAST_WAIT_S = 0.1  # whatever a homeserver says, nobody tries more often
_API_V1 = ("_matrix", "client", "v1")


class Http(Protocol):
    """Requests to the homeserver in the name of an account, as `Account` makes them."""

    user_id: str

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        base: tuple[str, ...] = API,
    ) -> Json:
        """The decoded answer; `path` are segments below `base`."""
        ...

    async def upload(self, data: bytes, media_type: str) -> str:
        """Put a file on the homeserver; its `mxc://` address."""
        ...


class Gate:
    """After a refusal one request tries at a time, and none before the server said."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._refused = False
        self._free_at = 0.0

    async def through(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a request that the homeserver counts.

        Raises:
            RateLimited: the server refused it, or is known to refuse it for so long.
        """
        if not self._refused:
            return await self._tried(request)
        async with self._one:
            return await self._tried(request)

    async def _tried(self, request: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        if (wait_s := self._free_at - loop.time()) > 0:
            raise RateLimited(wait_s)
        try:
            answer = await request()
        except RateLimited as refusal:
            wait_s = max(refusal.retry_after_s, _LEAST_WAIT_S)
            self._refused, self._free_at = True, loop.time() + wait_s
            raise RateLimited(wait_s) from refusal
        self._refused = False
        return answer


class Calls:
    """One account's requests."""

    def __init__(self, http: Http) -> None:
        self.user_id = http.user_id
        self._http, self._gate = http, Gate()
        self._creations: dict[str, Json] = {}
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # Events

    async def send(self, room_id: str, kind: str, content: Mapping[str, object], key: str) -> str:
        """Send an event; its id. The same key is the same event for as long as the server remembers it.

        A room gets them one after the other, as they were asked for (client-server API, "Recommendations when
        sending messages").
        """
        async with self._orders.setdefault(room_id, asyncio.Lock()):
            answer = await self._counted("PUT", "rooms", room_id, "send", kind, key, body=content)
        return _id(answer, "event_id")

    async def upload(self, data: bytes, media_type: str) -> str:
        """Put a file on the homeserver; its `mxc://` address."""
        return await self._http.upload(data, media_type)

    async def redact(self, room_id: str, event_id: str, key: str, reason: str = "") -> None:
        """Remove an event's content for good."""
        body = {"reason": reason} if reason else {}
        await self._counted("PUT", "rooms", room_id, "redact", event_id, key, body=body)

    async def event(self, room_id: str, event_id: str) -> Json:
        """An event as it was sent.

        Raises:
            Gone: there is none that we can see, or it was redacted.
        """
        event = await self._http.request("GET", "rooms", room_id, "event", event_id)
        if "redacted_because" in table(event, "unsigned"):
            raise Gone(f"{event_id} was redacted")
        return event

    async def page(self, room_id: str, query: Mapping[str, str]) -> tuple[Sequence[Json], str | None]:
        """Some of the room's history, and where it goes on."""
        answer = await self._http.request("GET", "rooms", room_id, "messages", query=query)
        return tables(answer, "chunk"), text(answer, "end")

    async def threads(self, room_id: str, query: Mapping[str, str]) -> tuple[Sequence[Json], str | None]:
        """Some of the messages below which a thread hangs, last written in first, and where it goes on."""
        path = ("rooms", room_id, "threads")
        answer = await self._http.request("GET", *path, query=query, base=_API_V1)
        return tables(answer, "chunk"), text(answer, "next_batch")

    async def first_after(self, room_id: str, at_ms: int) -> str | None:
        """The id of the first event at or after a time, if there is one."""
        query = {"ts": str(at_ms), "dir": "f"}
        path = ("rooms", room_id, "timestamp_to_event")
        try:
            return text(await self._http.request("GET", *path, query=query, base=_API_V1), "event_id")
        except Gone:
            return None

    async def around(self, room_id: str, event_id: str) -> tuple[Json, str]:
        """An event, and where in the history what follows it begins."""
        query = {"limit": "0"}
        answer = await self._http.request("GET", "rooms", room_id, "context", event_id, query=query)
        return table(answer, "event"), _id(answer, "end")

    # Rooms and people

    async def powers(self, room_id: str) -> Powers:
        """Who may do what in a room, now."""
        if room_id not in self._creations:  # it never changes
            path = ("rooms", room_id, "state", "m.room.create", "")
            self._creations[room_id] = await self._http.request("GET", *path, query={"format": "event"})
        return Powers.read(self._creations[room_id], await self.state(room_id, "m.room.power_levels"))

    async def state(self, room_id: str, kind: str, key: str = "") -> Json | None:
        """The content of a state event, or None."""
        try:
            return await self._http.request("GET", "rooms", room_id, "state", kind, key)
        except Gone:
            return None

    async def set_pinned(self, room_id: str, content: Json) -> None:
        """Change which messages are pinned."""
        await self._counted("PUT", "rooms", room_id, "state", PINNED, "", body=content)

    async def set_powers(self, room_id: str, content: Json) -> None:
        """Change who may do what."""
        await self._counted("PUT", "rooms", room_id, "state", "m.room.power_levels", "", body=content)

    async def room_of(self, alias: str) -> str:
        """The id of the room with an alias; Gone if there is none."""
        return text(await self._http.request("GET", "directory", "room", alias), "room_id") or ""

    async def membership(self, room_id: str, user_id: str) -> str:
        """`join`, `invite`, `knock`, `ban` or `leave`; also `leave` for who was never there."""
        member = await self.state(room_id, "m.room.member", user_id)
        return text(member or {}, "membership") or "leave"

    async def remove(self, how: str, room_id: str, user_id: str, reason: str) -> None:
        """Args: how: `kick`, `ban` or `unban`."""
        await self._http.request("POST", "rooms", room_id, how, body={"user_id": user_id, "reason": reason})

    async def invite(self, room_id: str, user_id: str) -> None:
        """Ask somebody in."""
        await self._http.request("POST", "rooms", room_id, "invite", body={"user_id": user_id})

    async def leave(self, room_id: str) -> None:
        """Go away from a room."""
        await self._http.request("POST", "rooms", room_id, "leave", body={})

    async def make_direct_room(self, user_id: str, *, encrypted: bool) -> str:
        """A room for two, with the other one invited; its id."""
        body: Json = {"preset": "trusted_private_chat", "is_direct": True, "invite": [user_id]}
        if encrypted:
            state = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": MEGOLM}}
            body["initial_state"] = [state]
        return _id(await self._http.request("POST", "createRoom", body=body), "room_id")

    # Our own

    async def account_data(self, kind: str) -> Json:
        """What we wrote down on the server; empty at first."""
        try:
            return await self._http.request("GET", "user", self.user_id, "account_data", kind)
        except Gone:
            return {}

    async def set_account_data(self, kind: str, content: Json) -> None:
        """Write something down on the server; it outlives this process."""
        await self._http.request("PUT", "user", self.user_id, "account_data", kind, body=content)

    async def typing(self, room_id: str, seconds: float) -> None:
        """Show that we write, for so long; 0 ends it."""
        body: Json = {"typing": True, "timeout": int(seconds * 1000)} if seconds else {"typing": False}
        await self._http.request("PUT", "rooms", room_id, "typing", self.user_id, body=body)

    async def read(self, room_id: str, event_id: str, thread: str | None) -> None:
        """Show that we have read up to a message."""
        body = {"thread_id": thread or "main"}
        await self._http.request("POST", "rooms", room_id, "receipt", "m.read", event_id, body=body)

    async def _counted(self, method: str, *path: str, body: Mapping[str, object]) -> Json:
        return await self._gate.through(lambda: self._http.request(method, *path, body=body))


def is_duplicate(error: PlatformError) -> bool:
    """The server has this reaction of ours already."""
    return isinstance(error, Refused) and error.code == "M_DUPLICATE_ANNOTATION"


def _id(answer: Json, name: str) -> str:
    found = text(answer, name)
    if found is None:
        raise PlatformError(f"the homeserver answered without {name}")
    return found
