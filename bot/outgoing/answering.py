"""One answer from its first placeholder to the row that says it is done."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

from bot.conversation.loops import LoopGuard
from bot.conversation.running import Handle
from bot.core.actions import Chunk, Delete, Receipt, Reply, Status, StreamedReply
from bot.core.errors import Gone, PlatformError
from bot.core.events import Channel, Message, MessageRef
from bot.core.text import _
from bot.moderation.judge import Judge
from bot.outgoing.delivering import Attempt, Deliverer
from bot.outgoing.keys import derived_key
from bot.storage.messages import SaidMessage
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.web.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Said:
    """The chunks of an answer, and their text as far as they were read."""

    chunks: AsyncIterator[Chunk]
    begins: Callable[[], None]
    text: str = ""

    async def stream(self) -> AsyncIterator[Chunk]:
        """Pass the chunks on."""
        async for chunk in self.chunks:
            if not isinstance(chunk, Status):
                if not self.text:
                    self.begins()
                self.text += chunk
            yield chunk

    async def whole(self) -> str:
        """Read what is left and return everything."""
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
        self, question: Message, chunks: AsyncIterator[Chunk], handle: Handle, attempt: Attempt
    ) -> Settlement:
        """Show an answer while it is written.

        Returns:
            What is to be settled now that it stands, the finished row included.
        """
        began, platform = perf_counter(), question.ref.channel.platform
        said = Said(
            self._judge.watch(chunks, question),
            begins=lambda: self._metrics.first_text(platform, perf_counter() - began),
        )
        try:
            known = await self._show(question, said, handle, attempt)
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()  # a judge that stopped the answer, or a cancel, stops the model too
        outcome = handle.outcome or "answered"
        self._metrics.answered(platform, outcome.partition(":")[0], perf_counter() - began)
        if handle.reason == "deleted" or known is None:
            await self.remove(question.ref.channel, attempt)
            return Settlement(finished=(attempt.row.key,))
        self._loops.answered(question, self._now())
        alerts = tuple(
            NewOutboxRow(derived_key(attempt.row.key, f"alert{n}"), alert.channel, None, alert)
            for n, alert in enumerate(handle.alerts)
        )
        return Settlement(
            finished=(attempt.row.key,),
            outcomes=((question.ref, outcome),),
            said=self._said(question, known, said.text),
            opened=alerts,
        )

    async def remove(self, channel: Channel, attempt: Attempt) -> None:
        """Take back every message an answer has made so far."""
        known = attempt.known if attempt.known.message_ids else attempt.row.receipt
        for n, message_id in enumerate(known.message_ids):
            row = replace(attempt.row, key=derived_key(attempt.row.key, f"removal{n}"))
            removal = Delete(MessageRef(known.channel or channel, message_id), "withdrawn")
            await self._deliverer.perform(removal, Attempt(row))

    async def _show(self, question: Message, said: Said, handle: Handle, attempt: Attempt) -> Receipt | None:
        async def exists(receipt: Receipt) -> None:
            if not told:
                told.append(True)
                self._loops.answered(question, self._now())
            handle.wrote(receipt.message_ids)

        told: list[bool] = []

        streamed = StreamedReply(question.ref, question.author, said.stream())
        try:
            return await self._deliverer.once(streamed, attempt, exists)
        except Gone:
            return None
        except PlatformError as error:
            log.warning("the answer's stream broke, it will be shown when it is complete: %s", error)
        text = await said.whole()
        return await self._deliverer.perform(Reply(question.ref, question.author, text), attempt, exists)

    def _said(self, question: Message, receipt: Receipt, text: str) -> tuple[SaidMessage, ...]:
        """The first message holds the whole text; its continuations are known as ours and hold none."""
        place, at = receipt.channel or question.ref.channel, self._now()
        return tuple(
            SaidMessage(
                MessageRef(place, message_id),
                text if part == 0 else "",
                question.ref.id,
                at,
                question.author.identity,
            )
            for part, message_id in enumerate(receipt.message_ids)
        )


def stale(question: Message) -> Reply:
    """What replaces a half-written answer that is too old to be written again."""
    return Reply(
        question.ref,
        question.author,
        _("I was interrupted while answering this, and it is a while ago. Please ask me again."),
    )
