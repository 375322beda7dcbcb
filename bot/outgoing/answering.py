"""One answer from its first placeholder to the row that says it is done."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from time import perf_counter

from bot.commands.rate import HELPFUL, UNHELPFUL
from bot.commands.sources import SOURCES
from bot.commands.stop import STOP
from bot.conversation.loops import LoopGuard
from bot.conversation.running import Handle
from bot.conversation.sourced import entry_of
from bot.core.actions import Chunk, Delete, Receipt, Reply, Status, StreamedReply
from bot.core.below import NOTHING, Below
from bot.core.errors import Gone, PlatformError
from bot.core.events import Channel, Message, MessageRef
from bot.core.text import _
from bot.moderation.judge import Judge
from bot.outgoing.delivering import Attempt, Deliverer
from bot.outgoing.keys import derived_key
from bot.storage.citations import Citation
from bot.storage.messages import SaidMessage
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.web.metrics import Metrics

log = logging.getLogger(__name__)


_RATED = ("answered", "sources:", "quotes:")
"""Outcomes of answers that members may call helpful or not."""


class Said:
    """An answer's chunks, read by a task of their own: when showing them fails, they are still read."""

    def __init__(self, chunks: AsyncIterator[Chunk], begins: Callable[[], None]) -> None:
        """Args: begins: called when the first text is there."""
        self._chunks, self._begins = chunks, begins
        self._seen: list[Chunk] = []
        self._ended = False
        self._news = asyncio.Event()

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(chunk for chunk in self._seen if not isinstance(chunk, Status))

    async def read(self) -> None:
        """Read to the end."""
        begun = False
        try:
            async for chunk in self._chunks:
                if not begun and not isinstance(chunk, Status):
                    begun = True
                    self._begins()
                self._seen.append(chunk)
                self._news.set()
        finally:
            self._ended = True
            self._news.set()

    async def stream(self) -> AsyncIterator[Chunk]:
        """All chunks from the first on, as they come; for one reader at a time."""
        shown = 0
        while not (self._ended and shown == len(self._seen)):
            if shown == len(self._seen):
                self._news.clear()
                await self._news.wait()
                continue
            shown += 1
            yield self._seen[shown - 1]

    async def whole(self) -> str:
        """Wait for the end and return everything."""
        async for _chunk in self.stream():
            pass
        return self.text


