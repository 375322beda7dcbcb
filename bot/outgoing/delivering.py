"""Getting one action to its platform in spite of limits and faults."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.adapters.adapter import Adapter
from bot.conversation.running import Handle
from bot.core.actions import Action, Alert, Post, Receipt, Reply, Report, Update, no_report
from bot.core.errors import Forbidden, Gone, PlatformError, RateLimited, Unsupported
from bot.core.text import _
from bot.storage.outbox import Outbox, OutboxRow

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
"""Pauses between attempts double from the first to the longest (Matrix and Discord ask for back-off)."""

REPLY_ATTEMPTS = 9
"""After about eight minutes words are given up; what moderation decided never is."""


@dataclass(slots=True)
class Attempt:
    """One row being carried out, and what of it exists by now.

    Attributes:
        known: the messages that exist.
        tried: it was tried before, perhaps by an earlier process: there may be more than is known.
        withdrawn: the message that is answered was deleted; what exists has to go.
        handles: answers begun for this row, finished when it is settled.
    """

    row: OutboxRow
    known: Receipt = field(default_factory=Receipt)
    tried: bool = False
    withdrawn: bool = False
    handles: list[Handle] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Later:
    """Not done yet; the platform says when to try again, or nobody knows."""

    wait_s: float | None = None


class Deliverer:
    """Performs actions again and again until the platform has done them or says that it never will."""

    def __init__(
        self,
        outbox: Outbox,
        adapters: Mapping[str, Adapter],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._adapters = adapters
        self._sleep = sleep
        self._told: set[tuple[str, str]] = set()

    async def perform(
        self,
        action: Action,
        attempt: Attempt,
        report: Report = no_report,
        later: "Later | None" = None,
    ) -> Receipt | None:
        """Carry out an action; every message it makes is recorded as soon as it exists.

        Args:
            later: what an attempt a moment ago led to, if there was one.

        Returns:
            What stands there now; None if the platform will never do it. That is logged, and a missing
            permission is also told to the moderators, once for each kind of action and place.
        """
        wait_s, failures = FIRST_WAIT_S, 0
        outcome = later or await self.try_once(action, attempt, report)
        while isinstance(outcome, Later):
            if outcome.wait_s is not None:
                await self._sleep(outcome.wait_s)
            else:
                failures += 1
                if failures >= REPLY_ATTEMPTS and isinstance(action, Reply | Post | Update):
                    log.error("given up", extra={"action": type(action).__name__})
                    return None
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            outcome = await self.try_once(action, attempt, report)
        return outcome

    async def try_once(
        self, action: Action, attempt: Attempt, report: Report = no_report
    ) -> "Receipt | Later | None":
        """The first step of `perform`: done, never to be done, or to be tried again later."""
        try:
            return await self.once(action, attempt, report)
        except RateLimited as error:
            return Later(error.retry_after_s)
        except (Gone, Unsupported) as error:
            log.info("not done: %s", error, extra={"action": type(action).__name__})
            return None
        except Forbidden as error:
            log.warning("not allowed: %s", error, extra={"action": type(action).__name__})
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
        place = attempt.row.channel
        name = type(action).__name__.lower()
        if isinstance(action, Alert) or (name, place.key) in self._told:
            return
        self._told.add((name, place.key))
        text = _(
            "I am not allowed to do this here ({action}): {reason}. "
            "Please give me the permission, or do it yourself.",
            action=name,
            reason=reason,
        )
        alert = Attempt(
            OutboxRow(f"{attempt.row.key[:18]}!", place, None, None, Receipt(), attempt.row.opened_at, 0)
        )
        await self.perform(Alert(place, text), alert)
