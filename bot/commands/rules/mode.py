"""`rules mode`: from watching to acting, after a look at what was found so far."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from bot.commands.command import Context, Doc, Range, command
from bot.commands.rules.book import ALL, book_of, last_messages, rule_named, rules_in, save
from bot.commands.rules.change import is_much
from bot.commands.rules.named import RuleNameOrAll
from bot.commands.rules.shown import MOST_LISTED, records_of, told
from bot.core.actions import Action, Reply
from bot.core.controls import Control
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.cards import ACTIONS
from bot.moderation.record import Record
from bot.moderation.rule import Rule
from bot.moderation.ruleset import Ruleset
from bot.moderation.trial import Trial, tried
from bot.storage.rulebooks import Rulebook

MOST_VERSIONS = 1_000_000_000


@command(
    "rules mode",
    role=Role.MODERATOR,
    slow=True,
    examples=(N_("rules mode enforce"), N_("rules mode enforce phishing"), N_("rules mode shadow")),
)
async def mode(
    context: Context,
    mode: Annotated[Literal["shadow", "enforce"], Doc("Shadow: only report. Enforce: act.")],
    rule: RuleNameOrAll = ALL,
    confirm: Annotated[Literal["yes"] | None, Doc("Say yes when you have read the report.")] = None,
    version: Annotated[
        int | None, Range(1, MOST_VERSIONS), Doc("Only if the rules are still this version.")
    ] = None,
) -> tuple[Action, ...]:
    """Let rules act, or only watch; before they act you see what they found so far."""
    book = book_of(context)
    rules = rules_in(book)
    chosen = rules if rule == ALL else (rule_named(context, rules, rule),)
    names = frozenset(each.name for each in chosen)
    if mode == "shadow":
        return (context.reply(await _to_shadow(context, book, rule, names)),)
    waiting = [each for each in chosen if each.name not in book.enforced]
    if not waiting:
        return (context.reply(_("Nothing changed: it acts already.")),)
    if confirm is None:
        return (await _question(context, book, rule, waiting),)
    if version is not None and version != book.version:
        raise UserError(
            _("The rules were changed since that report, so nothing happened. Ask for a new one.")
        )
    await save(context, replace(book, enforced=book.enforced | names), "mode", f"enforce {rule}")
    return (context.reply(_enforced(context, waiting)),)


async def _to_shadow(context: Context, book: Rulebook, rule: str, names: frozenset[str]) -> str:
    if not names & book.enforced:
        return _("Nothing changed: it only watches already.")
    await save(context, replace(book, enforced=book.enforced - names), "mode", f"shadow {rule}")
    return ngettext(
        "{n} rule only watches from now on: it reports what it would do.",
        "{n} rules only watch from now on: they report what they would do.",
        len(names & book.enforced),
    )


def _enforced(context: Context, acting: Sequence[Rule]) -> str:
    return (
        ngettext("{n} rule acts from now on.", "{n} rules act from now on.", len(acting))
        + " "
        + _(
            "`{prefix}rules mode shadow` stops them at once. Their own brake stops a rule that acts on more "
            "than 60 messages in a minute.",
            prefix=context.prefix,
        )
    )


async def _question(context: Context, book: Rulebook, rule: str, waiting: Sequence[Rule]) -> Reply:
    """The report, and what has to be pressed or written to go on."""
    records = await records_of(context, book)
    trial = await tried(Ruleset(waiting), await last_messages(context), context.services.scorer)
    control = Control(
        "✅",
        N_("Let them act"),
        ("rules", "mode"),
        {"mode": "enforce", "rule": rule, "confirm": "yes", "version": book.version},
        grave=True,
    )
    lines = [
        _("This is what they found in the last 30 days, and what they will do:"),
        *_report(waiting, records, trial),
    ]
    if not any(record.verdicts for record in records.values()):
        lines.append(
            _(
                "⚠️ No moderator has said yet whether they are right. Press ✅ or ❌ below their cards first, "
                "or look with `{prefix}rules replay NAME` at what they would have done.",
                prefix=context.prefix,
            )
        )
    lines.append(
        _(
            "To let them act, press ✅ or write `{line}`.",
            line=f"{context.prefix}{control.line}",
        )
    )
    return Reply(context.to, context.caller, "\n".join(lines), notice=True, controls=(control.translated(),))


def _report(waiting: Sequence[Rule], records: Mapping[str, Record], trial: Trial) -> Iterator[str]:
    def doubt(rule: Rule) -> bool:
        return records.get(rule.name, Record()).is_doubtful or is_much(trial, rule.name)

    def quiet(rule: Rule) -> bool:
        return not doubt(rule) and not records.get(rule.name, Record()).cases

    telling = [rule for rule in waiting if not quiet(rule)]
    for rule in sorted(telling, key=lambda rule: not doubt(rule))[:MOST_LISTED]:
        found = records.get(rule.name, Record())
        yield f"• `{rule.name}`: {_(ACTIONS[rule.action])}; {told(found)}"
        if found.is_doubtful:
            yield "  " + _("⚠️ It was wrong too often: change it before it acts.")
        if is_much(trial, rule.name):
            yield "  " + _(
                "⚠️ It finds something in {percent} % of the last {n} messages: that cannot be what you mean.",
                percent=round(100 * trial.share(rule.name)),
                n=trial.read,
            )
    if len(telling) > MOST_LISTED:
        more = len(telling) - MOST_LISTED
        yield ngettext("… and {n} more.", "… and {n} more.", more)
    yield from _quiet([rule for rule in waiting if quiet(rule)])


def _quiet(rules: Sequence[Rule]) -> Iterator[str]:
    """Rules that found nothing, a line for each thing they would do."""
    by_action: dict[str, list[str]] = {}
    for rule in rules[:MOST_LISTED]:
        by_action.setdefault(_(ACTIONS[rule.action]), []).append(f"`{rule.name}`")
    for action, names in by_action.items():
        yield "• " + _("{names}: {action}; no case yet", action=action, names=", ".join(names))
