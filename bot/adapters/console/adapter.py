"""The console as a platform: what is typed are messages to the bot, what it says is written below."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Self, TextIO, assert_never

from bot.adapters.adapter import Adapter, Batch, Cursors
from bot.adapters.cards import as_text, with_alt
from bot.adapters.console.around import Around, spoken
from bot.adapters.console.harmless import unescaped
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
    Moderation,
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
from bot.core.errors import Gone, Unsupported
from bot.core.events import Author, Channel, Deletion, Message, MessageRef
from bot.core.permissions import Role
from bot.core.specs import CommandSpec
from bot.core.text import _

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

PLATFORM = "console"
COMMUNITY = "console"

_HISTORY = 1_000
"""Lines of this terminal that can be read again."""

_REMEMBERED = 256
"""Texts kept to know a repeated key; the outbox repeats one within seconds or not at all."""

_FOR_GOOD = datetime.max.replace(tzinfo=UTC)

_CALLS = ("/", "／")
"""What a command begins with here."""

Act = Moderation | React | OpenThread
"""Actions that show nothing."""

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ConsoleAdapter(Adapter):
    """The person at the keyboard, who may do everything, in one channel.

    Every line is addressed to the bot. It continues the bot's last answer, as if it replied to it, so a
    conversation is what stands on the screen. Its history is what was typed in this process: nothing that
    was asked at another terminal, or before a restart, is answered at this one.

    A line `/as NAME TEXT` is said by a member, who may not do everything: to the channel, or to the bot if
    the text is a command. What follows continues it, so that a moderator's `/why` is about it. Where a
    community was brought along, `#help How …?` is said to the members of that channel and not to the bot.
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
        self._around = Around(self.user, self.channel, self._typed)
        self.directory = self._around
        self.one_at_a_time = screen.one_at_a_time
        self._screen, self._locale, self._now = screen, locale, now
        self._run = f"{now():%Y%m%d%H%M%S}{token_hex(3)}"  # ids are new in every process
        self._count = 0
        self._last: str | None = None
        self._removed: deque[Deletion] = deque()
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
        more: str = "",
        source: "Input | None" = None,
        sink: "Output | None" = None,
    ) -> Self:
        """A person sits at a terminal.

        Args:
            history: the file of what was typed, readable by its owner only.
            more: what is to be told at the beginning besides how it is used.
            source: where keys come from, unless it is the process's own terminal.
            sink: where the screen is drawn, likewise.
        """
        from bot.adapters.console.terminal import Terminal  # noqa: PLC0415 - prompt_toolkit only here

        return cls(Terminal(name, history, source, sink, more=more), name, channel, locale=locale, now=now)

    def beside(self, channels: Mapping[str, Role], members: Mapping[Author, Role]) -> None:
        """A community was brought along: ids of its channels, with who may read them, and its members."""
        self._around.bring(
            {Channel(PLATFORM, COMMUNITY, id): least for id, least in channels.items()}, members
        )

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Show the prompt now, though nobody listens yet; what is typed meanwhile waits for `events`."""
        self._ahead = asyncio.Queue()
        tasks.create_task(self._read_ahead(self._ahead), name="console lines")

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        """See `Adapter`; ends when the person leaves."""
        async for line in self._screen.lines() if self._ahead is None else _queued(self._ahead):
            while self._removed:
                yield Batch((self._removed.popleft(),))
            if line.strip() and (message := await self._message(line)) is not None:
                yield Batch((message,))
        while self._removed:
            yield Batch((self._removed.popleft(),))

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
            case StreamedReply(to=to, chunks=chunks, author=author):
                await self._check(to, chunks)
                mark = self._for(author if action.personal else None)
                return await self._stream(chunks, action.afterwards, key, report, mark)
            case Reply(to=to, author=author):
                await self._check(to)
                mark = self._for(author if action.private or action.personal else None)
                text = mark + self._where(to.channel) + with_alt(action, self.command_prefix)
                return await self._show(text, key, report)
            case Post():
                text = self._place(action) + with_alt(action, self.command_prefix)
                return await self._show(text, key, report)
            case Update(ref=ref):
                return await self._show(as_text(action, self.command_prefix), key, report, ref.id)
            case Alert(text=text):
                if self._is_new(key, text):
                    self._screen.note(text)
                    self._remember(key, "", text)
                return Receipt()
            case _:
                self._act(action)
                return Receipt()

    def _act(self, action: Act) -> None:
        match action:
            case Delete(ref=ref) | Hide(ref=ref):
                self._remove((ref.id,), ref.channel)
            case Purge(channel=channel, message_ids=ids):
                self._remove(ids, channel)
            case Timeout(author=author, duration_s=duration_s):
                self._around.silence(author, self._now() + timedelta(seconds=duration_s))
            case Ban(author=author):
                self._around.silence(author, _FOR_GOOD)
            case Unban(author=author):
                self._around.silence(author, self._now())
            case Kick():
                return  # who has to leave may come back, and here that is their next line
            case Pin() | React() | OpenThread() | Lock() | SlowMode() | Archive():
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

    async def _message(self, line: str) -> Message | None:
        """What a line says, and who says it; None where it only asks how to."""
        author, text = self.user, line
        if (said := spoken(line)) is not None:
            name, text = said
            if not text:
                await self._screen.show(self._around.usage())
                return None
            author = self._around.named(name)
        elsewhere, text = self._around.addressee(author, text)
        to_us = elsewhere is None and (author is self.user or text.startswith(_CALLS))
        until = None if to_us else self._around.silent_until(author, self._now())
        if until is not None:
            await self._screen.show(_silenced(author, until))
            return None
        typed = Message(
            MessageRef(elsewhere or self.channel, self._new_id()),
            author,
            text,
            self._now(),
            addressed=text if to_us else None,
            reply_to=self._last if to_us else None,
            locale=self._locale,
        )
        if not to_us and elsewhere is None:
            self._last = typed.ref.id
        self._typed.append(typed)
        return typed

    def _place(self, post: Post) -> str:
        """The mark of a post that stands elsewhere, or is for one reader.

        Raises:
            Gone: nobody who may read it sits here.
        """
        if post.reader is None:
            return self._where(post.channel)
        if not self._around.sits_here(post.reader):
            raise Gone("somebody else is to read that, and not at this terminal")
        return self._for(post.reader)

    def _for(self, reader: Author | None) -> str:
        """The mark of what only one reader may see, unless that is who sits here anyway."""
        return "" if reader is None or reader.identity == self.user.identity else f"[@{reader.id}] "

    def _remove(self, ids: Sequence[str], channel: Channel) -> None:
        """Take messages out of the channel, though not off the screen, and tell of it."""
        for message in tuple(self._typed):
            if message.ref.channel == channel and message.ref.id in ids:
                self._typed.remove(message)
        self._removed += [Deletion(MessageRef(channel, id), self._now()) for id in ids]
        if self._ahead is not None:
            self._ahead.put_nowait("")  # wakes who waits for a line

    def _where(self, channel: Channel) -> str:
        return "" if channel.key == self.channel.key else f"[#{channel.id}] "

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

    async def _show(self, text: str, key: str, report: Report, of: str | None = None) -> Receipt:
        """Show a text; `of` is the message that it is a new text of."""
        if not text.strip():
            return Receipt()
        text = unescaped(text)
        known = self._shown.get(key)
        message_id = known[0] if known is not None else of or self._new_id()
        if self._is_new(key, text):
            await self._screen.show(text)
            self._remember(key, message_id, text)
            await report(Receipt((message_id,)))
        return Receipt((message_id,))

    async def _stream(
        self,
        chunks: AsyncIterator[Chunk],
        afterwards: Callable[[], Below],
        key: str,
        report: Report,
        mark: str,
    ) -> Receipt:
        answer = _Answer(self._screen.write() if key not in self._shown else None)
        message_id = self._new_id()
        told = False

        async def tell() -> None:
            nonlocal told
            if answer.visible and not told:
                told = True
                self._last = message_id
                await report(Receipt((message_id,)))

        try:
            async for chunk in chunks:
                if mark and not isinstance(chunk, Status):
                    chunk, mark = mark + chunk, ""
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


def _silenced(author: Author, until: datetime) -> str:
    if until == _FOR_GOOD:
        return _("{name} is banned, and says nothing here any more.", name=author.name)
    return _("{name} may not write here before {time} UTC.", name=author.name, time=f"{until:%H:%M:%S}")


async def _queued(lines: "asyncio.Queue[str | None]") -> AsyncIterator[str]:
    """Lines as they come, until there is a None."""
    while (line := await lines.get()) is not None:
        yield line


async def _close(chunks: AsyncIterator[Chunk]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
