"""Bringing an answer to its reader: placeholder, growing text, continued messages, and always an end.

Reading the answer and showing it are two tasks: the reader fills a draft as fast as the model writes; the
writer makes the platform's messages equal to the draft, one call at a time, as often as the budget allows.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, Protocol

from bot.adapters.pacing import EditBudget, Priority
from bot.adapters.splitting import split
from bot.core.actions import Chunk, Receipt, Report, Status, no_report
from bot.core.below import NOTHING, Below, nothing, with_sources
from bot.core.controls import Control
from bot.core.errors import Forbidden, Gone, PlatformError, RateLimited, Unsupported

PLACEHOLDER = "…"
KEY_LENGTH = 25
"""Discord's nonce has at most 25 characters (its OpenAPI specification, MessageCreateRequest)."""

_PATIENCE_S = 0.3  # an answer that begins sooner needs no placeholder
_SETTLE_S = 0.02  # an answer that is complete this soon after its first word needs no edit
_FAREWELL_S = 5.0  # for the last edit when the task is cancelled
_TRIES = 5
_BACKOFF_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """An existing message; `text` is its text if the platform tells it; a repeated key finds an old one."""

    id: str
    text: str | None = None


class Transport(Protocol):
    """How the messages of one answer reach a platform. All methods raise PlatformErrors.

    Attributes:
        limit: how long a message may be, as `length` measures it.
        buttons: whether controls stand below messages here; if not, none is ever given.
        cards: whether sources stand in a card below messages here; if not, they are part of the text.
    """

    limit: int
    buttons: bool
    cards: bool

    def length(self, text: str) -> int:
        """How much of `limit` a text takes; see `splitting.Length`."""
        ...

    async def send(self, text: str, part: int, key: str, below: Below) -> Sent:
        """Post a message; the first (part 0) is the reply that tells the asker. Same key, same message.

        A platform may answer with a message that was deleted since; then editing it has to raise Gone.
        """
        ...

    async def find(self, part: int, key: str) -> str | None:
        """The id of a message that this key made in an earlier attempt, if the platform can tell."""
        ...

    async def edit(self, message_id: str, text: str, below: Below) -> None:
        """Give a message a new text and what stands below it, telling nobody."""
        ...

    async def delete(self, message_id: str) -> None:
        """Remove a message."""
        ...


def part_key(key: str, part: int, edition: int = 0) -> str:
    """The idempotency key of one message of an answer, within 25 characters."""
    ending = f".{part}" if not edition else f".{part}r{edition}"
    if len(key) + len(ending) > KEY_LENGTH:
        key = blake2b(key.encode(), digest_size=8).hexdigest()
    return key + ending


class Delivery:
    """Delivers one answer.

    Args:
        edits: the budget that edits (and deletions) of this channel or account share.
        sends: the budget of new messages, where the platform counts them apart; otherwise the same.
        placeholder: shown while there is neither text nor status.
    """

    def __init__(
        self,
        transport: Transport,
        edits: EditBudget,
        sends: EditBudget | None = None,
        *,
        placeholder: str = PLACEHOLDER,
    ) -> None:
        self._transport, self._placeholder = transport, placeholder
        self._edits, self._sends = edits, sends or edits

    async def reply(
        self,
        text: str,
        key: str,
        resume: Receipt | None = None,
        report: Report = no_report,
        below: Below = NOTHING,
    ) -> Receipt:
        """Show a finished text, in as many messages as it needs; `below` stands below the last."""
        draft = _Draft(self._placeholder, (), lambda: below)
        draft.add(text)
        draft.finish()
        return await self._writer(draft, key, resume, report).run()

    async def stream(
        self,
        chunks: AsyncIterator[Chunk],
        key: str,
        resume: Receipt | None = None,
        report: Report = no_report,
        meanwhile: tuple[Control, ...] = (),
        afterwards: Callable[[], Below] = nothing,
    ) -> Receipt:
        """Show a text while it is being written.

        However the chunks end, the messages end with the text so far (without any text they are removed); an
        error of the chunks, or a cancellation, is raised after that. If somebody deletes a message meanwhile,
        the chunks are closed and Gone is raised.

        Args:
            resume: what an earlier attempt made; give it, even empty, whenever there was one: then what a
                repeated key finds is brought to the new text.
            meanwhile: controls below the last message while it grows.
            afterwards: what stands below the last message when it is complete.
        """
        draft = _Draft(self._placeholder, meanwhile, afterwards)
        writer = self._writer(draft, key, resume, report)
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(writer.run())
                try:
                    async for chunk in chunks:
                        draft.add(chunk)
                    draft.finish()
                    await asyncio.shield(writing)
                except asyncio.CancelledError:
                    draft.finish()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_FAREWELL_S):
                            await writing
                    raise
                finally:
                    draft.finish()
                    await writing
        except BaseExceptionGroup as failures:
            raise failures.exceptions[-1] from None
        return writing.result()

    def _writer(self, draft: "_Draft", key: str, resume: Receipt | None, report: Report) -> "_Writer":
        return _Writer(self._transport, draft, self._edits, self._sends, key, resume, report)


