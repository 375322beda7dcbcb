"""A World that another process can reach: JSON lines over a loopback socket, one connection for each call.

For drills that kill the bot: it runs as a process of its own; its platform, and everybody on it, lives on.
"""

import asyncio
import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar, cast, get_args

from pydantic import TypeAdapter

from bot.adapters.memory import Server
from bot.adapters.world import Act
from bot.core import errors
from bot.core.actions import File
from bot.core.errors import PlatformError, RateLimited
from bot.core.events import (
    Attachment,
    Author,
    Channel,
    Deletion,
    Edit,
    Event,
    Invocation,
    Join,
    Message,
    MessageRef,
    Reaction,
    ThreadClosed,
    ThreadOpened,
)
from bot.core.permissions import Role

T = TypeVar("T")

_HOST = "127.0.0.1"
_LONGEST_LINE = 1 << 26
_CALL_S = 60.0
_CALLS = frozenset(name for name in vars(Server) if not name.startswith("_"))
_EVENTS = (Message, Edit, Deletion, Reaction, Join, ThreadOpened, ThreadClosed, Invocation)
_BYTES = "bytes"
_ACTS: tuple[type[Act], ...] = get_args(Act)
_ADAPTERS: dict[str, TypeAdapter[object]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (*_EVENTS, *_ACTS, Attachment, File, Author, Channel, MessageRef, Role, datetime)
}


def encode(value: object) -> object:
    """Make anything that crosses the wire JSON-able; the name of its type goes with it."""
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, bytes):
        return {"type": _BYTES, "value": base64.b64encode(value).decode()}
    adapter = _ADAPTERS.get(type(value).__name__)
    if adapter is None:
        return value
    return {"type": type(value).__name__, "value": adapter.dump_python(value, mode="json")}


