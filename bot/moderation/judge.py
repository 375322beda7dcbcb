"""All rules on one message, merged once. The bot's own words pass it too, before they are read."""

import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from bot.core.actions import Action, Chunk, Severity, Status
from bot.core.events import Message
from bot.core.text import _
from bot.moderation.rule import Rule, Verdict

log = logging.getLogger(__name__)

SENTENCE_END = re.compile(r"[.!?…]\s|[。！？\n]")
HOLD_CHARACTERS = 300
HOLD_S = 1.0
"""The bot's own text is judged by sentence, or after this much text or time, whichever comes first."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All verdicts on a message and what follows from the strongest."""

    verdicts: tuple[Verdict, ...] = ()

    @property
    def strongest(self) -> Verdict | None:
        """The verdict that decides; of equally strong ones the higher score."""
        return max(self.verdicts, key=lambda verdict: (verdict.severity, verdict.score), default=None)

    @property
    def actions(self) -> tuple[Action, ...]:
        """What is to be done."""
        return self.strongest.actions if self.strongest else ()

    @property
    def stands(self) -> bool:
        """Whether the message stays and may be answered."""
        return self.strongest is None or self.strongest.severity < Severity.QUEUE


NOTHING_TO_SAY = Judgement()


def _nobody_asks(rule: str) -> None:
    """For answers whose end nobody records."""


class Judge:
    """Runs every rule on every message. A rule that fails is reported and left out of that judgement."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)

    def judge(self, message: Message) -> Judgement:
        """Ask all rules about one message."""
        if not self.rules:
            return NOTHING_TO_SAY
        verdicts = (self._ask(rule, message) for rule in self.rules)
        return Judgement(tuple(verdict for verdict in verdicts if verdict is not None))

    def _ask(self, rule: Rule, message: Message) -> Verdict | None:
        try:
            return rule.judge(message)
        except Exception:  # one rule call: a broken rule must not stop the others or the message
            log.exception("rule failed", extra={"rule": rule.name, "event_id": message.ref.id})
            return None

    async def watch(
        self,
        chunks: AsyncIterator[Chunk],
        question: Message,
        clock: Callable[[], float] = monotonic,
        *,
        stopped_by: Callable[[str], None] = _nobody_asks,
    ) -> AsyncIterator[Chunk]:
        """Let the bot's own words through only after they were judged.

        When they would not stand, the answer ends there with a sentence that says so, and `stopped_by` is
        told the rule.
        """
        held, said, since = "", "", clock()
        async for chunk in chunks:
            if isinstance(chunk, Status) or not self.rules:
                yield chunk
                continue
            held += chunk
            if not (len(held) >= HOLD_CHARACTERS or clock() - since >= HOLD_S or SENTENCE_END.search(held)):
                continue
            if self._against(said + held, question) is not None:
                break
            yield held
            said, held, since = said + held, "", clock()
        if not held:
            return
        rule = self._against(said + held, question)
        if rule is None:
            yield held
            return
        stopped_by(rule)
        sentence = _("(I stopped here: what I was about to write breaks a rule of this place.)")
        yield f"\n\n{sentence}" if said.strip() else sentence

    def _against(self, text: str, question: Message) -> str | None:
        """The rule under which a text of the bot's own may not stand."""
        judgement = self.judge(replace(question, text=text, addressed=None))
        return None if judgement.stands or judgement.strongest is None else judgement.strongest.rule