class _Draft:
    """What is to be shown, as far as it is known."""

    def __init__(
        self, placeholder: str, meanwhile: tuple[Control, ...], afterwards: Callable[[], Below]
    ) -> None:
        self.text = ""
        self.status = placeholder
        self.below = Below(meanwhile)
        self._afterwards = afterwards
        self.finished = False
        self.changed = asyncio.Event()
        self.urge: Callable[[Priority], None] = lambda priority: None

    @property
    def has_text(self) -> bool:
        return bool(self.text) and not self.text.isspace()

    def add(self, chunk: Chunk) -> None:
        if isinstance(chunk, Status):
            self.status = chunk.text
        else:
            had_text = self.has_text
            self.text += chunk
            if self.has_text and not had_text:
                self.urge(Priority.FIRST)
        self.changed.set()

    def finish(self) -> None:
        if not self.finished:
            self.finished, self.below = True, self._afterwards()
        self.changed.set()
        self.urge(Priority.FINAL)

    async def until(self, reached: Callable[[], bool], timeout_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not reached():
                    await self._change()

    async def _change(self) -> None:
        self.changed.clear()
        await self.changed.wait()


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a message shows; `below` is None where nobody knows it."""

    text: str
    below: Below | None = NOTHING


@dataclass(frozen=True, slots=True)
class _Step:
    """The next call that brings the platform nearer to the draft."""

    kind: Literal["send", "edit", "delete"]
    index: int
    text: str = ""
    below: Below = NOTHING


class _Writer:
    """Makes the platform's messages equal to a draft, until the draft is finished and they are."""

    def __init__(
        self,
        transport: Transport,
        draft: _Draft,
        edits: EditBudget,
        sends: EditBudget,
        key: str,
        resume: Receipt | None,
        report: Report,
    ) -> None:
        self._transport, self._draft, self._key, self._report = transport, draft, key, report
        self._edits = edits.lane()
        self._sends = self._edits if sends is edits else sends.lane()
        self._ids = list(resume.message_ids) if resume else []
        self._shown: list[_Shown | None] = [None] * len(self._ids)
        self._abandoned: list[str] = []
        self._unproven: set[str] = set()  # found by a repeated key: they may have been deleted since
        self._certain = resume is None  # that a send makes a new message
        self._doubtful = not self._certain  # whether there is a message nobody recorded
        self._resumed = False
        self._edition = self._failures = 0
        self._shows_text = False
        self._cut: tuple[str, list[str]] = ("", [])
        draft.urge = self._urge

    async def run(self) -> Receipt:
        try:
            await self._begin()
            while True:
                if self._next() is not None:
                    await self._advance()
                elif self._draft.finished and not self._doubtful:
                    break
                elif self._draft.finished:
                    await self._look_for_unrecorded()
                else:
                    await self._draft.until(lambda: self._draft.finished or self._next() is not None, None)
            await self._clear_abandoned()
        finally:
            self._edits.close()
            self._sends.close()
        return Receipt(tuple(self._ids))

    async def _begin(self) -> None:
        draft, at_first = self._draft, self._draft.status
        if self._doubtful:
            await self._look_for_unrecorded()
        self._resumed = bool(self._ids)
        await draft.until(
            lambda: draft.finished or draft.has_text or draft.status != at_first,
            None if self._resumed else _PATIENCE_S,
        )
        if draft.has_text:
            await draft.until(lambda: draft.finished, _SETTLE_S)

    async def _look_for_unrecorded(self) -> None:
        """A message may exist that we never heard of: made before a crash, or by a call that failed."""
        part = len(self._ids)
        try:
            found = await self._transport.find(part, part_key(self._key, part, self._edition))
        except RateLimited as refusal:
            await asyncio.sleep(refusal.retry_after_s)
        except PlatformError as error:
            await self._failed(_Step("send", part), error)
        else:
            self._doubtful = False
            if found is not None and found not in self._ids:
                self._ids.append(found)
                self._shown.append(None)
                await self._report(Receipt(tuple(self._ids)))

    def _urge(self, priority: Priority) -> None:
        for lane in {self._edits, self._sends}:
            lane.urge(priority)

    def _wanted(self) -> list[str] | None:
        """The texts of the messages that should stand now; None to leave them as they are."""
        draft = self._draft
        if draft.has_text:
            sources = () if self._transport.cards else draft.below.sources
            return self._messages(with_sources(draft.text, sources))
        if draft.finished:
            return []
        return None if self._resumed else self._messages(draft.status)[:1]

    def _messages(self, text: str) -> list[str]:
        if (
            text != self._cut[0]
        ):  # each step asks for the same text again, and cutting takes a second per megabyte
            parts = split(text, self._transport.limit, self._transport.length)
            self._cut = (text, [part.text for part in parts if not part.text.isspace()])
        return self._cut[1]

    def _next(self) -> _Step | None:
        wanted = self._wanted()
        if wanted is None:
            return None
        for index, text in enumerate(wanted):
            below = self._below if index == len(wanted) - 1 else NOTHING
            if index == len(self._ids):
                return _Step("send", index, text, below)
            if self._shown[index] != _Shown(text, below):
                return _Step("edit", index, text, below)
        if self._draft.finished and len(self._ids) > len(wanted):
            return _Step("delete", len(self._ids) - 1)
        return None

    @property
    def _below(self) -> Below:
        """What stands below the last message now, as far as the platform shows it there."""
        below, transport = self._draft.below, self._transport
        return Below(below.controls if transport.buttons else (), below.sources if transport.cards else ())

    async def _advance(self) -> None:
        """Wait for a turn, then make the call that is the right one by then."""
        planned = self._next()
        lane = self._sends if planned is not None and planned.kind == "send" else self._edits
        await lane.turn(self._priority())
        step = self._next()
        if step is None:
            return
        try:
            await self._call(step)
        except RateLimited as refusal:
            lane.refused(refusal.retry_after_s)
        except (Gone, Forbidden, Unsupported) as error:
            self._refused_for_good(step, error)
        except PlatformError as error:
            await self._failed(step, error)
        else:
            self._failures = 0
            self._shows_text = self._draft.has_text

    def _priority(self) -> Priority:
        if self._draft.finished:
            return Priority.FINAL
        return (
            Priority.INTERMEDIATE
            if self._shows_text or (self._ids and not self._draft.has_text)
            else Priority.FIRST
        )

    async def _call(self, step: _Step) -> None:
        match step.kind:
            case "send":
                key = part_key(self._key, step.index, self._edition)
                sent = await self._transport.send(step.text, step.index, key, step.below)
                self._ids.append(sent.id)
                if not self._certain:
                    self._unproven.add(sent.id)
                self._shown.append(self._what_stands(sent, step))
                await self._report(Receipt(tuple(self._ids)))
            case "edit":
                await self._transport.edit(self._ids[step.index], step.text, step.below)
                self._shown[step.index] = _Shown(step.text, step.below)
                self._unproven.discard(self._ids[step.index])
            case "delete":
                with suppress(Gone):
                    await self._transport.delete(self._ids[step.index])
                self._ids.pop()
                self._shown.pop()
                await self._report(Receipt(tuple(self._ids)))

    def _what_stands(self, sent: Sent, step: _Step) -> _Shown | None:
        """What a message shows that was just sent, or found by a key that was used before."""
        if self._certain:
            return _Shown(step.text if sent.text is None else sent.text, step.below)
        unknown = None if self._transport.buttons or self._transport.cards else NOTHING
        return None if sent.text is None else _Shown(sent.text, unknown)

    def _refused_for_good(self, step: _Step, error: PlatformError) -> None:
        """Raise what cannot be helped; go round what can."""
        if step.kind == "edit" and isinstance(error, Gone) and self._ids[step.index] in self._unproven:
            self._abandon(step.index)  # an earlier attempt deleted what this key made
            return
        if step.kind != "edit" or isinstance(error, Gone) or self._edition or not self._draft.finished:
            raise error
        self._abandon(step.index)

    async def _failed(self, step: _Step, error: PlatformError) -> None:
        """After a fault that may pass: wait, try again; a text that cannot be edited in is sent anew."""
        self._failures += 1
        if step.kind == "send":
            self._certain, self._doubtful = False, True
        _log.warning("a %s failed: %s", step.kind, error, extra={"attempt": self._failures})
        if self._failures >= _TRIES:
            if step.kind != "edit" or self._edition:
                raise error
            self._failures = 0
            self._abandon(step.index)
        await asyncio.sleep(_BACKOFF_S * 2 ** (self._failures - 1) if self._failures else 0)

    def _abandon(self, index: int) -> None:
        """Give up these messages; new ones take their place."""
        self._abandoned += self._ids[index:]
        del self._ids[index:], self._shown[index:]
        self._edition += 1

    async def _clear_abandoned(self) -> None:
        for message_id in self._abandoned:
            try:
                await self._edits.turn(Priority.FINAL)
                with suppress(Gone):
                    await self._transport.delete(message_id)
            except PlatformError as error:
                _log.warning("a replaced message stays: %s", error)
