"""The console as a platform: what is typed are messages to the bot, what it says is written below."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Self, TextIO, assert_never

from bot.adapters.adapter import Adapter, Batch, Cursors
from bot.adapters.cards import as_text, with_alt
from bot.adapters.console.screen import Screen, Writing
from bot.core.actions import (
    Action,
    Alert,
    Archive,
    Ban,
    Chunk,
    Delete,
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
    Status,
    StreamedReply,
    Timeout,
    Unban,
    Update,
    no_report,
)
from bot.core.below import Below, with_sources
from bot.core.directory import Past
from bot.core.errors import Gone, Unsupported
from bot.core.events import Author, Channel, Message, MessageRef
from bot.core.permissions import Role
from bot.core.specs import CommandSpec

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

PLATFORM = "console"
COMMUNITY = "console"

_HISTORY = 1_000
"""Lines of this terminal that can be read again."""

_REMEMBERED = 256
"""Texts kept to know a repeated key; the outbox repeats one within seconds or not at all."""

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ConsoleAdapter(Adapter):
    """The person at the keyboard, who may do everything, in one channel.

    Every line is addressed to the bot. It continues the bot's last answer, as if it replied to it, so a
    conversation is what stands on the screen. Its history is what was typed in this process: nothing that
    was asked at another terminal, or before a restart, is answered at this one.
    """

    platform = PLATFORM
    command_prefix = "/"
    tells_joins = False

    def __init__(
        self, screen: Screen, name: str, channel: str, *, locale: str | None = None, now: Clock = _utc_now
    ) -> None:
        """Args: name: who types; locale: the language tag of their terminal, if it is to be used."""
        self.user = Author(PLATFORM, name, name)
        self.channel = Channel(PLATFORM, COMMUNITY, channel)
        self._typed: deque[Message] = deque(maxlen=_HISTORY)
        self._neighborhood = [self.channel]
        self.directory = _Directory(self.user, self._neighborhood, self._typed)
        self.one_at_a_time = screen.one_at_a_time
        self._screen, self._locale, self._now = screen, locale, now
        self._run = f"{now():%Y%m%d%H%M%S}{token_hex(3)}"  # ids are new in every process
        self._count = 0
        self._last_answer: str | None = None
        self._ahead: asyncio.Queue[str | None] | None = None
        self._shown: dict[str, tuple[str, str]] = {}

    @classmethod
    def piped(
        cls,
        name: str,
        channel: str,
        lines: AsyncIterator[bytes],
        out: TextIO,
        notes: TextIO,
        *,
        locale: str | None = None,
        now: Clock = _utc_now,
    ) -> Self:
        """A program writes the lines and reads the answers.

        Args:
            lines: any bytes, without line ends; `bot.adapters.console.piped.read_lines` reads stdin.
            out: gets each answer when it is complete.
            notes: gets what is for the operator.
        """
        from bot.adapters.console.piped import Pipe  # noqa: PLC0415 - each way loads only its own libraries

        return cls(Pipe(lines, out, notes), name, channel, locale=locale, now=now)

    @classmethod
    def terminal(
        cls,
        name: str,
        channel: str,
        history: Path,
        *,
        locale: str | None = None,
        now: Clock = _utc_now,
        source: "Input | None" = None,
        sink: "Output | None" = None,
    ) -> Self:
        """A person sits at a terminal.

        Args:
            history: the file of what was typed, readable by its owner only.
            source: where keys come from, unless it is the process's own terminal.
            sink: where the screen is drawn, likewise.
        """
        from bot.adapters.console.terminal import Terminal  # noqa: PLC0415 - prompt_toolkit only here

        return cls(Terminal(name, history, source, sink), name, channel, locale=locale, now=now)

    def beside(self, channels: Iterable[str]) -> None:
        """There are more channels to read, such as those of a community that was brought along."""
        known = {channel.id for channel in self._neighborhood}
        self._neighborhood += [Channel(PLATFORM, COMMUNITY, id) for id in channels if id not in known]

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Show the prompt now, though nobody listens yet; what is typed meanwhile waits for `events`."""
        self._ahead = asyncio.Queue()
        tasks.create_task(self._read_ahead(self._ahead), name="console lines")

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        """See `Adapter`; ends when the person leaves."""
        async for line in self._screen.lines() if self._ahead is None else _queued(self._ahead):
            if line.strip():
                yield Batch((self._message(line),))

    async def _read_ahead(self, ahead: "asyncio.Queue[str | None]") -> None:
        try:
            async for line in self._screen.lines():
                ahead.put_nowait(line)
        finally:
            ahead.put_nowait(None)

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        """See `Adapter`. What stands on a screen stands: another text for a key is written below it."""
        match action:
            case StreamedReply(to=to, chunks=chunks, afterwards=afterwards):
                await self._check(to, chunks)
                return await self._stream(chunks, afterwards, key, report)
            case Reply(to=to):
                await self._check(to)
                return await self._show(with_alt(action, self.command_prefix), key, report)
            case Post() if action.reader is not None and action.reader.identity != self.user.identity:
                raise Gone("somebody else is to read that, and not at this terminal")
            case Post(channel=channel):
                here = action.private or channel.key == self.channel.key
                elsewhere = "" if here else f"[#{channel.id}] "
                return await self._show(elsewhere + with_alt(action, self.command_prefix), key, report)
            case Update():
                return await self._show(as_text(action, self.command_prefix), key, report)
            case Alert(text=text):
                if self._is_new(key, text):
                    self._screen.note(text)
                    self._remember(key, "", text)
                return Receipt()
            case Delete() | Hide() | Purge() | Pin() | React() | OpenThread():
                raise Unsupported(f"a console has no way to {type(action).__name__.lower()}")
            case Timeout() | Kick() | Ban() | Unban() | Lock() | SlowMode() | Archive():
                raise Unsupported(f"a console has no way to {type(action).__name__.lower()}")
            case _:
                assert_never(action)

    async def offer(self, commands: tuple[CommandSpec, ...]) -> None:
        """See `Adapter`; a terminal completes their names."""
        self._screen.offer(commands)

    def progress(self, doing: str, share: float) -> None:
        """See `bot.llm.model.Progress`; safe from any thread, and over when `share` is 1."""
        self._screen.progress(doing, share)

    async def close(self) -> None:
        """See `Adapter`."""
        self._screen.close()

    def _message(self, line: str) -> Message:
        ref = MessageRef(self.channel, self._new_id())
        typed = Message(ref, self.user, line, self._now(), line, self._last_answer, locale=self._locale)
        self._typed.append(typed)
        return typed

    def _new_id(self) -> str:
        self._count += 1
        return f"{self._run}-{self._count}"

    async def _check(self, to: MessageRef, chunks: AsyncIterator[Chunk] | None = None) -> None:
        """Whoever asked at another terminal does not read this one."""
        if to.id.startswith(f"{self._run}-"):
            return
        if chunks is not None:
            await _close(chunks)
        raise Gone("the terminal where this was asked is closed")

    async def _show(self, text: str, key: str, report: Report) -> Receipt:
        if not text.strip():
            return Receipt()
        known = self._shown.get(key)
        message_id = known[0] if known is not None else self._new_id()
        if self._is_new(key, text):
            await self._screen.show(text)
            self._remember(key, message_id, text)
            await report(Receipt((message_id,)))
        return Receipt((message_id,))

    async def _stream(
        self, chunks: AsyncIterator[Chunk], afterwards: Callable[[], Below], key: str, report: Report
    ) -> Receipt:
        answer = _Answer(self._screen.write() if key not in self._shown else None)
        message_id = self._new_id()
        told = False

        async def tell() -> None:
            nonlocal told
            if answer.visible and not told:
                told = True
                self._last_answer = message_id
                await report(Receipt((message_id,)))

        try:
            async for chunk in chunks:
                await answer.add(chunk)
                await tell()
            if sources := afterwards().sources:
                await answer.add("\n\n" + with_sources("", sources))
        finally:
            await answer.end()
            await tell()
            if answer.visible:
                self._remember(key, message_id, answer.text)
            elif key in self._shown:
                await self._show(answer.text, key, report)
        return Receipt((self._shown[key][0],)) if key in self._shown else Receipt()

    def _is_new(self, key: str, text: str) -> bool:
        return key not in self._shown or self._shown[key][1] != text

    def _remember(self, key: str, message_id: str, text: str) -> None:
        self._shown[key] = (message_id, text)
        if len(self._shown) > _REMEMBERED:
            del self._shown[next(iter(self._shown))]