class Answering:
    """Shows answers and records what became of them."""

    def __init__(
        self,
        *,
        store: Store,
        deliverer: Deliverer,
        judge: Judge,
        loops: LoopGuard,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._deliverer = deliverer
        self._judge = judge
        self._loops = loops
        self._metrics = metrics
        self._now = now

    async def answer(
        self,
        question: Message,
        chunks: AsyncIterator[Chunk],
        handle: Handle,
        attempt: Attempt,
        *,
        judged: bool = True,
        personal: bool = False,
    ) -> Settlement:
        """Show an answer while it is written.

        Args:
            judged: whether the rules of the place are asked about it, as about everything a model writes.
            personal: nobody but the asker may ever read it.

        Returns:
            What is to be settled now that it stands, the finished row included.
        """
        began, platform = perf_counter(), question.ref.channel.platform
        cut: list[str] = []
        said = Said(
            self._judge.watch(chunks, question, stopped_by=cut.append) if judged else chunks,
            begins=lambda: self._metrics.first_text(platform, perf_counter() - began),
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(_read(said, chunks), name=f"read {attempt.row.key}")
                known = await self._show(question, said, handle, attempt, cut, personal=personal)
                if known is None:
                    reading.cancel()  # nobody will ever see the rest
        except BaseExceptionGroup as group:  # two tasks, but one fault
            raise group.exceptions[0] from group
        outcome = f"cut:{cut[0]}" if cut else handle.outcome or "answered"
        self._metrics.answered(platform, outcome.partition(":")[0], perf_counter() - began)
        return await self._recorded(question, known, said.text, outcome, handle, attempt)

    async def _recorded(
        self,
        question: Message,
        known: Receipt | None,
        text: str,
        outcome: str,
        handle: Handle,
        attempt: Attempt,
    ) -> Settlement:
        """What is written down about an answer that stands as `known`, or that nobody will ever see."""
        alerts = tuple(
            NewOutboxRow(derived_key(attempt.row.key, f"alert{n}"), alert.channel, None, alert)
            for n, alert in enumerate(handle.alerts)
        )
        if known is None or handle.reason == "deleted":
            await self.remove(question.ref.channel, attempt)
            unseen = ((question.ref, "failed:undeliverable"),)
            return Settlement(finished=(attempt.row.key,), outcomes=unseen, opened=alerts)
        self._loops.answered(question, self._now())
        return Settlement(
            finished=(attempt.row.key,),
            outcomes=((question.ref, outcome),),
            said=self._said(question, known, text if handle.keeps else ""),
            cited=_cited(known.refs(question.ref.channel), handle),
            opened=alerts,
        )

    async def remove(self, channel: Channel, attempt: Attempt) -> None:
        """Take back every message an answer has made so far."""
        known = attempt.known if attempt.known.message_ids else attempt.row.receipt
        for n, ref in enumerate(known.refs(channel)):
            row = replace(attempt.row, key=derived_key(attempt.row.key, f"removal{n}"))
            await self._deliverer.perform(Delete(ref, "withdrawn"), Attempt(row))

    async def _show(
        self,
        question: Message,
        said: Said,
        handle: Handle,
        attempt: Attempt,
        cut: Sequence[str],
        *,
        personal: bool,
    ) -> Receipt | None:
        async def exists(receipt: Receipt) -> None:
            if not told:
                told.append(True)
                self._loops.answered(question, self._now())
            handle.wrote(receipt.message_ids)
            self._store.messages.wrote(receipt.refs(question.ref.channel))

        told: list[bool] = []

        streamed = StreamedReply(
            question.ref,
            question.author,
            said.stream(),
            meanwhile=(STOP.translated(),),
            afterwards=lambda: NOTHING if cut else _below(handle),
            personal=personal,
        )
        try:
            return await self._deliverer.once(streamed, attempt, exists)
        except Gone:
            return None
        except PlatformError as error:
            log.warning("the answer's stream broke, it will be shown when it is complete: %s", error)
        text = await said.whole()
        sources = () if cut else _below(handle).sources
        reply = Reply(question.ref, question.author, text, personal=personal, sources=sources)
        return await self._deliverer.perform(reply, attempt, exists)

    def _said(self, question: Message, receipt: Receipt, text: str) -> tuple[SaidMessage, ...]:
        """The first message holds the whole text; its continuations are known as ours and hold none."""
        asked, at = question.ref.channel, self._now()
        return tuple(
            SaidMessage(
                ref,
                text if part == 0 else "",
                question.ref.id,
                at,
                question.author.identity,
                asked_at=question.at,
                opened_thread=ref.channel.thread is not None and ref.channel != asked,
            )
            for part, ref in enumerate(receipt.refs(asked))
        )


def _below(handle: Handle) -> Below:
    """What stands below a complete answer."""
    ratings = (HELPFUL, UNHELPFUL) if handle.outcome.startswith(_RATED) else ()
    controls = (*ratings, *((SOURCES,) if handle.sources else ()))
    entries = tuple(entry_of(number, source) for number, source in handle.sources)
    return Below(tuple(each.translated() for each in controls), entries)


def _cited(
    answer: Sequence[MessageRef], handle: Handle
) -> tuple[tuple[MessageRef, tuple[Citation, ...]], ...]:
    """What every message of an answer rests on: people press below any of them."""
    found = tuple(Citation(number, source.id, source.at, source.mark) for number, source in handle.sources)
    return tuple((ref, found) for ref in answer) if found else ()


async def _read(said: Said, chunks: AsyncIterator[Chunk]) -> None:
    """Read an answer; whatever ends the reading, such as a judge or a cancel, ends the model too."""
    try:
        await said.read()
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


def stale(question: Message) -> Reply:
    """What replaces a half-written answer that is too old to be written again."""
    return Reply(
        question.ref,
        question.author,
        _("I was interrupted while answering this, and it is a while ago. Please ask me again."),
    )
