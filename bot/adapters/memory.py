"""The adapter for a `World`, in this process or (through `bot.adapters.wire`) in another one."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, assert_never, get_args

from bot.adapters.adapter import Adapter, Batch, Cursors
from bot.adapters.attaching import shown
from bot.adapters.cards import as_text
from bot.adapters.delivery import Delivery, Sent
from bot.adapters.pacing import EditBudget, Limit, Window
from bot.adapters.world import Act, Posted, World
from bot.core.actions import (
    Action,
    Alert,
    Archive,
    Ban,
    Delete,
    File,
    Hide,
    Kick,
    Lock,
    OpenThread,
    Pin,
    Post,
    Purge,
    React,
    Receipt,
    Reply,
    Report,
    SlowMode,
    StreamedReply,
    Timeout,
    Unban,
    Update,
    no_report,
)
from bot.core.below import Below
from bot.core.directory import Past
from bot.core.events import Attachment, Author, Channel, Event, Message, MessageRef, Reaction, ThreadOpened
from bot.core.permissions import Role

__all__ = ["MemoryAdapter", "Posted", "World"]

_SCOPE = "world"
_BATCH = 256
_PAGE = 100


class Server(Protocol):
    """What a bot's connection can ask of a World; `World` and `RemoteWorld` have it."""

    async def head(self) -> int: ...
    async def read(self, cursor: int, most: int) -> Sequence[Event]: ...
    async def send(
        self, channel: Channel, text: str, key: str, reply_to: str | None, private_to: str | None
    ) -> str: ...
    async def send_file(self, channel: Channel, file: File, key: str, private_to: str | None) -> str: ...
    async def find(self, key: str) -> str | None: ...
    async def rewrite(self, ref: MessageRef, text: str) -> None: ...
    async def act(self, action: Act, key: str) -> None: ...
    async def begin_thread(self, channel: Channel, title: str, key: str, on: str | None) -> Channel: ...
    async def open_private(self, member: Author) -> Channel: ...
    async def role(self, author: Author, channel: Channel) -> Role: ...
    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]: ...
    async def place(self, author: Author, community: str, id: str) -> Channel | None: ...
    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]: ...
    async def shared_with(self, channel: Channel) -> Sequence[Channel]: ...
    async def is_shared(self, thread: Channel) -> bool: ...
    async def history(
        self, channel: Channel, since: datetime, after: int, most: int
    ) -> Sequence[Message]: ...
    async def past(self, channel: Channel, since: datetime, after: int, most: int) -> Sequence[Event]: ...
    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]: ...
    async def missing_permissions(self, channel: Channel) -> Sequence[str]: ...
    async def hindrance(self, action: Act) -> str | None: ...
    async def rights_changed(self) -> None: ...
    async def attached(self, ref: MessageRef) -> Sequence[Attachment]: ...
    async def fetch(self, file: Attachment, most_bytes: int) -> bytes: ...