def decode(value: object) -> object:
    """The inverse of `encode`, except that tuples come back as lists."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, dict):
        if value["type"] == _BYTES:
            return base64.b64decode(value["value"])
        return _ADAPTERS[value["type"]].validate_python(value["value"])
    return value


class WorldServer:
    """Serves one World on a loopback port.

    Usage: `async with WorldServer(world) as port: …`
    """

    def __init__(self, world: Server) -> None:
        self._world = world
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._serve, _HOST, 0, limit=_LONGEST_LINE)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "start_server runs its callback in a task"  # noqa: S101
        self._serving.add(task)
        try:
            with suppress(ConnectionError):  # the caller was killed: nobody is left to tell
                line = await reader.readline()
                if line:
                    writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                    await writer.drain()
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            request = json.loads(line)
            name, arguments = str(request["call"]), decode(request["arguments"])
        except (ValueError, LookupError, TypeError) as error:
            return {"error": "PlatformError", "text": f"not a call: {error}"}
        if name not in _CALLS or not isinstance(arguments, list):
            return {"error": "PlatformError", "text": f"no call named {name}"}
        try:
            return {"result": encode(await getattr(self._world, name)(*arguments))}
        except RateLimited as error:
            return {"error": "RateLimited", "text": str(error), "retry_after_s": error.retry_after_s}
        except PlatformError as error:
            return {"error": type(error).__name__, "text": str(error)}


class RemoteWorld:
    """A World in another process, as a bot's connection sees it (see `memory.Server`)."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def head(self) -> int:
        """See `World.head`."""
        return await self._call(int, "head")

    async def read(self, cursor: int, most: int) -> Sequence[Event]:
        """See `World.read`."""
        return await self._call(list[Event], "read", cursor, most, timeout_s=None)

    async def send(
        self, channel: Channel, text: str, key: str, reply_to: str | None, private_to: str | None
    ) -> str:
        """See `World.send`."""
        return await self._call(str, "send", channel, text, key, reply_to, private_to)

    async def send_file(self, channel: Channel, file: File, key: str, private_to: str | None) -> str:
        """See `World.send_file`."""
        return await self._call(str, "send_file", channel, file, key, private_to)

    async def find(self, key: str) -> str | None:
        """See `World.find`."""
        found = await self._call(object, "find", key)
        return None if found is None else str(found)

    async def rewrite(self, ref: MessageRef, text: str) -> None:
        """See `World.rewrite`."""
        await self._call(object, "rewrite", ref, text)

    async def act(self, action: Act, key: str) -> None:
        """See `World.act`."""
        await self._call(object, "act", action, key)

    async def begin_thread(self, channel: Channel, title: str, key: str, on: str | None) -> Channel:
        """See `World.begin_thread`."""
        return await self._call(Channel, "begin_thread", channel, title, key, on)

    async def open_private(self, member: Author) -> Channel:
        """See `World.open_private`."""
        return await self._call(Channel, "open_private", member)

    async def role(self, author: Author, channel: Channel) -> Role:
        """See `World.role`."""
        return await self._call(Role, "role", author, channel)

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        """See `World.readable_channels`."""
        return await self._call(list[Channel], "readable_channels", author, community)

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        """See `World.place`."""
        return await self._call(Channel, "place", author, community, id)

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        """See `World.threads`."""
        found = await self._call(list[list[object]], "threads", author, community)
        return [(cast(Channel, channel), str(title)) for channel, title in found]

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        """See `World.shared_with`."""
        return await self._call(list[Channel], "shared_with", channel)

    async def is_shared(self, thread: Channel) -> bool:
        """See `World.is_shared`."""
        return await self._call(bool, "is_shared", thread)

    async def history(self, channel: Channel, since: datetime, after: int, most: int) -> Sequence[Message]:
        """See `World.history`."""
        return await self._call(list[Message], "history", channel, since, after, most)

    async def past(self, channel: Channel, since: datetime, after: int, most: int) -> Sequence[Event]:
        """See `World.past`."""
        return await self._call(list[Event], "past", channel, since, after, most)

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        """See `World.threads_with`."""
        return await self._call(list[Channel], "threads_with", channel, since)

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        """See `World.missing_permissions`."""
        return await self._call(list[str], "missing_permissions", channel)

    async def hindrance(self, action: Act) -> str | None:
        """See `World.hindrance`."""
        found = await self._call(object, "hindrance", action)
        return None if found is None else str(found)

    async def rights_changed(self) -> None:
        """See `World.rights_changed`; a world that does not answer tells nothing."""
        try:
            await self._call(object, "rights_changed", timeout_s=None)
        except PlatformError:
            await asyncio.Event().wait()

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """See `World.attached`."""
        return await self._call(list[Attachment], "attached", ref)

    async def fetch(self, file: Attachment, most_bytes: int) -> bytes:
        """See `World.fetch`."""
        return await self._call(bytes, "fetch", file, most_bytes)

    async def _call(
        self, returns: type[T], name: str, *arguments: object, timeout_s: float | None = _CALL_S
    ) -> T:
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._exchange(json.dumps({"call": name, "arguments": encode(arguments)}))
            answer = json.loads(line)
        except (OSError, TimeoutError, ValueError) as error:
            raise PlatformError(f"the world on port {self._port} does not answer: {error}") from error
        if "error" in answer:
            raise _error(answer)
        return cast(T, decode(answer["result"]))

    async def _exchange(self, request: str) -> bytes:
        reader, writer = await asyncio.open_connection(_HOST, self._port, limit=_LONGEST_LINE)
        try:
            writer.write(request.encode() + b"\n")
            await writer.drain()
            return await reader.readline()
        finally:
            writer.close()


def _error(answer: dict[str, object]) -> PlatformError:
    if answer["error"] == "RateLimited":
        return RateLimited(float(str(answer["retry_after_s"])))
    kind = cast(type[PlatformError], getattr(errors, str(answer["error"])))
    return kind(str(answer["text"]))
