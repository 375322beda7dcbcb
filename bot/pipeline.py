"""One event's way in: record, open, judge, route, write down what follows. The performer carries it out.

An adapter's batch is stored in the inbox before anything else. Events of one place are then decided in
order, many at a time, and everything that follows from them is made durable in one transaction: the message,
the inbox mark and the outbox rows. Only then is anything done. So a kill at any moment loses nothing and
doubles nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from time import perf_counter

from bot.adapters.adapter import Adapter
from bot.conversation.climbing import Climbing
from bot.conversation.hinting import Hinting
from bot.conversation.loops import LoopGuard
from bot.core.actions import Action, Delete, Hide
from bot.core.events import (
    Channel,
    Deletion,
    Edit,
    Encrypted,
    Event,
    Invocation,
    Join,
    Message,
    MessageRef,
    Reaction,
    Readable,
    ThreadClosed,
    ThreadOpened,
    place_of,
)
from bot.moderation.assessing import Assessing
from bot.moderation.judge import Judge, Judgement
from bot.moderation.looking import Looking
from bot.moderation.review import NOTHING_FOLLOWS, Followed, Review
from bot.moderation.rule import Rule
from bot.opening import Opener, Unreadable, unread_alert
from bot.outgoing.keys import derived_key, event_key
from bot.outgoing.performer import Performer
from bot.pressing import Presses
from bot.recommend.noting import Noting
from bot.recommend.worth import Recommendations
from bot.routing import Ignore, Invoke, Recall, Router
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.web.metrics import Metrics

log = logging.getLogger(__name__)

CHUNK = 32
"""Events of one place decided at once: their rows share a transaction, and the loop is free in between."""

TURN_S = 0.002
"""After so much time of deciding, other places and answers get their turn."""

MAX_WAITING = 10_000
"""Undecided events in memory; beyond it adapters wait, and the platform keeps the rest."""


UNREADABLE = "unreadable"
"""The outcome of a message whose key did not come."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is recorded of one event, and the outbox rows that follow from it.

    Attributes:
        taken_as: the key it has in the inbox, where that is not its own: it arrived encrypted.
        stands: whether a message stays where it is, and may be answered.
        followed: what its moderation writes.
        doubted: rules that want to know what a language model thinks of it.
        looking: rules that want to see its pictures.
    """

    event: Event
    outcome: str
    opened: tuple[NewOutboxRow, ...] = ()
    taken_as: str | None = None
    stands: bool = True
    followed: Followed = NOTHING_FOLLOWS
    doubted: tuple[Rule, ...] = ()
    looking: tuple[Rule, ...] = ()

    @property
    def removes(self) -> bool:
        """Whether the message is taken away at once."""
        return any(isinstance(row.action, Hide | Delete) for row in self.opened)

    @property
    def settled(self) -> bool:
        """Moderation has looked at it, and it stays where it is."""
        return self.stands and not self.outcome.startswith("failed")


class Pipeline:
    """Takes what adapters bring and decides it, place by place."""

    def __init__(
        self,
        *,
        store: Store,
        judge: Judge,
        review: Review,
        assessing: Assessing,
        looking: Looking,
        route: Router,
        loops: LoopGuard,
        performer: Performer,
        presses: Presses,
        metrics: Metrics,
        tasks: asyncio.TaskGroup,
        adapters: Mapping[str, Adapter],
        noting: Noting,
        recommendations: Recommendations,
        hinting: Hinting,
        climbing: Climbing,
    ) -> None:
        self._store = store
        self._hinting, self._climbing = hinting, climbing
        self._noting, self._recommendations = noting, recommendations
        self._judge, self._review = judge, review
        self._assessing, self._looking = assessing, looking
        self._route = route
        self._loops = loops
        self._performer = performer
        self._presses = presses
        self._metrics = metrics
        self._tasks = tasks
        self._places: dict[str, deque[tuple[Event, float]]] = {}
        self._waiting = 0
        self._room = asyncio.Event()
        self._opener = Opener(adapters, self._queue)
        self._unread_told: set[str] = set()

    @property
    def waiting(self) -> int:
        """Events that are stored and not decided yet."""
        return self._waiting

    def unfinished(self, platform: str) -> int:
        """Outbox rows of a platform that are being carried out."""
        return self._performer.unfinished(platform)

    def carry_out(self, row: NewOutboxRow) -> None:
        """Carry out an outbox row that is stored already and follows from no event."""
        self._performer.begin(row, self._tasks)

    def put_off(self) -> None:
        """Leave what waits for a permission to the next process."""
        self._performer.put_off()

    async def listen(self, adapter: Adapter) -> None:
        """Finish what an earlier process left open, then take batches until the adapter ends."""
        for row in await self._store.outbox.unfinished(adapter.platform):
            self._performer.resume(row, self._tasks)
        self.accept(await self._store.inbox.pending(adapter.platform), perf_counter())
        async for batch in adapter.events(await self._store.inbox.cursors(adapter.platform)):
            arrived = perf_counter()
            new = await self._store.inbox.take(adapter.platform, batch.events, batch.cursors)
            await adapter.committed(batch.cursors)
            self.accept(new, arrived)
            while self._waiting > MAX_WAITING:
                await self._progress()
            if adapter.one_at_a_time:
                await self.settled()

    async def keep_opening(self) -> None:
        """Try again what could not be read yet, for as long as the bot runs."""
        await self._opener.keep_trying()

    async def recall(self, platform: str, events: Iterable[Event]) -> None:
        """Take in what happened before anybody listened, such as the life of a sample community."""
        past = iter(events)
        while chunk := tuple(islice(past, CHUNK)):
            self.accept(await self._store.inbox.take(platform, chunk, {}), perf_counter())
            while self._waiting > MAX_WAITING:
                await self._progress()
        while self._waiting:
            await self._progress()

    def accept(self, events: Iterable[Event], arrived: float) -> None:
        """Queue stored events, which arrived at that `perf_counter`, behind the others of their place."""
        for event in events:
            self._metrics.event(event)
            self._queue(((event, arrived),))

    def _queue(self, events: Iterable[tuple[Event, float]]) -> None:
        for event, arrived in events:
            self._waiting += 1
            place = place_of(event).key
            waiting = self._places.get(place)
            if waiting is None:
                self._places[place] = deque([(event, arrived)])
                self._tasks.create_task(self._drain(place), name=f"place {place}")
            else:
                waiting.append((event, arrived))

    async def settled(self) -> None:
        """Wait until every accepted event is decided and everything that follows is done."""
        while self._waiting:
            await self._progress()
        await self._performer.idle()

    async def _progress(self) -> None:
        self._room.clear()
        await self._room.wait()

    async def _drain(self, place: str) -> None:
        """Decide the events of one place in order; the task ends when none is left."""
        waiting = self._places[place]
        while waiting:
            chunk = [waiting.popleft() for _ in range(min(CHUNK, len(waiting)))]
            for event, arrived in await self._step(chunk):
                self._metrics.decided(event, perf_counter() - arrived)
            self._waiting -= len(chunk)
            self._room.set()
        del self._places[place]

    async def _step(self, events: Sequence[tuple[Event, float]]) -> Sequence[tuple[Event, float]]:
        """Decide some events of one place, make it durable, then start what follows.

        Returns:
            What is decided now; the others cannot be read yet.
        """
        decisions: list[Decision] = []
        decision: Decision | None
        decided: list[tuple[Event, float]] = []
        self._judge.foresee(written(events), written(self._next(CHUNK - len(events))))
        began = perf_counter()
        for event, arrived in events:
            if perf_counter() - began > TURN_S:
                await asyncio.sleep(0)
                began = perf_counter()
            if isinstance(event, Encrypted):
                decision = await self._opened(event, arrived)
            else:
                decision = await self._decide(event)
            if decision is not None:
                decisions.append(decision)
                decided.append((event, arrived))
        noted = await self._noting.note([(each.event, each.outcome) for each in decisions])
        settled = settlement(decisions, self._route.archives)
        await self._store.settle(replace(settled, noted=noted))
        if noted:
            await self._recommendations.fold(noted)
        for decision in decisions:
            for row in decision.opened:
                self._performer.begin(row, self._tasks)
        for decision in decisions:
            self._tell(decision)
        return decided

    def _tell(self, decision: Decision) -> None:
        """Tell those who work on messages after they were decided what became of one."""
        match decision.event:
            case Deletion(ref=ref):
                self._performer.withdraw(ref)
                self._opener.withdraw(ref)
                self._assessing.withdraw(ref)
                self._looking.withdraw(ref)
            case (Message() as message) | Edit(message=message):
                self._assessing.consider(message, decision.doubted if decision.stands else ())
                self._looking.consider(message, () if decision.removes else decision.looking)
            case _:
                pass

    def _next(self, most: int) -> Iterable[tuple[Event, float]]:
        """What waits in all places, what is first there first."""
        return islice(chain.from_iterable(self._places.values()), max(most, 0))

    async def _opened(self, event: Encrypted, arrived: float) -> Decision | None:
        """The decision about what an encrypted event says; None while nobody can read it."""
        found = await self._opener.open(event, arrived)
        if found is None:
            return None
        if isinstance(found, Unreadable):
            return Decision(event, UNREADABLE, await self._tell_unread(event.channel))
        if found.event is None:
            return Decision(event, "recorded")
        return replace(await self._decide(found.event), taken_as=event.key)

    async def _tell_unread(self, channel: Channel) -> tuple[NewOutboxRow, ...]:
        """The alert that we cannot read in a room, once for the room."""
        room = channel.parent
        key = derived_key(room.key, "unread")
        if key in self._unread_told or await self._store.outbox.knows(key):
            return ()
        self._unread_told.add(key)
        return (NewOutboxRow(key, room, None, unread_alert(room)),)

    async def _decide(self, event: Readable) -> Decision:
        try:
            match event:
                case Message():
                    judgement = self._judge.judge(event)
                    decided = await self._heard(await self._decide_message(event, judgement), event)
                    return replace(decided, doubted=judgement.doubted, looking=judgement.looking)
                case Edit(message=message):
                    judgement = self._judge.judge(message, is_edit=True)
                    moderated = await self._moderate(event, message, judgement) or Decision(event, "edited")
                    decided = await self._without_hint(moderated, message.ref)
                    if moderated.stands:
                        decided = self._with(decided, await self._climbing.changed(message))
                    else:
                        decided = self._with(decided, await self._climbing.deleted(message.ref))
                    return replace(decided, doubted=judgement.doubted, looking=judgement.looking)
                case Invocation():
                    return Decision(event, "command", (self._open(event),))
                case Reaction():
                    call = self._presses.call(event)
                    return Decision(event, "recorded", (self._open(call),) if call is not None else ())
                case Join():
                    self._judge.joined(event)
                    return Decision(
                        event, "recorded", self._rows(event, self._review.welcome(event), first=1)
                    )
                case Deletion(ref=ref):
                    decided = await self._without_hint(Decision(event, "recorded"), ref)
                    return self._with(decided, await self._climbing.deleted(ref))
                case ThreadOpened() | ThreadClosed():
                    return Decision(event, "recorded")
        except Exception as error:  # one event: a fault in deciding it must not stop the place it stands in
            log.exception("event failed", extra={"event_id": event.key})
            waits = isinstance(event, Message) and event.addressed is not None
            opened = (self._open(event),) if waits else ()  # the performer tells who waits for an answer
            return Decision(event, f"failed:{type(error).__name__}", opened)

    async def _without_hint(self, decided: Decision, question: MessageRef) -> Decision:
        """A message changed, or is gone: a hint to it goes too."""
        return self._with(decided, await self._hinting.take_back(question))

    async def _heard(self, decided: Decision, message: Message) -> Decision:
        """A message that stands may answer a question."""
        return self._with(decided, await self._climbing.heard(message)) if decided.stands else decided

    def _with(self, decided: Decision, actions: Sequence[Action]) -> Decision:
        """A decision, and what follows from it besides."""
        rows = self._rows(decided.event, actions, first=len(decided.opened) + 1)
        return replace(decided, opened=(*decided.opened, *rows))

    async def _decide_message(self, message: Message, judgement: Judgement) -> Decision:
        moderated = await self._moderate(message, message, judgement)
        is_plain = moderated is None
        if moderated is None:
            moderated = Decision(message, "opened")
        elif not moderated.stands:
            return moderated
        way = self._route(message)
        if isinstance(way, Ignore):
            outcome = way.outcome if is_plain else moderated.outcome
            return replace(moderated, outcome=outcome)
        if isinstance(way, Recall):
            outcome = way.outcome if is_plain else moderated.outcome
            return replace(moderated, outcome=outcome, opened=(*moderated.opened, self._open(message)))
        refusal = self._loops.refuses(message, is_command=isinstance(way, Invoke))
        if refusal is not None:
            alerts = self._rows(message, refusal.actions, first=len(moderated.opened) + 1)
            return replace(moderated, outcome="ignored:loop", opened=(*moderated.opened, *alerts))
        return replace(moderated, outcome="opened", opened=(*moderated.opened, self._open(message)))

    async def _moderate(self, event: Event, message: Message, judgement: Judgement) -> Decision | None:
        """What follows from a judgement, by the rules' own word or by the rulebook of the community."""
        strongest = judgement.strongest
        if strongest is None:
            return None
        followed = await self._review.follow(message, judgement)
        if followed is None:
            return None
        return Decision(
            event,
            followed.outcome or f"moderated:{strongest.rule}",
            self._rows(event, (*judgement.actions, *followed.actions), first=1),
            stands=followed.stands if followed.outcome else judgement.stands,
            followed=followed,
        )

    def _open(self, event: Event) -> NewOutboxRow:
        return NewOutboxRow(event_key(event), place_of(event), event, None)

    def _rows(self, event: Event, actions: Sequence[Action], first: int) -> tuple[NewOutboxRow, ...]:
        return tuple(
            NewOutboxRow(event_key(event, ordinal), place_of(event), None, action)
            for ordinal, action in enumerate(actions, first)
        )


