"""Carries out outbox rows.

A row is open before any work begins and finished when the platform has done it. In between its receipt says
which messages exist already, so a row left open by a killed process is carried out again without doubling
anything. Plain actions of one place keep their order; answers and commands run beside each other.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bot.adapters.adapter import Adapter
from bot.commands.command import Context, Outcome, OwnWords, Services, Whispered
from bot.conversation.policy import channel_policy
from bot.conversation.running import Handle
from bot.core.actions import Action, Receipt, Reply
from bot.core.errors import StorageError
from bot.core.events import Author, Event, Invocation, Message, MessageRef
from bot.core.text import _, closest_locale, set_locale
from bot.llm.language import language_of
from bot.outgoing.acting import Acting, Begin
from bot.outgoing.answering import Answering, stale
from bot.outgoing.delivering import Attempt, Deliverer
from bot.outgoing.keys import derived_key, event_key
from bot.routing import Converse, Ignore, Invoke, Recall, Route
from bot.storage.outbox import NewOutboxRow, OutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store

log = logging.getLogger(__name__)

Early = Callable[[Iterable[MessageRef]], Sequence[Invocation]]
"""The calls of what was pressed below messages before it was known that cards stand there."""

MOST_FAULTS = 3
"""A row that fails so often through a fault of ours, over several starts, is given up; the log tells."""


class Performer:
    """Starts a task for every outbox row and sees it through."""

    def __init__(
        self,
        *,
        store: Store,
        adapters: Mapping[str, Adapter],
        services: Services,
        deliverer: Deliverer,
        answering: Answering,
        route: Callable[[Message], Route],
        early: Early,
        prefix: str,
        locale: str,
    ) -> None:
        """Args: early: tells what was pressed below cards before it was known that they stand."""
        self._store = store
        self._adapters = adapters
        self._services = services
        self._commands = services.commands
        self._running = services.running
        self._hinting, self._climbing = services.hinting, services.climbing
        self._deliverer = deliverer
        self._answering = answering
        self._route, self._early = route, early
        self._prefix = prefix
        self._locale = locale
        self._now = services.now
        self._acting = Acting(store, adapters, deliverer, services.now)
        self._open: dict[str, Attempt] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self, new: NewOutboxRow, tasks: asyncio.TaskGroup) -> None:
        """Carry out a row that was opened just now."""
        row = OutboxRow(new.key, new.channel, new.event, new.action, Receipt(), self._now(), 0)
        self._start(Attempt(row), tasks)

    def resume(self, row: OutboxRow, tasks: asyncio.TaskGroup) -> None:
        """Carry out a row that an earlier process left open."""
        self._start(Attempt(row, known=row.receipt, tried=True), tasks)

    def withdraw(self, question: MessageRef) -> None:
        """A message was deleted: what answers it is stopped, and taken back by the task that writes it."""
        gone = (question.channel.key, question.id)
        for attempt in self._open.values():
            answers = question_of(attempt.row)
            if answers is not None and (answers.channel.key, answers.id) == gone:
                attempt.withdrawn = True
        self._running.stop_question(question)

    def unfinished(self, platform: str) -> int:
        """How many rows of a platform are being carried out."""
        return sum(attempt.row.channel.platform == platform for attempt in self._open.values())

    async def idle(self) -> None:
        """Wait until nothing is being carried out but what waits for a permission."""
        await self._idle.wait()

    def put_off(self) -> None:
        """Leave what waits for a permission to the next process."""
        for key, attempt in self._open.items():
            if attempt.rests:
                self._tasks[key].cancel()

    def _start(self, attempt: Attempt, tasks: asyncio.TaskGroup) -> None:
        key = attempt.row.key
        attempt.noticed = lambda rests: self._count(-1 if rests else 1)
        self._open[key] = attempt
        self._count(1)
        self._tasks[key] = tasks.create_task(self._run(attempt, tasks), name=f"row {key}")

    def _count(self, more: int) -> None:
        self._busy += more
        if self._busy:
            self._idle.clear()
        else:
            self._idle.set()

    async def _run(self, attempt: Attempt, tasks: asyncio.TaskGroup) -> None:
        try:
            settlement = await self._carried_out(attempt, lambda row: self.begin(row, tasks))
            await self._store.settle(settlement)
            early = self._early(ref for ref, _controls in settlement.offered)
            pressed = tuple(NewOutboxRow(event_key(call), call.channel, call, None) for call in early)
            if pressed:
                await self._store.settle(Settlement(opened=pressed))
            for row in (*settlement.opened, *pressed):
                self.begin(row, tasks)
        finally:
            for handle in attempt.handles:  # not before the text is stored: replies to it wait for that
                handle.finish()
            del self._open[attempt.row.key], self._tasks[attempt.row.key]
            self._count(-1)

    async def _carried_out(self, attempt: Attempt, begin: Begin) -> Settlement:
        """Carry a row out; a fault of ours leaves it for the next start, but not for every one."""
        try:
            return await self._carry_out(attempt, begin)
        except StorageError:
            raise
        except Exception:  # one row: the others go on
            tries = await self._store.outbox.attempt(attempt.row.key)
            log.exception("an outbox row failed", extra={"event_id": attempt.row.key, "attempt": tries})
            return Settlement(finished=(attempt.row.key,) if tries >= MOST_FAULTS else ())

    async def _carry_out(self, attempt: Attempt, begin: Begin) -> Settlement:
        row = attempt.row
        if row.action is not None:
            if attempt.withdrawn or not await self._is_wanted(row.action):
                await self._answering.remove(row.channel, attempt)
                return Settlement(finished=(row.key,))
            done = await self._acting.act(row.action, attempt, begin)
            if not (self._hinting.is_gone(row.action) or self._climbing.is_gone(row.action)):
                return done
            await self._answering.remove(row.channel, attempt)
            return Settlement(finished=(row.key,))
        event = row.event
        if not isinstance(event, Message | Invocation):
            log.error("an outbox row with nothing to do", extra={"event_id": row.key})
            return Settlement(finished=(row.key,))
        set_locale(self._locale_of(event))
        try:
            return await self._serve(event, attempt)
        except StorageError:
            raise
        except Exception as error:  # one event: whoever waits for it is told, and the bot goes on
            log.exception("serving failed", extra={"event_id": row.key})
            return await self._apologize(event, attempt, error)

    async def _is_wanted(self, action: Action) -> bool:
        """Whether the question that an action is about still stands, if it is about one."""
        return await self._hinting.still(action) and await self._climbing.still(action)

    async def _serve(self, event: Message | Invocation, attempt: Attempt) -> Settlement:
        if isinstance(event, Invocation):
            return await self._command(event, None, attempt)
        if attempt.withdrawn or (attempt.tried and await self._is_gone(event)):
            await self._answering.remove(event.ref.channel, attempt)
            return Settlement(finished=(attempt.row.key,))
        match self._route(event):
            case Ignore(outcome=outcome):
                if attempt.known.message_ids:
                    await self._deliverer.perform(stale(event), attempt)
                return self._finished(event, outcome, attempt)
            case Recall(outcome=outcome):
                followed = _rows(attempt, await self._hinting.follow(event))
                await self._climbing.begin(event)
                hinted = self._store.hints.number(event.ref) is not None
                return self._finished(event, "hinted" if hinted else outcome, attempt, followed)
            case Invoke(line=line):
                return await self._command(event, line, attempt)
            case Converse(question=question):
                policy = channel_policy(self._store.policies, event.ref.channel)
                handle = self._begin(attempt, event.ref, event.author)
                answer = self._services.conversation.answer(_asking(event, question), handle, policy)
                return await self._answering.answer(event, answer, handle, attempt)

    async def _command(self, event: Message | Invocation, line: str | None, attempt: Attempt) -> Settlement:
        context = self._context(event, attempt.row.key, partial(self._begin, attempt))
        outcome = await self._invoke(event, line, context)
        if isinstance(outcome, tuple):
            return self._answer_with_actions(event, outcome, attempt)
        question = event if isinstance(event, Message) else _as_message(event)
        handle = attempt.handles[0] if attempt.handles else self._begin(attempt, question.ref, event.author)
        if isinstance(outcome, OwnWords):
            return await self._answering.answer(question, outcome.chunks, handle, attempt, judged=False)
        if isinstance(outcome, Whispered):
            judged, chunks = outcome.judged, outcome.chunks
            return await self._answering.answer(
                question, chunks, handle, attempt, judged=judged, personal=True
            )
        return await self._answering.answer(question, outcome, handle, attempt)

    def _begin(self, attempt: Attempt, question: MessageRef, asker: Author) -> Handle:
        """An answer is going to be written; its messages of an earlier process are part of it."""
        handle = self._running.begin(question, asker.identity)
        attempt.handles.append(handle)
        handle.wrote(attempt.known.message_ids)
        self._store.messages.wrote(attempt.known.refs(question.channel))
        if attempt.withdrawn:
            handle.stop("deleted")
        return handle

    async def _invoke(self, event: Message | Invocation, line: str | None, context: Context) -> Outcome:
        if isinstance(event, Invocation):
            return await self._commands.invoke(context, event.command, event.arguments)
        return await self._commands.run_line(context, line or "help")

    def _answer_with_actions(
        self, event: Message | Invocation, actions: tuple[Action, ...], attempt: Attempt
    ) -> Settlement:
        """A command ends with what follows from it being durable, so that a kill does not run it again."""
        return self._finished(event, "command", attempt, _rows(attempt, actions))

    async def _apologize(self, event: Message | Invocation, attempt: Attempt, error: Exception) -> Settlement:
        to = event.ref if isinstance(event, Message) else _answered(event)
        text = _(
            "Something went wrong on my side, so I could not do this. "
            "The operators find the reason in my log under {key}.",
            key=attempt.row.key[:8],
        )
        await self._deliverer.perform(Reply(to, event.author, text, notice=True), attempt)
        return self._finished(event, f"failed:{type(error).__name__}", attempt)

    def _finished(
        self, event: Event, outcome: str, attempt: Attempt, opened: tuple[NewOutboxRow, ...] = ()
    ) -> Settlement:
        outcomes = ((event.ref, outcome),) if isinstance(event, Message) else ()
        return Settlement(finished=(attempt.row.key,), outcomes=outcomes, opened=opened)

    async def _is_gone(self, question: Message) -> bool:
        """Whether a question was deleted between two processes; who opted out leaves no trace to tell by."""
        if self._store.privacy.opted_out(question.author.identity):
            return False
        return await self._store.messages.outcome(question.ref) is None

    def _context(
        self, event: Message | Invocation, call: str, begin: Callable[[MessageRef, Author], Handle]
    ) -> Context:
        adapter = self._adapters[event.author.platform]
        if isinstance(event, Message):
            channel, to = event.ref.channel, event.ref
            target = MessageRef(channel, event.reply_to) if event.reply_to is not None else None
        else:
            channel, to, target = event.channel, _answered(event), event.target
        return Context(
            caller=event.author,
            channel=channel,
            to=to,
            at=event.at,
            services=self._services,
            target=target,
            quoted=event.quoted,
            files=event.attachments,
            locale=self._locale_of(event),
            client_locale=event.locale,
            silent=isinstance(event, Invocation) and event.silent,
            prefix=adapter.command_prefix or f"{self._prefix} ",
            begin=begin,
            call=call,
        )

    def _locale_of(self, event: Message | Invocation) -> str:
        """What the client says, else the language of what was written, else the configured one."""
        if event.locale is not None:
            return closest_locale(event.locale, self._locale)
        if not isinstance(event, Message):
            return self._locale
        said = event.text if event.addressed is None else event.addressed
        if said.startswith(("/", self._prefix)):
            return self._locale  # names of commands are of no language
        return closest_locale(language_of(said), self._locale)


def _rows(attempt: Attempt, actions: Sequence[Action]) -> tuple[NewOutboxRow, ...]:
    """What follows from a row, as rows of their own."""
    return tuple(
        NewOutboxRow(derived_key(attempt.row.key, f"action{n}"), attempt.row.channel, None, action)
        for n, action in enumerate(actions)
    )


def question_of(row: OutboxRow) -> MessageRef | None:
    """The message that a row answers, if it answers one."""
    match row.event, row.action:
        case (Message(ref=ref), _) | (_, Reply(to=ref)):
            return ref
        case _:
            return None


def _asking(message: Message, question: str) -> Message:
    """The message as a question: what is said to the bot without the mention."""
    return replace(message, addressed=question)


def _answered(call: Invocation) -> MessageRef:
    """What an answer to a call replies to: the call, but a reaction is none that could be replied to."""
    if call.silent and call.target is not None:
        return call.target
    return MessageRef(call.channel, call.id)


def _as_message(call: Invocation) -> Message:
    """A call that is answered with a stream, as the question it is."""
    words = " ".join(str(value) for value in call.arguments.values())
    return Message(_answered(call), call.author, words, call.at, addressed=words, locale=call.locale)