class MemoryAdapter(Adapter):
    """A bot's account in a World.

    Args:
        limit: makes the edit limit of one channel; generous unless a test wants it otherwise.
        message_limit: code points per message, not above the World's own.
    """

    def __init__(
        self,
        server: Server,
        platform: str = "memory",
        *,
        limit: Callable[[], Limit] = lambda: Window(1000, 1),
        message_limit: int = 2000,
    ) -> None:
        self.platform = platform
        self.directory = _Directory(server)
        self.budgets: dict[str, EditBudget] = {}
        self._server, self._limit, self._message_limit = server, limit, message_limit

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        """See `Adapter`."""
        known = since.get(_SCOPE)
        cursor = int(known) if known is not None else await self._server.head()
        if known is None:
            yield Batch((), {_SCOPE: str(cursor)})
        while True:
            events = tuple(await self._server.read(cursor, _BATCH))
            cursor += len(events)
            yield Batch(events, {_SCOPE: str(cursor)})

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        """See `Adapter`."""
        match action:
            case StreamedReply(to=to, chunks=chunks, personal=personal, author=author, afterwards=afterwards):
                delivery = self._delivery(to.channel, to.id, author.id if personal else None)
                return await delivery.stream(chunks, key, resume, report, afterwards=afterwards)
            case Reply(to=to, private=private, author=author):
                only = author.id if private else None
                return await self._say(action, to.channel, to.id, only, key, resume, report)
            case Post(channel=channel) if action.reader is not None:
                room = await self._server.open_private(action.reader)

                async def exists(receipt: Receipt) -> None:
                    await report(replace(receipt, channel=room))

                made = await self._say(action, room, None, None, key, resume, exists)
                return replace(made, channel=room)
            case Post(channel=channel):
                return await self._say(action, channel, None, None, key, resume, report)
            case Update(ref=ref):
                made = resume if resume is not None and resume.message_ids else Receipt((ref.id,))
                return await self._delivery(ref.channel).reply(as_text(action), key, made, report)
            case OpenThread(at=at, title=title):
                on = at.id if isinstance(at, MessageRef) else None
                return Receipt((), await self._server.begin_thread(action.channel, title, key, on))
            case Delete() | Hide() | Purge() | Pin() | React() | Alert() | Lock() | SlowMode() | Archive():
                await self._server.act(action, key)
                return Receipt()
            case Timeout() | Kick() | Ban() | Unban():
                await self._server.act(action, key)
                return Receipt()
            case _:
                assert_never(action)

    async def lacking(self, action: Action) -> str | None:
        """See `Adapter`."""
        return await self._server.hindrance(action) if isinstance(action, get_args(Act)) else None

    async def rights_changed(self) -> None:
        """See `Adapter`."""
        await self._server.rights_changed()

    async def _say(
        self,
        said: Reply | Post,
        place: Channel,
        to: str | None,
        only: str | None,
        key: str,
        resume: Receipt | None,
        report: Report,
    ) -> Receipt:
        by = self._delivery(place, to, only)
        return await shown(
            said.file,
            lambda before, exists: by.reply(as_text(said), key, before, exists),
            lambda file, key: self._server.send_file(place, file, key, only),
            key,
            resume,
            report,
        )

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """See `Adapter`."""
        return await self._server.attached(ref)

    async def fetch(self, attachment: Attachment, most_bytes: int) -> bytes:
        """See `Adapter`."""
        return await self._server.fetch(attachment, most_bytes)

    def _delivery(
        self, channel: Channel, reply_to: str | None = None, private_to: str | None = None
    ) -> Delivery:
        transport = _Transport(self._server, channel, reply_to, private_to, self._message_limit)
        budget = self.budgets.setdefault(channel.key, EditBudget(self._limit()))
        return Delivery(transport, budget)


class _Transport:
    """The messages of one answer in a World, whose members have reactions and no buttons."""

    buttons = cards = False

    def __init__(
        self, server: Server, channel: Channel, reply_to: str | None, private_to: str | None, limit: int
    ) -> None:
        self._server, self._channel = server, channel
        self._reply_to, self._private_to = reply_to, private_to
        self.limit = limit

    def length(self, text: str) -> int:
        return len(text)

    async def send(self, text: str, part: int, key: str, below: Below) -> Sent:
        reply_to = self._reply_to if part == 0 else None
        return Sent(await self._server.send(self._channel, text, key, reply_to, self._private_to))

    async def find(self, part: int, key: str) -> str | None:
        return await self._server.find(key)

    async def edit(self, message_id: str, text: str, below: Below) -> None:
        await self._server.rewrite(MessageRef(self._channel, message_id), text)

    async def delete(self, message_id: str) -> None:
        ref = MessageRef(self._channel, message_id)
        await self._server.act(Delete(ref, "replaced"), f"delete:{self._channel.key}:{message_id}")


class _Directory:
    """A World's answers to the core's questions."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def role(self, author: Author, channel: Channel) -> Role:
        return await self._server.role(author, channel)

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        return await self._server.readable_channels(author, community)

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        return await self._server.place(author, community, id)

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        return await self._server.threads(author, community)

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        return await self._server.shared_with(channel)

    async def is_shared(self, thread: Channel) -> bool:
        return await self._server.is_shared(thread)

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        read = 0
        while page := await self._server.history(channel, since, read, _PAGE):
            for message in page:
                yield message
            read += len(page)

    async def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        read = int(position or 0)
        while page := await self._server.past(channel, since, read, _PAGE):
            read += len(page)
            events = [event for event in page if isinstance(event, Message | Reaction | ThreadOpened)]
            yield Past(events, str(read))

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        return await self._server.threads_with(channel, since)

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        return await self._server.missing_permissions(channel)

    async def staff_channel(self, channel: Channel) -> Channel | None:
        return None

    async def link(self, channel: Channel, message_id: str) -> str | None:
        return f"memory://{channel.key}/{message_id}"
