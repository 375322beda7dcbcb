"""Getting one action to its platform in spite of limits and faults."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.adapters.adapter import Adapter
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
        resume: what an earlier attempt made, None when this is the first one ever.
        withdrawn: the message that is answered was deleted; what exists has to go.
    """

    row: OutboxRow
    resume: Receipt | None = None
    known: Receipt = field(default_factory=Receipt)
    withdrawn: bool = False


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

    async def perform(self, action: Action, attempt: Attempt, report: Report = no_report) -> Receipt | None:
        """Carry out an action; every message it makes is recorded as soon as it exists.

        Returns:
            What stands there now; None if the platform will never do it. That is logged, and a missing
            permission is also told to the moderators, once for each kind of action and place.
        """
        wait_s, tries = FIRST_WAIT_S, 0
        while True:
            tries += 1
            try:
                return await self.once(action, attempt, report)
            except RateLimited as error:
                await self._sleep(error.retry_after_s)
            except (Gone, Unsupported) as error:
                log.info("not done: %s", error, extra={"action": type(action).__name__})
                return None
            except Forbidden as error:
                log.warning("not allowed: %s", error, extra={"action": type(action).__name__})
                await self._tell_moderators(action, attempt, str(error))
                return None
            except PlatformError as error:
                if tries >= REPLY_ATTEMPTS and isinstance(action, Reply | Post | Update | Alert):
                    log.exception("given up", extra={"action": type(action).__name__})
                    return None
                log.warning("trying again in %.0f s: %s", wait_s, error)
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def once(self, action: Action, attempt: Attempt, report: Report = no_report) -> Receipt:
        """One attempt.

        Raises:
            PlatformError: see `Adapter.perform`; `attempt` knows what exists.
        """

        async def exists(receipt: Receipt) -> None:
            attempt.known = receipt
            await self._outbox.report(attempt.row.key, receipt)
            await report(receipt)

        resume = attempt.resume
        attempt.resume = attempt.known = attempt.known if resume is None else (attempt.known or resume)
        receipt = await self._adapter(attempt).perform(action, attempt.row.key, resume, exists)
        attempt.resume = attempt.known = receipt
        return receipt

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
