"""Answers that outgrow a channel: their beginning stands there, the rest is in nobody's way.

Up to 8,000 characters are messages of the channel. A longer answer goes on in a thread on its first message;
where the bot may open none, and where a slash command is answered, all of it is a file at its end.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from bot.adapters.delivery import Delivery, part_key
from bot.adapters.discord.calls import Calls
from bot.adapters.discord.rights import Rights
from bot.adapters.discord.threads import open_thread
from bot.adapters.discord.transport import LIMIT
from bot.adapters.fences import open_fence
from bot.core.actions import Chunk, File, Receipt, Report, Status, no_report
from bot.core.below import NOTHING, Below, nothing, with_sources
from bot.core.controls import Control
from bot.core.errors import BotError, Forbidden, Gone, Unsupported
from bot.core.events import Channel
from bot.core.text import _

MOST = 8_000
"""Characters of an answer that stand in a channel."""

_SAFE = MOST - 500  # in the text behind this the cut is looked for, so it is shown when the cut is known
_TITLE = 60

_log = logging.getLogger(__name__)


class Text:
    """A text as it is written, cut where a channel has enough of it."""

    def __init__(self, chunks: AsyncIterator[Chunk]) -> None:
        self._chunks = chunks
        self.whole = ""
        self.cut: int | None = None

    @classmethod
    def finished(cls, said: str) -> "Text":
        """A text that is complete."""
        made = cls(_nothing())
        made.whole, made.cut = said, cut_of(said) if len(said) > MOST else None
        return made

    async def beginning(self) -> AsyncIterator[Chunk]:
        """What stands in the channel."""
        shown = 0
        try:
            async for chunk in self._chunks:
                if isinstance(chunk, Status):
                    yield chunk
                    continue
                self.whole += chunk
                if len(self.whole) > MOST:
                    self.cut = cut_of(self.whole)
                    yield self.whole[shown : self.cut]
                    return
                if (so_far := min(len(self.whole), _SAFE)) > shown:
                    yield self.whole[shown:so_far]
                    shown = so_far
        except BotError:
            yield self.whole[shown:]
            raise
        yield self.whole[shown:]

    async def rest(self) -> AsyncIterator[Chunk]:
        """What comes after that."""
        assert self.cut is not None, "there is a rest only behind a cut"  # noqa: S101
        yield reopened(self.whole[: self.cut]) + self.whole[self.cut :]
        async for chunk in self._chunks:
            if not isinstance(chunk, Status):
                self.whole += chunk
                yield chunk

    async def close(self) -> None:
        """Nobody reads on."""
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


def cut_of(text: str) -> int:
    """Where a text of more than `MOST` characters is cut: behind a paragraph, a line or a word."""
    for end in ("\n\n", "\n", " "):
        if (found := text.rfind(end, _SAFE, MOST)) >= 0:
            return found + len(end)
    return MOST


def reopened(text: str) -> str:
    """The line that opens again the code block in which a text ends, if it does."""
    fence = open_fence(text, LIMIT // 4 - 1)
    return "" if fence is None else f"{fence.margin}{fence.marker}{fence.info}\n"


@dataclass(frozen=True, slots=True)
class _Known:
    """What an earlier attempt made.

    Attributes:
        head: the messages in the channel; None if there was no earlier attempt.
        tail: those in the thread, or the one with the file.
        thread: the thread.
    """

    head: Receipt | None = None
    tail: Receipt | None = None
    thread: Channel | None = None

    @classmethod
    def of(cls, resume: Receipt | None) -> "_Known":
        if resume is None:
            return cls()
        many = len(resume.message_ids) if resume.head is None else resume.head
        tail = Receipt(resume.message_ids[many:])
        return cls(Receipt(resume.message_ids[:many]), tail, resume.channel)


class Files(Protocol):
    """Messages with a file, where an answer stands; see `ChannelTransport`."""

    async def send_file(self, said: str, key: str, below: Below, content: bytes) -> str:
        """Post one, and return its id."""
        ...

    async def find_file(self, after: str) -> str | None:
        """The one that an earlier attempt made behind a message of ours, if that can be told."""
        ...

    async def edit_file(self, message_id: str, said: str, below: Below, content: bytes) -> None:
        """Give one another file."""
        ...

    async def attach(self, file: File, key: str) -> str:
        """Post one that an action brought along; see `bot.adapters.attaching.Attach`."""
        ...

    async def delete(self, message_id: str) -> None:
        """Remove one."""
        ...


Threads = Callable[[str, str], Awaitable[Channel | None]]
"""Opens a thread on a message with a title; None where there may be none."""


async def no_thread(message_id: str, title: str) -> Channel | None:
    """For answers that go on in a file only: those to slash commands."""
    return None


def threads_in(calls: Calls, rights: Rights, place: Channel) -> Threads:
    """Threads in a channel, as far as we may open and use them."""

    async def opened(message_id: str, title: str) -> Channel | None:
        may = rights.allow(place, "create_public_threads", "send_messages_in_threads")
        if not may or place.private or place.thread is not None:
            return None
        try:
            return await open_thread(calls, place, message_id, title)
        except (Forbidden, Unsupported) as error:
            _log.info("no thread for a long answer: %s", error, extra={"channel": place.key})
            return None

    return opened


class LongAnswer:
    """Delivers an answer to a message or a slash command; see `Delivery`.

    Args:
        head: delivers what stands where it was asked.
        tail: makes what delivers the rest into a thread.
        thread: opens that.
        files: makes the messages with a file, where there is no thread.
    """

    def __init__(
        self, head: Delivery, tail: Callable[[Channel], Delivery], thread: Threads, files: Files
    ) -> None:
        self._head, self._tail, self._open, self._files = head, tail, thread, files

    async def reply(
        self,
        said: str,
        key: str,
        resume: Receipt | None = None,
        report: Report = no_report,
        below: Below = NOTHING,
    ) -> Receipt:
        """Show a finished text."""
        known, whole = _Known.of(resume), Text.finished(said)
        here = below if whole.cut is None else NOTHING
        made = await self._head.reply(said[: whole.cut], key, known.head, _reported(report, known), here)
        if whole.cut is None:
            return await self._without_tail(made, known, key, report)
        return await self._with_tail(made, whole, known, key, report, (), lambda: below)

    async def stream(
        self,
        chunks: AsyncIterator[Chunk],
        key: str,
        resume: Receipt | None = None,
        report: Report = no_report,
        meanwhile: tuple[Control, ...] = (),
        afterwards: Callable[[], Below] = nothing,
    ) -> Receipt:
        """Show a text while it is being written; what stands below it stands below its end."""
        known, whole = _Known.of(resume), Text(chunks)

        def here() -> Below:
            return afterwards() if whole.cut is None else NOTHING

        try:
            told = _reported(report, known)
            made = await self._head.stream(whole.beginning(), key, known.head, told, meanwhile, here)
            if whole.cut is None:
                return await self._without_tail(made, known, key, report)
            return await self._with_tail(made, whole, known, key, report, meanwhile, afterwards)
        finally:
            await whole.close()

    async def attach(self, file: File, key: str) -> str:
        """Post a message with a file where the answer stands."""
        return await self._files.attach(file, key)

    async def _without_tail(self, made: Receipt, known: _Known, key: str, report: Report) -> Receipt:
        """What is short this time leaves nothing of what was long before."""
        if known.thread is not None and known.tail is not None:
            await self._tail(known.thread).reply("", f"{key}t", known.tail)
        elif known.tail is not None:
            for each in known.tail.message_ids:
                with suppress(Gone):
                    await self._files.delete(each)
        if known.tail is not None and known.tail.message_ids:
            await report(made)
        return made

    async def _with_tail(
        self,
        made: Receipt,
        whole: Text,
        known: _Known,
        key: str,
        report: Report,
        meanwhile: tuple[Control, ...],
        afterwards: Callable[[], Below],
    ) -> Receipt:
        many = len(made.message_ids)
        thread = await self._thread(made, whole, known)
        if thread is None:
            return await self._with_file(made, whole, known, key, report, afterwards)

        async def exists(tail: Receipt) -> None:
            await report(Receipt(made.message_ids + tail.message_ids, thread, many))

        rest = await self._tail(thread).stream(
            whole.rest(), f"{key}t", known.tail, exists, meanwhile, afterwards
        )
        return Receipt(made.message_ids + rest.message_ids, thread, many)

    async def _thread(self, made: Receipt, whole: Text, known: _Known) -> Channel | None:
        """The thread in which it goes on; None where a file is better, or was made already."""
        if known.thread is not None:
            return known.thread
        if known.tail is not None and known.tail.message_ids:
            return None
        title = whole.whole.lstrip("#> \n").partition("\n")[0][:_TITLE]
        return await self._open(made.message_ids[0], title)

    async def _with_file(
        self,
        made: Receipt,
        whole: Text,
        known: _Known,
        key: str,
        report: Report,
        afterwards: Callable[[], Below],
    ) -> Receipt:
        async for _chunk in whole.rest():
            pass  # it is read to its end first
        many, below = len(made.message_ids), afterwards()
        said = _("This answer is too long for messages. All of it is in the file.")
        content = with_sources(whole.whole, below.sources).encode("utf-8", "replace")
        if (before := await self._file(made, known)) is not None:
            with suppress(Gone):
                await self._files.edit_file(before, said, below, content)
                return Receipt((*made.message_ids, before), None, many)
        sent = await self._files.send_file(said, part_key(key, many, 1), below, content)
        receipt = Receipt((*made.message_ids, sent), None, many)
        await report(receipt)
        return receipt

    async def _file(self, made: Receipt, known: _Known) -> str | None:
        """The message with the file that an earlier attempt made, also if it could not say so."""
        if known.tail is None or known.tail.message_ids:
            return known.tail.message_ids[0] if known.tail is not None else None
        return await self._files.find_file(made.message_ids[-1])


def _reported(report: Report, known: _Known) -> Report:
    """Reports of the beginning keep what is known of the rest, until that is settled."""

    async def exists(head: Receipt) -> None:
        tail = known.tail.message_ids if known.tail is not None else ()
        many = len(head.message_ids) if tail else None
        await report(replace(head, message_ids=head.message_ids + tail, channel=known.thread, head=many))

    return exists


async def _nothing() -> AsyncIterator[Chunk]:
    nothing: tuple[Chunk, ...] = ()
    for chunk in nothing:
        yield chunk
