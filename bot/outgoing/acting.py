"""Plain actions, one by one: in the order of their place, and patiently where a permission is missing.

What a platform refuses is not asked for again before it would be granted: Discord shuts out an address for
10,000 refused requests in ten minutes (Discord, "Invalid Request Limit"). The moderators are told once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import get_args

from bot.adapters.adapter import Adapter
from bot.adapters.news import News
from bot.conversation.climbing import NO_MORE, PASS
from bot.conversation.subject import subject
from bot.core.actions import Action, Alert, Moderation, Post, Receipt, Reply, Update
from bot.core.controls import Control
from bot.core.errors import PlatformError, Unsupported
from bot.core.events import Author, MessageRef
from bot.core.text import _, speaking
from bot.outgoing.deeds import deed
from bot.outgoing.delivering import Attempt, Deliverer, Later, Outcome, Refused, Shut
from bot.outgoing.keys import derived_key, named_key
from bot.outgoing.order import InOrder
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store

log = logging.getLogger(__name__)

PATIENCE = timedelta(hours=24)
"""So long moderation waits for a permission."""

FIRST_LOOK, LONGEST_LOOK = timedelta(minutes=1), timedelta(hours=1)
"""Pauses between looks at our permissions double from the first to the longest."""

_NEWS_S = 2.0  # a change of permissions may be told later than the refusal that follows from it

Begin = Callable[[NewOutboxRow], None]
"""Carries out a row that is stored already."""


@dataclass(slots=True)
class _Cause:
    """Why actions of one kind wait in one place.

    Attributes:
        since: when the first was refused.
        told: the moderators know.
        refusals: how many in a row our permissions did not explain.
        not_before: after such a one, when the next attempt may be made.
        rows: keys of what waits.
        over: given up.
    """

    since: datetime
    told: bool = False
    refusals: int = 0
    not_before: datetime | None = None
    rows: set[str] = field(default_factory=set)
    over: bool = False
    news: News = field(default_factory=News)


class Acting:
    """Carries out actions that hold everything they need."""

    def __init__(
        self,
        store: Store,
        adapters: Mapping[str, Adapter],
        deliverer: Deliverer,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._adapters, self._deliverer, self._now = store, adapters, deliverer, now
        self._order = InOrder()
        self._causes: dict[tuple[str, str], _Cause] = {}

    async def act(self, action: Action, attempt: Attempt, begin: Begin) -> Settlement:
        """See an action through; one that has to wait lets the others of its place pass."""
        row = attempt.row
        if not isinstance(action, get_args(Moderation)):
            outcome = await self._in_turn(lambda: self._deliverer.try_once(action, attempt), action, attempt)
            if isinstance(outcome, Shut) and isinstance(action, Post):
                return Settlement(finished=(row.key,), opened=await self._shut_out(action))
            receipt = outcome if isinstance(outcome, Receipt) else None
            return Settlement(finished=(row.key,), offered=_offered(action, receipt))
        cause: _Cause | None = None
        if row.waiting_since is not None:  # an earlier process was refused
            cause = self._join(action, attempt, row.waiting_since)
            cause.told = True
        try:
            while cause is None or await self._granted(action, attempt, cause):
                outcome = await self._in_turn(lambda: self._permitted(action, attempt), action, attempt)
                if not isinstance(outcome, Refused):
                    return Settlement(finished=(row.key,))
                cause = self._join(action, attempt, self._now())
                try:
                    await self._note(action, attempt, cause, outcome.why, begin)
                except Unsupported as error:
                    return Settlement(finished=(row.key,), opened=(_never(action, attempt, str(error)),))
            return self._give_up(action, attempt, cause)
        finally:
            self._leave(action, attempt)

    async def _shut_out(self, post: Post) -> tuple[NewOutboxRow, ...]:
        """No private message reaches a member: what comes regularly ends, and they are told, once."""
        if post.reader is None:
            return ()
        if any(control.command == NO_MORE for control in post.controls):
            return await self._no_helper(post, post.reader)
        digest = await self._store.digests.shut(post.channel.community_key, post.reader.identity)
        key = "" if digest is None else named_key(f"shut {digest.number}")
        if digest is None or digest.reader is None or await self._store.outbox.knows(key):
            return ()
        with speaking(digest.reader.locale):
            text = _(
                "I cannot write to you privately, so I have switched off what you wanted to get from me. "
                "Allow private messages from me, and ask for it again."
            )
        return (NewOutboxRow(key, digest.channel, None, Post(digest.channel, text, to=post.reader)),)

    async def _no_helper(self, post: Post, reader: Author) -> tuple[NewOutboxRow, ...]:
        """A helper cannot be asked: they are told, once, and the question goes to somebody else."""
        number = subject(post, (PASS,))
        question = None if number is None else await self._store.unanswered.get(number)
        if question is not None and question.rung == "helper":
            await self._store.unanswered.climb(question, "answer", self._now())
        rows = []
        for helper in await self._store.helpers.remove(reader.identity, post.channel.community_key):
            with speaking(helper.locale):
                text = _(
                    "I cannot write to you privately, so I do not ask you to help. Allow private messages "
                    "from me, and say `helper on` again."
                )
            key = named_key(f"no helper {helper.community} {helper.member} {self._now().isoformat()}")
            rows.append(NewOutboxRow(key, helper.channel, None, Post(helper.channel, text, to=reader)))
        return tuple(rows)

    async def _in_turn(
        self, once: Callable[[], Awaitable[Outcome]], action: Action, attempt: Attempt
    ) -> Outcome:
        async with self._order.turn(attempt.row.channel.key):
            outcome = await once()
        if isinstance(outcome, Later):
            outcome = await self._deliverer.until_done(action, outcome, once)
        return outcome

    async def _permitted(self, action: Action, attempt: Attempt) -> Outcome:
        """One attempt, unless it is known that it would be refused."""
        cause = self._causes.get(_why(action, attempt))
        if cause is not None and (lacks := await self._hindrance(action, attempt, cause)) is not None:
            return Refused(lacks)
        outcome = await self._deliverer.try_once(action, attempt)
        if isinstance(outcome, Refused):
            cause = self._join(action, attempt, self._now())
            pause = min(FIRST_LOOK * 2 ** min(cause.refusals, 10), LONGEST_LOOK)
            cause.refusals, cause.not_before = cause.refusals + 1, self._now() + pause
        elif cause is not None and not isinstance(outcome, Later):
            cause.refusals, cause.not_before = 0, None
            cause.news.tell()
        return outcome

    async def _hindrance(self, action: Action, attempt: Attempt, cause: _Cause) -> str | None:
        """Why it would be refused, as far as can be known without trying."""
        try:
            lacks = await self._adapter(attempt).lacking(action)
        except PlatformError as error:
            return str(error)
        if lacks is not None:  # the refusals are explained: as soon as this is mended it can be tried
            cause.refusals, cause.not_before = 0, None
        elif cause.not_before is not None and self._now() < cause.not_before:
            return _("I cannot see what is missing")
        return lacks

    async def _granted(self, action: Action, attempt: Attempt, cause: _Cause) -> bool:
        """Wait until it is worth another attempt; False if that takes too long."""
        look = FIRST_LOOK
        with attempt.resting():
            while not cause.over:
                if await self._hindrance(action, attempt, cause) is None:
                    return True
                if self._now() - cause.since >= PATIENCE:
                    break
                await self._news(attempt, cause, look.total_seconds())
                look = min(2 * look, LONGEST_LOOK)
        return False

    async def _news(self, attempt: Attempt, cause: _Cause, within_s: float) -> None:
        """Wait until something may have changed, but not for ever."""
        try:
            async with asyncio.timeout(within_s), asyncio.TaskGroup() as tasks:
                rights = tasks.create_task(self._adapter(attempt).rights_changed(), name="rights")
                others = tasks.create_task(cause.news.wait(), name="others of the kind")
                await asyncio.wait((rights, others), return_when=asyncio.FIRST_COMPLETED)
                rights.cancel()
                others.cancel()
        except TimeoutError:
            return

    async def _note(self, action: Action, attempt: Attempt, cause: _Cause, why: str, begin: Begin) -> None:
        """Write down that this waits, and tell the moderators if it is the first of its kind.

        Raises:
            Unsupported: nobody could ever allow it.
        """
        row = attempt.row
        lacks = await self._lacking(action, attempt, cause) or why
        told, cause.told = cause.told, True
        opened = () if told else (_waits(action, attempt, lacks),)
        await self._store.settle(Settlement(waiting=((row.key, cause.since),), opened=opened))
        about = {"action": type(action).__name__, "channel": row.channel.key}
        log.log(
            logging.INFO if told else logging.WARNING, "it waits for a permission: %s", lacks, extra=about
        )
        for alert in opened:
            begin(alert)

    async def _lacking(self, action: Action, attempt: Attempt, cause: _Cause) -> str | None:
        """What is missing; if that cannot be seen yet, it is looked for once more."""
        for first in (True, False):
            try:
                lacks = await self._adapter(attempt).lacking(action)
            except Unsupported:
                raise
            except PlatformError as error:
                log.info("what is missing cannot be told: %s", error)
                lacks = None
            if lacks is not None or cause.told:
                return lacks
            if first:
                await self._news(attempt, cause, _NEWS_S)
        return None

    def _give_up(self, action: Action, attempt: Attempt, cause: _Cause) -> Settlement:
        """The first of a kind to lose patience gives up for all of it."""
        if cause.over:
            return Settlement(finished=(attempt.row.key,))
        cause.over = True
        self._causes.pop(_why(action, attempt), None)
        cause.news.tell()
        log.error("given up", extra={"action": type(action).__name__, "rows": len(cause.rows)})
        alert = _given_up(action, attempt, len(cause.rows))
        return Settlement(finished=(attempt.row.key,), opened=(alert,))

    def _join(self, action: Action, attempt: Attempt, since: datetime) -> _Cause:
        cause = self._causes.setdefault(_why(action, attempt), _Cause(since))
        cause.since = min(cause.since, since)
        cause.rows.add(attempt.row.key)
        return cause

    def _leave(self, action: Action, attempt: Attempt) -> None:
        """This action is done, or dropped; with the last one the cause ends."""
        cause = self._causes.get(_why(action, attempt))
        if cause is not None:
            cause.rows.discard(attempt.row.key)
            if not cause.rows:
                del self._causes[_why(action, attempt)]

    def _adapter(self, attempt: Attempt) -> Adapter:
        return self._adapters[attempt.row.channel.platform]


def _why(action: Action, attempt: Attempt) -> tuple[str, str]:
    return type(action).__name__, attempt.row.channel.key


def _waits(action: Action, attempt: Attempt, lacks: str) -> NewOutboxRow:
    hours = int(PATIENCE.total_seconds() / 3600)
    text = _(
        "I may not {deed}: {lacks}. It waits, with what else of this kind comes up here, and I do it as soon "
        "as I may. After {hours} hours I give it up; you can also do it yourselves.",
        deed=deed(action),
        lacks=lacks,
        hours=hours,
    )
    return _alert(attempt, "waits", text)


def _given_up(action: Action, attempt: Attempt, rows: int) -> NewOutboxRow:
    hours = int(PATIENCE.total_seconds() / 3600)
    text = _(
        "For {hours} hours I was not allowed to {deed}. I gave it up, and what waited with it: {n} in all. "
        "Please do what is still needed yourselves.",
        hours=hours,
        deed=deed(action),
        n=rows,
    )
    return _alert(attempt, "given up", text)


def _never(action: Action, attempt: Attempt, why: str) -> NewOutboxRow:
    text = _("I cannot {deed}: {why}.", deed=deed(action), why=why)
    return _alert(attempt, "never", text)


def _alert(attempt: Attempt, name: str, text: str) -> NewOutboxRow:
    place = attempt.row.channel
    return NewOutboxRow(derived_key(attempt.row.key, name), place, None, Alert(place, text))


def _offered(action: Action, receipt: Receipt | None) -> tuple[tuple[MessageRef, tuple[Control, ...]], ...]:
    """What can be pressed below the messages of a card that stands now."""
    match action:
        case Post(channel=channel, controls=controls) if controls and receipt and receipt.message_ids:
            place, ids = receipt.channel or channel, receipt.message_ids
        case Reply(to=to, controls=controls) if controls and receipt and receipt.message_ids:
            place, ids = receipt.channel or to.channel, receipt.message_ids
        case Update(ref=ref, controls=controls) if receipt is not None:
            place, ids = receipt.channel or ref.channel, receipt.message_ids
        case _:
            return ()
    return tuple((MessageRef(place, each), controls) for each in ids)
