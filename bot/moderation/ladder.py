"""From verdicts to actions: strikes that fade, steps that climb, and what each step means on a platform.

Pure functions; who keeps strikes and who carries actions out is elsewhere.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from bot.core.actions import Action, Alert, Ban, Delete, Hide, Kick, React, Reply, Severity, Timeout
from bot.core.events import Author, Message
from bot.core.permissions import Role
from bot.core.text import _
from bot.moderation.examined import Standing
from bot.moderation.rule import Rule, Verdict
from bot.storage.strikes import Strike

HALF_LIFE_DAYS = 30.0
"""After this time a strike counts half."""

REACTION = "⚠️"
"""The emoji of a rule that reacts."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """How strong the answer to a finding is."""

    severity: Severity
    timeout_s: float


def strikes(kept: Iterable[Strike], now: datetime, half_life_days: float = HALF_LIFE_DAYS) -> float:
    """What a member's strikes amount to by now: each is halved once in every half-life."""

    def left(strike: Strike) -> float:
        age_days = max((now - strike.at).total_seconds(), 0.0) / 86_400
        return strike.weight * math.pow(0.5, age_days / half_life_days)

    return sum(map(left, kept))


def consequence(rule: Rule, struck: float = 0.0) -> Consequence:
    """The step of a rule's ladder that a member with so many strikes stands on."""
    reached = [step for step in rule.escalation if struck >= step.strikes]
    if not reached:
        return Consequence(rule.action, rule.timeout_minutes * 60)
    minutes = reached[-1].minutes or rule.timeout_minutes
    return Consequence(max(reached[-1].action, rule.action), minutes * 60)


def is_stronger(rule: Rule, before: Rule) -> bool:
    """Whether somebody would be treated harder by a rule than by what it was before."""
    strikes_to_ask = {0.0, *(step.strikes for each in (rule, before) for step in each.escalation)}

    def answer(of: Rule, struck: float) -> tuple[Severity, float]:
        step = consequence(of, struck)
        return step.severity, step.timeout_s if step.severity is Severity.TIMEOUT else 0.0

    return any(answer(rule, struck) > answer(before, struck) for struck in strikes_to_ask)


def is_exempt(author: Author, standing: Standing) -> bool:
    """Whether no rule is for an author: bots, which have owners, and who moderates here."""
    return author.is_bot or standing.role >= Role.MODERATOR


def deeds_on(message: Message, verdict: Verdict) -> tuple[Action, ...]:
    """What a verdict does to a message and its author, weak actions included in strong ones."""
    ref, channel, author = message.ref, message.ref.channel, message.author
    reason = _("rule {rule}", rule=verdict.rule)
    match verdict.severity:
        case Severity.NONE | Severity.LOG | Severity.HINT | Severity.QUEUE:
            return ()
        case Severity.REACT:
            return (React(ref, REACTION),)
        case Severity.HIDE:
            return (Hide(ref, reason),)
        case Severity.DELETE:
            return (Delete(ref, reason),)
        case Severity.TIMEOUT:
            return (Delete(ref, reason), Timeout(channel, author, verdict.timeout_s, reason))
        case Severity.KICK:
            return (Delete(ref, reason), Kick(channel, author, reason))
        case Severity.BAN:
            return (Delete(ref, reason), Ban(channel, author, reason))
        case _:
            assert_never(verdict.severity)


def actions_on(message: Message, verdict: Verdict) -> tuple[Action, ...]:
    """What a verdict leads to where nobody keeps cases: its deeds, and who is told."""
    done = deeds_on(message, verdict)
    if verdict.severity is Severity.HINT:
        return (_told(message, verdict),)
    if verdict.severity not in (Severity.QUEUE, Severity.HIDE):
        return done
    told = (_told(message, verdict),) if verdict.hint else ()
    return (*done, Alert(message.ref.channel, alert(message, verdict)), *told)


def nothing_on(message: Message, verdict: Verdict) -> tuple[Action, ...]:
    """For judges of whose verdicts somebody else makes something, or nobody."""
    return ()


def _told(message: Message, verdict: Verdict) -> Reply:
    return Reply(message.ref, message.author, hint(verdict), private=True, notice=True)


def hint(verdict: Verdict) -> str:
    """What the author of a message is told."""
    if verdict.hint:
        return _(verdict.hint)  # those of our own rules are in the catalogue
    why = "; ".join(dict.fromkeys(evidence.why for evidence in verdict.evidence if evidence.why))
    if not why:
        return _("The rule `{rule}` of this place asks you to look at your message again.", rule=verdict.rule)
    return _(
        "The rule `{rule}` of this place asks you to look at your message again: {why}.",
        rule=verdict.rule,
        why=why,
    )


def alert(message: Message, verdict: Verdict) -> str:
    """What moderators are told: who, which rule, how sure, and why; never the text itself."""
    why = "; ".join(dict.fromkeys(evidence.why for evidence in verdict.evidence if evidence.why))
    return _(
        "Rule `{rule}` ({score}) about a message of {author} in {channel}: {why}",
        rule=verdict.rule,
        score=f"{verdict.score:.2f}",
        author=f"{message.author.name} ({message.author.id})",
        channel=message.ref.channel.id,
        why=why or "–",
    )
