"""Answers being written right now: they can be stopped, and a reply to one of them waits for it."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from bot.core.actions import Alert
from bot.core.events import Channel, Identity, MessageRef

if TYPE_CHECKING:  # numpy is behind it
    from bot.knowledge.answering import Source

StopReason = Literal["stopped", "deleted"]
T = TypeVar("T")


class Stopped(Exception):
    """Somebody stopped the answer."""


class Handle:
    """One answer from the moment its question is taken until its text is stored.

    Use it as a context manager, or call `finish`, after the answer's text is in the store: replies to
    it wait until then.

    Attributes:
        stopped: set when somebody stopped the answer.
        reason: why: "stopped" keeps what is written; "deleted" means the question is gone and the
            caller removes the answer.
        alerts: what the moderators have to be told because of this answer, for the caller to carry out.
        outcome: what became of the question, for `why` (English, never a body).
        sources: what the answer rests on, with the number by which it is cited.
        keeps: the text of the answer is kept as context; not if it repeats what others said.
    """

    def __init__(self, running: "Running", question: MessageRef, asker: Identity) -> None:
        self.question = question
        self.asker = asker
        self.stopped = asyncio.Event()
        self.reason: StopReason | None = None
        self.alerts: list[Alert] = []
        self.outcome = ""
        self.sources: tuple[tuple[int, Source], ...] = ()
        self.keeps = True
        self._running = running
        self._message_ids: frozenset[str] = frozenset()
        self._finished = asyncio.Event()
        self._scopes: set[asyncio.Timeout] = set()

    def wrote(self, message_ids: tuple[str, ...]) -> None:
        """These messages are the answer so far; called as soon as each exists."""
        self._message_ids = self._message_ids.union(message_ids)

    def is_in(self, channel: Channel, message_id: str) -> bool:
        """Whether a message is part of this answer, which may stand in a thread of the question's channel."""
        return message_id in self._message_ids and self.question.channel.parent == channel.parent

    def stands_in(self, channel: Channel) -> bool:
        """Whether this answer is written here: where it was asked, or in the thread opened for it there."""
        asked_in = self.question.channel
        opened = (asked_in.parent.key, self.question.id)
        return channel.key == asked_in.key or (channel.parent.key, channel.thread) == opened

    def stop(self, reason: StopReason) -> None:
        """End the answer now; a deletion outweighs a stop."""
        if self.reason != "deleted":
            self.reason = reason
        if self.stopped.is_set():
            return
        self.stopped.set()
        now = asyncio.get_running_loop().time()
        for scope in self._scopes:
            scope.reschedule(now)

    async def unless_stopped(self, work: Awaitable[T]) -> T:
        """Wait for `work`, but no longer than until the answer is stopped; `work` is cancelled then.

        Raises:
            Stopped: the answer is stopped, now or before.
        """
        scope = asyncio.timeout(0 if self.stopped.is_set() else None)
        try:
            async with scope:
                self._scopes.add(scope)
                try:
                    result = await work
                finally:
                    self._scopes.discard(scope)
        except TimeoutError as error:
            if scope.expired():
                raise Stopped from error
            raise
        if self.stopped.is_set():  # `work` was done without ever waiting
            raise Stopped
        return result

    async def finished(self) -> None:
        """Wait until the answer's text is stored."""
        await self._finished.wait()

    def finish(self) -> None:
        """The answer's text is stored, or the answer is given up."""
        self._running.forget(self)
        self._finished.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()


class Running:
    """All answers being written now: few, as the model's queue is bounded, so a plain search finds them."""

    def __init__(self) -> None:
        self._handles: dict[Handle, None] = {}

    def __len__(self) -> int:
        return len(self._handles)

    def begin(self, question: MessageRef, asker: Identity) -> Handle:
        """Enter an answer; whoever writes it finishes the handle."""
        handle = Handle(self, question, asker)
        self._handles[handle] = None
        return handle

    def forget(self, handle: Handle) -> None:
        """Drop a finished answer."""
        self._handles.pop(handle, None)

    def stop_question(self, question: MessageRef) -> bool:
        """A question was deleted: stop what answers it; True if something does."""
        place = question.channel.key
        found = [h for h in self._handles if h.question.id == question.id and h.question.channel.key == place]
        for handle in found:
            handle.stop("deleted")
        return bool(found)

    def stop(self, channel: Channel, by: Identity, moderator: bool) -> tuple[Handle, ...]:
        """Stop a member's own answers in a place, or all answers there for a moderator.

        Returns:
            The answers that were stopped.
        """
        found = tuple(
            handle
            for handle in self._handles
            if handle.stands_in(channel) and (moderator or handle.asker == by) and not handle.stopped.is_set()
        )
        for handle in found:
            handle.stop("stopped")
        return found

    async def wait_for(self, channel: Channel, message_id: str) -> None:
        """Wait until the answer a message belongs to is stored; any other message is not waited for."""
        handle = next((h for h in self._handles if h.is_in(channel, message_id)), None)
        if handle is not None:
            await handle.finished()

    def is_writing(self, channel: Channel, message_id: str) -> bool:
        """Whether a message is part of an answer that is still being written."""
        return any(handle.is_in(channel, message_id) for handle in self._handles)
