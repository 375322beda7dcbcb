"""Thresholds that follow moderators' verdicts: by counts alone, in small steps, never below what was chosen.

No text is ever looked at: a rule about a score that is wrong too often asks for surer findings, and comes
back when it is right again. What may do more than queue loses that when its verdicts no longer prove it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.actions import Severity
from bot.core.errors import StorageError, UserError
from bot.core.text import _
from bot.moderation.record import Record, record
from bot.moderation.rule import Rule, Step
from bot.moderation.rulebook import entry_of, read, write
from bot.moderation.scored import MOST_RAISED, STRONGEST_UNPROVEN, ScoreRule
from bot.storage.rulebooks import Rulebook
from bot.storage.store import Store

log = logging.getLogger(__name__)

ADAPTER = "bot"
"""Who changed a rulebook, where that was no moderator."""

STEP = 0.02
"""Of a threshold, for as many verdicts as say something: one step up, one step down."""

ENOUGH_TO_LOWER, GOOD_TO_LOWER = 20, 0.95

PROOF_VERDICTS, PROOF_PRECISION, PROOF_OVER = 50, 0.95, timedelta(days=365)
"""So many verdicts, and so many right ones among them, before a score may do more than queue."""

VERSIONS = 50
"""So far back it is looked up when a rule became as it is."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """What verdicts changed in a rule."""

    before: ScoreRule
    after: ScoreRule
    found: Record


def is_proof(found: Record) -> bool:
    """Whether verdicts prove that a score may do more than queue."""
    precision = found.precision
    return found.verdicts >= PROOF_VERDICTS and precision is not None and precision >= PROOF_PRECISION


def adapted(rule: ScoreRule, found: Record) -> ScoreRule:
    """The rule with the threshold that its verdicts speak for.

    Args:
        found: the verdicts since the rule became as it is, so that none counts twice.
    """
    raised, precision = rule.raised, found.precision
    if not rule.adapts or precision is None:
        return rule
    if found.is_doubtful:
        raised = min(raised + STEP, MOST_RAISED)
    elif found.verdicts >= ENOUGH_TO_LOWER and precision >= GOOD_TO_LOWER:
        raised = max(raised - STEP, 0.0)
    return rule.model_copy(update={"raised": round(raised, 4)})


def unproven(rule: ScoreRule, found: Record) -> ScoreRule:
    """The rule without what it may do only while it is proven, if its verdicts no longer prove it."""
    if not rule.proven or found.verdicts < PROOF_VERDICTS or is_proof(found):
        return rule
    steps = tuple(
        Step(strikes=step.strikes, action=_mild(step.action), minutes=step.minutes)
        for step in rule.escalation
    )
    return rule.model_copy(update={"proven": False, "action": _mild(rule.action), "escalation": steps})


def _mild(action: Severity) -> Severity:
    return min(action, STRONGEST_UNPROVEN)


def became(versions: Sequence[Rulebook], name: str) -> Rulebook:
    """The version in which a rule became what it is in the newest one.

    Args:
        versions: newest first, one at least.
    """
    last = versions[0]
    now = entry_of(last.rules, name)
    for version in versions[1:]:
        if entry_of(version.rules, name) != now:
            break
        last = version
    return last


async def verdicts(store: Store, community: str, rule: str) -> Record:
    """What moderators said of a rule since it became as it is."""
    versions = await store.rulebooks.history(community, VERSIONS)
    return record(await store.cases.verdicts(community, rule, became(versions, rule).version))


async def proof(store: Store, community: str, rule: str, now: datetime) -> Record:
    """What moderators said of a rule in the last year, whatever changed in it."""
    return record((await store.cases.counts(community, now - PROOF_OVER)).get(rule, {}))


async def adapt(store: Store, community: str, name: str, now: datetime) -> Adapted | None:
    """Change a rule as the verdicts on it say, as a new version of the rulebook, which can be undone.

    Returns:
        None where nothing changed.
    """
    book = store.rulebooks.of(community)
    try:
        rules = read(book.rules) if book.rules else ()
    except UserError:
        return None
    rule = next((each for each in rules if each.name == name), None)
    if not isinstance(rule, ScoreRule):
        return None
    found = await verdicts(store, community, name)
    after = unproven(adapted(rule, found), await proof(store, community, name, now))
    if after == rule:
        return None
    changed: list[Rule] = [after if each is rule else each for each in rules]
    try:
        await store.rulebooks.save(replace(book, rules=write(changed)), ADAPTER)
    except StorageError as error:
        if store.rulebooks.of(community).version == book.version:
            raise
        log.info("the rules were changed at the same moment, so verdicts change them later: %s", error)
        return None
    return Adapted(rule, after, found)


def told(change: Adapted) -> str:
    """What moderators read about it."""
    before, after, found = change.before, change.after, change.found
    lines = []
    if after.raised != before.raised:
        lines.append(
            _(
                "By your verdicts ({right} of {n} were right), the threshold of `{name}` is now {now} above "
                "what was chosen; it was {before}.",
                right=found.right,
                n=found.verdicts,
                name=after.name,
                now=points(after.raised),
                before=points(before.raised),
            )
        )
    if after.proven != before.proven:
        lines.append(
            _(
                "Fewer than 95 of 100 findings of `{name}` were right in the last year, so it only queues "
                "again.",
                name=after.name,
            )
        )
    lines.append(
        _(
            "`rules undo` takes that back, `rules set {name} adapts=no` keeps the threshold where it is.",
            name=after.name,
        )
    )
    return " ".join(lines)


def points(raised: float) -> str:
    """A difference of probabilities as people read it."""
    return f"{100 * raised:.0f} %"
