"""A bot's hands on a real homeserver, without its ears: actions are performed, and a member looks."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.calls import Calls
from bot.adapters.matrix.rooms import Rooms
from bot.adapters.matrix.sending import Sender
from bot.adapters.matrix.settings import Settings
from bot.adapters.reading import Json
from bot.core.actions import Chunk, Receipt, Reply, StreamedReply
from bot.core.errors import Forbidden
from bot.core.events import Author, Channel, MessageRef
from tests.labs.people import Person, Shown, person
from tests.labs.synapse import Login, Synapse

_numbers = itertools.count(1)


class Recording(Account):
    """Notes every request, and can be told to fail one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.requests: list[tuple[str, tuple[str, ...]]] = []
        self._asked = asyncio.Event()
        self.faults: list[BaseException] = []
        """Raised by the next requests that send something, after they were done."""
        self.refused: set[str] = set()
        """What the homeserver does not let us do."""
        self.encrypts = False
        """The homeserver encrypts new rooms."""

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        base: tuple[str, ...] = ("_matrix", "client", "v3"),
    ) -> Json:
        self.requests.append((method, path))
        self._asked.set()
        if self.refused & {*path}:
            raise Forbidden("M_FORBIDDEN: not you")
        if self.encrypts and path == ("createRoom",):
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            state = {"type": "m.room.encryption", "state_key": "", "content": content}
            body = {**(body or {}), "initial_state": [state]}
        answer = await super().request(method, *path, body=body, query=query, timeout_s=timeout_s, base=base)
        if "send" in path and self.faults:
            raise self.faults.pop(0)
        return answer

    async def asked_for(self, what: str, times: int = 1) -> None:
        """Wait for so many requests of a kind to begin."""
        while self.sent(what) < times:
            self._asked.clear()
            await self._asked.wait()

    def sent(self, what: str = "send") -> int:
        """How many requests of a kind were made."""
        return sum(what in path for _, path in self.requests)


@dataclass
class Hands:
    """A room of ann's with the bot in it, and what the bot can do there."""

    synapse: Synapse
    login: Login
    ann: Person
    account: Recording
    rooms: Rooms
    calls: Calls
    sender: Sender
    settings: Settings
    room: str
    guests: dict[str, Person]
    """The others in the room, by name."""
    body: Person
    """The bot's account at another client."""
    now: datetime = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)

    @property
    def asker(self) -> Author:
        return Author("matrix", self.ann.id, "ann")

    def guest(self, name: str) -> Author:
        return Author("matrix", self.guests[name].id, name)

    async def place(self, thread: str | None = None) -> Channel:
        return (await self.rooms.get(self.room)).channel(thread)

    async def question(self, text: str = "Why?", *, thread: str | None = None) -> MessageRef:
        """What ann asks."""
        event_id = await self.ann.say(self.room, text, thread=thread or "")
        return MessageRef(await self.place(thread), event_id)

    async def reply(
        self,
        to: MessageRef,
        text: str,
        key: str = "k",
        resume: Receipt | None = None,
        *,
        private: bool = False,
        notice: bool = False,
        personal: bool = False,
    ) -> Receipt:
        reply = Reply(to, self.asker, text, private=private, notice=notice, personal=personal)
        return await self.sender.perform(reply, key, resume)

    async def stream(
        self, to: MessageRef, *chunks: Chunk | BaseException | asyncio.Event, key: str = "k"
    ) -> Receipt:
        return await self.sender.perform(StreamedReply(to, self.asker, chunked(*chunks)), key)

    async def shown(self, room: str | None = None) -> list[Shown]:
        return await self.ann.shown(room or self.room, self.login.user_id)

    async def texts(self) -> list[str]:
        return [each.text for each in await self.shown()]

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @asynccontextmanager
    async def again(self, moderators_room: str | None = None) -> AsyncIterator[Sender]:
        """The hands of a process that knows nothing of this one."""
        settings = replace(self.settings, moderators_room=moderators_room)
        account = Account(settings)
        sender = Sender(Calls(account), Rooms(account), settings, now=lambda: self.now)
        try:
            yield sender
        finally:
            await sender.close()
            await account.close()


async def chunked(*steps: Chunk | BaseException | asyncio.Event) -> AsyncIterator[Chunk]:
    """An answer; events are waited for, exceptions raised."""
    for step in steps:
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, asyncio.Event):
            await step.wait()
        else:
            yield step


@asynccontextmanager
async def hands(
    synapse: Synapse,
    folder: Path,
    *others: str,
    power: int = 100,
    version: str = "12",
    message_bytes: int = 16_000,
) -> AsyncIterator[Hands]:
    """A room of ann and these others, in which the bot has this power."""
    number = next(_numbers)
    login = await asyncio.to_thread(synapse.register, f"hands-{number}")
    ann = await asyncio.to_thread(synapse.register, f"ann-h{number}")
    logins = [await asyncio.to_thread(synapse.register, f"{name}-h{number}") for name in others]
    settings = Settings(synapse.url, login.user_id, folder / "matrix", password=login.password)
    account = Recording(settings)
    rooms, calls = Rooms(account), Calls(account)
    async with AsyncExitStack() as opened:
        owner, body, *rest = [
            await opened.enter_async_context(person(synapse.url, each)) for each in (ann, login, *logins)
        ]
        guests = dict(zip(others, rest, strict=True))
        levels = {login.user_id: power}
        room = await owner.make_room(login.user_id, *rest, levels=levels, version=version)
        for each in (body, *rest):
            await each.join(room)
        held: list[Hands] = []
        sender = Sender(calls, rooms, settings, message_bytes=message_bytes, now=lambda: held[0].now)
        held.append(Hands(synapse, login, owner, account, rooms, calls, sender, settings, room, guests, body))
        try:
            yield held[0]
        finally:
            await sender.close()
            await account.close()
