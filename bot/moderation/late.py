"""Verdicts that come after their message was decided: each leads to a case of its own.

Nothing waits for them. What follows is made durable first and then begun, like what follows at once.
"""

from collections.abc import Callable
from datetime import datetime

from bot.core.actions import Alert, Severity
from bot.core.events import Message
from bot.moderation.brake import Brake
from bot.moderation.judge import Judgement, runaway
from bot.moderation.review import Review
from bot.moderation.rule import Rule, Verdict
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store

Begin = Callable[[NewOutboxRow], None]
"""Carries out an outbox row that is stored already."""


class Late:
    """Makes something of late verdicts.

    Args:
        brake: stops a rule that acts on too much.
        key: makes an outbox key from the name of something that happens once.
    """

    def __init__(
        self,
        *,
        store: Store,
        review: Review,
        brake: Brake,
        now: Callable[[], datetime],
        key: Callable[[str], str],
    ) -> None:
        self._store, self._review, self._brake, self._now, self._key = store, review, brake, now, key
        self._begin: Begin = lambda row: None

    def hand_to(self, begin: Begin) -> None:
        """From now on what follows is carried out by this as soon as it is stored."""
        self._begin = begin

    async def conclude(self, message: Message, rule: Rule, verdict: Verdict) -> None:
        """Make what follows durable, then begin it.

        Raises:
            StorageError: the database failed.
        """
        if verdict.severity > Severity.LOG and not await self._allowed(message, rule):
            return
        followed = await self._review.follow(message, Judgement((verdict,)))
        if followed is None or not followed.outcome:
            return
        outcome = followed.outcome if await self._tells(message, stands=followed.stands) else ""
        number = followed.cases[0].number if followed.cases else 0
        rows = [
            NewOutboxRow(self._key(f"late case {number} {n}"), message.ref.channel, None, action)
            for n, action in enumerate(followed.actions)
        ]
        await self._do(
            Settlement(
                outcomes=((message.ref, outcome),) if outcome else (),
                opened=tuple(rows),
                cases=followed.cases,
                struck=followed.struck,
                audit=followed.audit,
                unarchived=() if followed.stands else (message.ref,),
            )
        )

    async def _allowed(self, message: Message, rule: Rule) -> bool:
        """Whether the rule may make another case; when it may no more, moderators are told once."""
        community = message.ref.channel.community_key
        was_stopped = rule.name in self._brake.stopped(community)
        if self._brake.allows(community, rule.name, bursts=rule.bursts):
            return True
        if not was_stopped:
            key = self._key(f"late {community} {rule.name} stopped {self._now().isoformat()}")
            alert = Alert(message.ref.channel, runaway(rule.name))
            await self._do(Settlement(opened=(NewOutboxRow(key, message.ref.channel, None, alert),)))
        return False

    async def _tells(self, message: Message, *, stands: bool) -> bool:
        """Whether `why` is to tell of it: not where it has more to tell, as of an answer."""
        if not stands:
            return True
        known = await self._store.messages.outcome(message.ref)
        return known is not None and known.startswith("ignored")

    async def _do(self, settled: Settlement) -> None:
        await self._store.settle(settled)
        for row in settled.opened:
            self._begin(row)
