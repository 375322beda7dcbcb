"""Messages that a language model judges by policy, one after the other, after everything else was decided.

Nobody waits for it: a verdict comes when it comes and leads to a case of its own. What waits is in memory, so
that a restart forgets it, while what cheaper rules found stands.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.actions import Severity
from bot.core.errors import StorageError
from bot.core.events import Identity, Message, MessageRef
from bot.llm.model import Model
from bot.moderation.asking import able, ask, control
from bot.moderation.examined import Examined
from bot.moderation.judge import verdict_of
from bot.moderation.late import Late
from bot.moderation.opinion import SILENT, Opinion
from bot.moderation.past import Past
from bot.moderation.review import Review
from bot.moderation.rule import Rule, Verdict
from bot.moderation.rules.policy import Policy

log = logging.getLogger(__name__)

WITHIN_S = 60.0
"""How long a model may take, members' questions before it included; then moderators look."""

MOST_WAITING = 100
"""More messages do not wait: what comes in while a model is that far behind is not judged by it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """A message, and the rules that want to know what a model thinks of it."""

    message: Message
    rules: tuple[Rule, ...]


class Assessing:
    """Asks the model of the house."""

    def __init__(
        self,
        *,
        review: Review,
        late: Late,
        model: Model,
        now: Callable[[], datetime],
        within_s: float = WITHIN_S,
    ) -> None:
        self._review, self._late, self._model = review, late, model
        self._now, self._within_s = now, within_s
        self._waiting: OrderedDict[MessageRef, _Wanted] = OrderedDict()
        self._awake = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Messages that are not judged yet."""
        return len(self._waiting)

    def consider(self, message: Message, rules: Sequence[Rule]) -> None:
        """Judge a message later; what was wanted of an earlier version of it is not wanted any more."""
        self.withdraw(message.ref)
        if not rules or not able(self._model):
            return
        if len(self._waiting) >= MOST_WAITING:
            log.warning("the model is far behind, so a message is not judged by policy")
            return
        self._waiting[message.ref] = _Wanted(message, tuple(rules))
        self._awake.set()

    def withdraw(self, message: MessageRef) -> None:
        """A message is gone: nothing comes of what is thought about it."""
        self._waiting.pop(message, None)

    def forget(self, member: Identity) -> None:
        """Forget what a member wrote."""
        for ref in [ref for ref, each in self._waiting.items() if each.message.author.identity == member]:
            del self._waiting[ref]

    async def keep(self) -> None:
        """Judge what comes, for as long as the bot runs.

        Raises:
            StorageError: the database failed; nothing can go on without it.
        """
        while True:
            await self._awake.wait()
            self._awake.clear()
            while self._waiting:
                await self._next()

    async def opinion(self, rule: Policy, said: str) -> Opinion:
        """What the model thinks of a text."""
        try:
            async with asyncio.timeout(self._within_s):
                return await ask(self._model, rule.policy, said, control(rule.policy))
        except TimeoutError:
            return Opinion(None, doubt=SILENT)

    async def _next(self) -> None:
        ref, wanted = next(iter(self._waiting.items()))
        try:
            for rule in wanted.rules:
                if isinstance(rule, Policy):
                    opinion = await self.opinion(rule, wanted.message.text)
                    if self._waiting.get(ref) is not wanted:
                        return
                    await self._conclude(wanted.message, rule, opinion)
        except StorageError:
            raise
        except Exception:  # one job: the others wait for the same model
            log.exception("judging by policy failed", extra={"event_id": ref.id})
        if self._waiting.get(ref) is wanted:
            del self._waiting[ref]

    async def _conclude(self, message: Message, rule: Policy, opinion: Opinion) -> None:
        """What follows; nothing does by a rule that was changed meanwhile."""
        if self._review.rules(message.ref.channel).find(rule.name) != rule:
            return
        verdict = verdict_on(message, rule, opinion, self._now)
        if verdict is not None:
            await self._late.conclude(message, rule, verdict)


def verdict_on(
    message: Message, rule: Policy, opinion: Opinion, now: Callable[[], datetime]
) -> Verdict | None:
    """What an opinion means for a message; what nobody could judge is moderators' to judge."""
    seen = Examined(message)
    seen.opinion = opinion
    finding = rule.check(seen, Past(now))
    if finding is None:
        return None
    verdict = verdict_of(rule, finding)
    if opinion.breaks is None:
        return replace(verdict, severity=max(verdict.severity, Severity.QUEUE))
    return verdict