class _Answer:
    """A streamed text and, unless its key was shown before, its place on the screen."""

    def __init__(self, writing: Writing | None) -> None:
        self.text = ""
        self._writing = writing

    @property
    def visible(self) -> bool:
        return self._writing is not None and self._writing.visible

    async def add(self, chunk: Chunk) -> None:
        if not isinstance(chunk, Status):
            self.text += chunk
        if self._writing is not None:
            await self._writing.add(chunk)

    async def end(self) -> None:
        if self._writing is not None:
            await self._writing.end()


async def _queued(lines: "asyncio.Queue[str | None]") -> AsyncIterator[str]:
    """Lines as they come, until there is a None."""
    while (line := await lines.get()) is not None:
        yield line


async def _close(chunks: AsyncIterator[Chunk]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()


class _Directory:
    """Who is at the console, and where."""

    def __init__(self, user: Author, channels: Sequence[Channel], typed: Iterable[Message]) -> None:
        self._user, self._channels, self._typed = user, channels, typed

    async def role(self, author: Author, channel: Channel) -> Role:
        return Role.ADMIN if author.identity == self._user.identity else Role.MEMBER

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        return list(self._channels) if community == COMMUNITY else []

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        readable = await self.readable_channels(author, community)
        return next((channel for channel in readable if channel.id == id), None)

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        return ()

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        return list(self._channels) if channel.community == COMMUNITY else []

    async def is_shared(self, thread: Channel) -> bool:
        return True

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        for message in tuple(self._typed):
            if channel == message.ref.channel and message.at > since:
                yield message

    async def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        nothing: tuple[Past, ...] = ()
        for page in nothing:
            yield page

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        return ()

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        return ()

    async def staff_channel(self, channel: Channel) -> Channel | None:
        return None

    async def link(self, channel: Channel, message_id: str) -> str | None:
        return None