def written(events: Iterable[tuple[Event, float]]) -> Iterator[Message]:
    """The messages among some events, new versions included."""
    for event, _arrived in events:
        match event:
            case Message():
                yield event
            case Edit(message=message):
                yield message
            case _:
                pass


def settlement(decisions: Sequence[Decision], archives: Callable[[Message], bool]) -> Settlement:
    """Everything that some decisions write, as one transaction.

    Args:
        archives: whether a message that stands is kept to be found; asked now, for settings may have changed.
    """
    archived: list[Message] = []
    unarchived: list[MessageRef] = []
    reattached: list[Message] = []
    edited: list[tuple[MessageRef, str]] = []
    removed: list[MessageRef] = []
    messages: list[tuple[Message, str]] = []
    for decision in decisions:
        match decision.event:
            case Message() as message:
                messages.append((message, decision.outcome))
                if decision.settled and archives(message):
                    archived.append(message)
            case Encrypted() as unread if decision.outcome == UNREADABLE:
                nothing = Message(MessageRef(unread.channel, unread.id), unread.author, "", unread.at)
                messages.append((nothing, decision.outcome))
            case Edit(message=message):
                edited.append((message.ref, message.text if message.addressed is None else message.addressed))
                if decision.settled and archives(message):
                    reattached.append(message)
                else:
                    unarchived.append(message.ref)
            case Deletion(ref=ref):
                removed.append(ref)
            case _:
                pass
    return Settlement(
        handled=tuple(decision.taken_as or decision.event.key for decision in decisions),
        messages=tuple(messages),
        opened=tuple(row for decision in decisions for row in decision.opened),
        edited=tuple(edited),
        removed=tuple(removed),
        cases=tuple(case for decision in decisions for case in decision.followed.cases),
        struck=tuple(each for decision in decisions for each in decision.followed.struck),
        audit=tuple(entry for decision in decisions for entry in decision.followed.audit),
        archived=tuple(archived),
        unarchived=tuple(unarchived),
        reattached=tuple(reattached),
    )
