"""Getting one action to its platform in spite of limits and faults."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import get_args

from bot.adapters.adapter import Adapter
from bot.conversation.running import Handle
from bot.core.actions import (
    Action,
    Alert,
    Moderation,
    OpenThread,
    Post,
    Receipt,
    Reply,
    Report,
    Update,
    no_report,
)
from bot.core.errors import Closed, Forbidden, Gone, PlatformError, RateLimited, Unsupported
from bot.core.text import _
from bot.outgoing.deeds import deed
from bot.outgoing.keys import named_key
from bot.storage.outbox import NewOutboxRow, OutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
"""Pauses between attempts double from the first to the longest (Matrix and Discord ask for back-off)."""

REPLY_ATTEMPTS = 9
"""After about eight minutes talk is given up; cards and what moderation decided never are."""


@dataclass(slots=True)
class Attempt:
    """One row being carried out, and what of it exists by now.

    Attributes:
        known: the messages that exist.
        tried: it was tried before, perhaps by an earlier process: there may be more than is known.
        withdrawn: the message that is answered was deleted; what exists has to go.
        rests: it waits for a permission, which may take a day.
        noticed: told when it begins (True) or ends to rest.
        handles: answers begun for this row, finished when it is settled.
    """

    row: OutboxRow
    known: Receipt = field(default_factory=Receipt)
    tried: bool = False
    withdrawn: bool = False
    rests: bool = False
    noticed: Callable[[bool], None] = lambda rests: None
    handles: list[Handle] = field(default_factory=list)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """While it waits for a permission."""
        self.rests = True
        self.noticed(True)
        try:
            yield
        finally:
            self.rests = False
            self.noticed(False)


@dataclass(frozen=True, slots=True)
class Later:
    """Not done yet; the platform says when to try again, or nobody knows."""

    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The bot may not do it, and it is worth waiting until it may."""

    why: str


@dataclass(frozen=True, slots=True)
class Shut:
    """The member whom it is for takes no private messages."""


Outcome = Receipt | Later | Refused | Shut | None
"""What one attempt led to; None if it will never be done."""


class Deliverer:
    """Performs actions again and again until the platform has done them or says that it never will."""

    def __init__(
        self,
        store: Store,
        adapters: Mapping[str, Adapter],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._outbox = store.outbox
        self._adapters = adapters
        self._sleep = sleep
        self._told: set[str] = set()

    async def perform(
        self,
        action: Action,
        attempt: Attempt,
        report: Report = no_report,
    ) -> Receipt | None:
        """Carry out an action; every message it makes is recorded as soon as it exists.

        Returns:
            What stands there now; None if the platform will not do it. That is logged, and a missing
            permission for words is also told to the moderators, once for each kind of action and place.
        """

        async def once() -> Outcome:
            return await self.try_once(action, attempt, report)

        outcome = await self.until_done(action, await once(), once)
        return outcome if isinstance(outcome, Receipt) else None

    async def until_done(
        self, action: Action, outcome: Outcome, once: Callable[[], Awaitable[Outcome]]
    ) -> Outcome:
        """Try again, with growing pauses, for as long as that may help.

        Args:
            outcome: what the first attempt led to.
            once: makes another one.
        """
        wait_s, failures = FIRST_WAIT_S, 0
        while isinstance(outcome, Later):
            if outcome.wait_s is not None:
                await self._sleep(outcome.wait_s)
            else:
                failures += 1
                if failures >= REPLY_ATTEMPTS and _is_talk(action):
                    log.error("given up", extra={"action": type(action).__name__})
                    return None
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            outcome = await once()
        return outcome

    async def try_once(self, action: Action, attempt: Attempt, report: Report = no_report) -> Outcome:
        """One attempt; only moderation is ever `Refused`, for late words are worthless."""
        try:
            return await self.once(action, attempt, report)
        except RateLimited as error:
            return Later(error.retry_after_s)
        except (Gone, Unsupported) as error:
            log.info("not done: %s", error, extra={"action": type(action).__name__})
            return None
        except Closed as error:
            log.info("not done: %s", error, extra={"action": type(action).__name__})
            return Shut()
        except Forbidden as error:
            log.warning("not allowed: %s", error, extra={"action": type(action).__name__})
            if isinstance(action, get_args(Moderation)):
                return Refused(str(error))
            await self._tell_moderators(action, attempt, str(error))
            return None
        except PlatformError as error:
            log.warning("to be tried again: %s", error, extra={"action": type(action).__name__})
            return Later()

    async def once(self, action: Action, attempt: Attempt, report: Report = no_report) -> Receipt:
        """One attempt.

        Raises:
            PlatformError: see `Adapter.perform`; `attempt` knows what exists.
        """

        async def exists(receipt: Receipt) -> None:
            attempt.known = receipt
            await self._outbox.report(attempt.row.key, receipt)
            await report(receipt)

        resume = attempt.known if attempt.tried else None
        attempt.tried = True
        attempt.known = await self._adapter(attempt).perform(action, attempt.row.key, resume, exists)
        return attempt.known

    def _adapter(self, attempt: Attempt) -> Adapter:
        return self._adapters[attempt.row.channel.platform]

    async def _tell_moderators(self, action: Action, attempt: Attempt, reason: str) -> None:
        """Say once that words are lost; as long as the outbox knows its key, that is not said again."""
        place = attempt.row.channel
        key = named_key(f"may not {type(action).__name__} in {place.key}")
        if isinstance(action, Alert) or key in self._told or await self._outbox.knows(key):
            return
        self._told.add(key)
        try:
            lacks = await self._adapter(attempt).lacking(action) or reason
        except PlatformError:
            lacks = reason
        text = _(
            "I may not {deed}: {lacks}. Please give me the permission. What I could not say now is not "
            "said later.",
            deed=deed(action),
            lacks=lacks,
        )
        alert = Alert(place, text)
        await self._store.settle(Settlement(opened=(NewOutboxRow(key, place, None, alert),)))
        told = Attempt(OutboxRow(key, place, None, alert, Receipt(), attempt.row.opened_at, 0))
        await self.perform(alert, told)
        await self._store.settle(Settlement(finished=(key,)))


def _is_talk(action: Action) -> bool:
    """Whether it is worth nothing when it comes late; a card, such as a digest, is not."""
    match action:
        case Reply() | Update() | OpenThread():
            return True
        case Post(title=title):
            return title is None
        case _:
            return False
