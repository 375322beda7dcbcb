"""Some days of moderation: how much there was, how often rules were right, how fast decisions were."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from babel.dates import format_date, format_timedelta

from bot.core.text import _, current_locale, ngettext
from bot.moderation.record import Record, record
from bot.storage.cases import Outcome
from bot.storage.store import Store

DAYS = 7
MOST_RULES = 15
"""Rules that are told of, those with most cases first."""


@dataclass(frozen=True, slots=True)
class Report:
    """Some days of moderation.

    Attributes:
        before: how many cases there were in as many days before.
        days: by rule ("" for what moderators did by hand), how many cases each day had; most cases first.
        records: by rule, what moderators said.
        waiting: cases of these days that wait for a decision.
        median_s, slow_s: within which time half, and nine of ten decisions were made; None without any.
    """

    since: datetime
    until: datetime
    before: int
    days: Mapping[str, Sequence[int]]
    records: Mapping[str, Record]
    waiting: int
    median_s: float | None
    slow_s: float | None

    @property
    def rules(self) -> Sequence[str]:
        """The rules that found something, those with most cases first."""
        return [rule for rule in self.days if rule]

    @property
    def cases(self) -> int:
        """How many cases there were."""
        return sum(map(sum, self.days.values()))


async def report(store: Store, communities: Sequence[str], until: datetime, days: int = DAYS) -> Report:
    """What happened in some communities in the days before a time."""
    span = timedelta(days=days)
    before = await store.cases.outcomes(communities, until - 2 * span, until - span)
    return counted(await store.cases.outcomes(communities, until - span, until), len(before), until, days)


def counted(outcomes: Iterable[Outcome], before: int, until: datetime, days: int = DAYS) -> Report:
    """The report on some cases."""
    since = until - timedelta(days=days)
    found = list(outcomes)
    by_rule: dict[str, list[int]] = {}
    states: dict[str, Counter[str]] = {}
    for each in found:
        by_rule.setdefault(each.rule, [0] * days)[(each.at - since) // timedelta(days=1)] += 1
        states.setdefault(each.rule, Counter())[each.state] += 1
    took = sorted(
        (each.resolved_at - each.at).total_seconds()
        for each in found
        if each.rule and each.resolved_at is not None
    )
    tenths = quantiles(took, n=10, method="inclusive") if len(took) > 1 else took * 9
    return Report(
        since=since,
        until=until,
        before=before,
        days=dict(sorted(by_rule.items(), key=lambda each: (-sum(each[1]), each[0]))),
        records={rule: record(count) for rule, count in states.items() if rule},
        waiting=sum(each.state == "open" for each in found),
        median_s=tenths[4] if took else None,
        slow_s=tenths[8] if took else None,
    )


def title(of: Report) -> str:
    """Which days it is about."""
    locale = current_locale().replace("-", "_")
    last = of.until - timedelta(microseconds=1)
    since, until = (format_date(day.date(), "long", locale) for day in (of.since, last))
    return _("Moderation, {since} to {until} (UTC)", since=since, until=until)


def text(of: Report) -> str:
    """All of it in words."""
    lines = [f"**{title(of)}**", _volume(of)]
    lines += [
        f"{number}. {_of_rule(rule, of.records[rule])}"
        for number, rule in enumerate(of.rules[:MOST_RULES], 1)
    ]
    if len(of.rules) > MOST_RULES:
        lines.append("…")
    by_hand = sum(of.days.get("", ()))
    if by_hand:
        lines.append(
            "• "
            + ngettext("{n} time moderators acted by hand", "{n} times moderators acted by hand", by_hand)
        )
    if of.median_s is not None and of.slow_s is not None:
        lines.append(
            _(
                "Half of the decisions were made within {median}, nine of ten within {slow}.",
                median=_spoken(of.median_s),
                slow=_spoken(of.slow_s),
            )
        )
    if of.waiting:
        lines.append(
            ngettext(
                "{n} case of these days waits for you: `mod queue`.",
                "{n} cases of these days wait for you: `mod queue`.",
                of.waiting,
            )
        )
    return "\n".join(lines)


def alt(of: Report) -> str:
    """What the chart shows, in words."""
    rules = [f"{rule} {sum(of.days[rule])}" for rule in of.rules]
    daily = [sum(day) for day in zip(*of.days.values(), strict=True)]
    right = [
        f"{rule} {found.precision:.0%}" for rule, found in of.records.items() if found.precision is not None
    ]
    return _(
        "Two charts. Cases on each day: {daily}; by rule: {rules}. Findings that were right: {right}.",
        daily=", ".join(map(str, daily)),
        rules=", ".join(rules) or "–",
        right=", ".join(right) or "–",
    )


def _volume(of: Report) -> str:
    return ngettext(
        "{n} case, {before} in as many days before.",
        "{n} cases, {before} in as many days before.",
        of.cases,
        before=of.before,
    )


def _of_rule(rule: str, found: Record) -> str:
    if found.precision is None:
        return _("`{rule}`: {cases}, no verdict yet", rule=rule, cases=_cases(found.cases))
    return _(
        "`{rule}`: {cases}, right in {right} of {verdicts} verdicts ({percent} %){mark}",
        rule=rule,
        cases=_cases(found.cases),
        right=found.right,
        verdicts=found.verdicts,
        percent=round(100 * found.precision),
        mark=" ⚠️" if found.is_doubtful else "",
    )


def _cases(n: int) -> str:
    return ngettext("{n} case", "{n} cases", n)


def _spoken(duration_s: float) -> str:
    return format_timedelta(timedelta(seconds=duration_s), locale=current_locale().replace("-", "_"))
