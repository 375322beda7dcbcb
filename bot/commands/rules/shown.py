"""`rules list` and `rules show`: what is looked for, what follows, and how often it was right."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from bot.commands.command import Context, command
from bot.commands.conversion import readable
from bot.commands.rules.book import book_of, rule_named, rules_in
from bot.commands.rules.named import RuleName
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.adapting import ADAPTER, VERSIONS, became, is_proof, points, proof, verdicts
from bot.moderation.cards import ACTIONS
from bot.moderation.record import Record, record
from bot.moderation.rule import Rule
from bot.moderation.scored import ScoreRule
from bot.storage.rulebooks import Rulebook

OVER = timedelta(days=30)
MOST_LISTED = 50
VALUE_CHARS = 200


@command("rules list", role=Role.MODERATOR, private=True)
async def listed(context: Context) -> str:
    """List the rules of this community: what they do, and how often they were right."""
    book = book_of(context)
    rules, records = rules_in(book), await records_of(context, book)
    if not rules:
        return _("There is no rule any more. `{prefix}rules setup` makes some.", prefix=context.prefix)
    lines = [
        _("The rules of this community (version {n}); cases of the last 30 days:", n=book.version),
        *(line(book, rule, records.get(rule.name, Record())) for rule in rules[:MOST_LISTED]),
    ]
    if len(rules) > MOST_LISTED:
        more = len(rules) - MOST_LISTED
        lines.append(ngettext("… and {n} more.", "… and {n} more.", more))
    lines.append(_("`{prefix}rules show NAME` tells more of one.", prefix=context.prefix))
    return "\n".join(lines)


async def records_of(context: Context, book: Rulebook) -> Mapping[str, Record]:
    """What became of the cases of each rule in the last thirty days."""
    services = context.services
    counted = await services.store.cases.counts(book.community, services.now() - OVER)
    return {name: record(states) for name, states in counted.items()}


def line(book: Rulebook, rule: Rule, found: Record) -> str:
    """One rule in a list."""
    return f"• `{rule.name}` ({rule.kind}): {_(ACTIONS[rule.action])}, {mode(book, rule)}; {told(found)}"


def mode(book: Rulebook, rule: Rule) -> str:
    """Whether it acts."""
    return _("acts") if rule.name in book.enforced else _("in shadow")


def told(found: Record) -> str:
    """What moderators made of the cases of a rule."""
    cases = ngettext("{n} case", "{n} cases", found.cases)
    if found.precision is None:
        return _("{cases}, no verdict yet", cases=cases)
    return f"{cases}, " + _(
        "{percent} % right ({right} of {n} verdicts)",
        percent=round(100 * found.precision),
        right=found.right,
        n=found.verdicts,
    )


@command("rules show", role=Role.MODERATOR, private=True, examples=(N_("rules show phishing"),))
async def show(context: Context, rule: RuleName) -> str:
    """Show one rule: its settings, an example, how often it was right, and who changed it."""
    book = book_of(context)
    chosen = rule_named(context, rules_in(book), rule)
    found = (await records_of(context, book)).get(chosen.name, Record())
    lines = [
        f"**{chosen.name}** ({chosen.kind}): {_(chosen.summary)}",
        _("It would {what}; it is {mode}.", what=_(ACTIONS[chosen.action]), mode=mode(book, chosen))
        if chosen.name not in book.enforced
        else _("What follows: {what}; it {mode}.", what=_(ACTIONS[chosen.action]), mode=mode(book, chosen)),
        _("In the last 30 days: {told}.", told=told(found)),
        "",
        *_settings(chosen),
        "",
        _("A rule of this kind finds for example: {example}", example=_code(chosen.violations[0].text)),
        *await _learning(context, book, chosen),
        *await _last_change(context, book, chosen.name),
        _(
            "`{prefix}rules set {name} NAME=VALUE` changes a setting.",
            prefix=context.prefix,
            name=chosen.name,
        ),
    ]
    return "\n".join(lines)


def _settings(rule: Rule) -> Iterator[str]:
    chosen = rule.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    values = rule.model_dump(mode="json", exclude={"name"})
    for key in sorted(values, key=lambda key: key not in chosen):
        description = type(rule).model_fields[key].description
        about = _(description) if description else ""
        value = setting(values[key])
        if key not in chosen:
            value = _("{value} (as usual)", value=value)
        yield f"• `{key}` = {value} – {about}"


def not_replayed(rules: Sequence[Rule]) -> str:
    """What is said of rules that look at pictures where the past is read."""
    return _(
        "Pictures of the past are not fetched again, so {rules} found nothing there. Reply to a message with "
        "`rules test` to have its pictures looked at.",
        rules=", ".join(f"`{rule.name}`" for rule in rules),
    )


def setting(value: object) -> str:
    """A value as people read it."""
    match value:
        case bool():
            return _("yes") if value else _("no")
        case list() | tuple():
            return _code(", ".join(map(_entry, value))) if value else _("nothing in particular")
        case "" | None:
            return _("nothing in particular")
        case _:
            return _code(str(value))


def _entry(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={each}" for key, each in value.items() if each is not None)
    return str(value)


def _code(text: str) -> str:
    flat = " ".join(readable(text).split()).replace("`", "ˋ")
    return f"`{flat if len(flat) <= VALUE_CHARS else flat[: VALUE_CHARS - 1] + '…'}`"


async def _learning(context: Context, book: Rulebook, rule: Rule) -> Sequence[str]:
    """What moderators' verdicts made of a rule, and what they allow."""
    if not isinstance(rule, ScoreRule):
        return ()
    store, prefix = context.services.store, context.prefix
    found = await verdicts(store, book.community, rule.name)
    lines = [
        _(
            "Your verdicts raised its threshold by {points}; since then, {right} of {n} were right.",
            points=points(rule.raised),
            right=found.right,
            n=found.verdicts,
        )
        if rule.raised
        else _(
            "Its threshold is as it was chosen; since then, {right} of {n} verdicts were right.",
            right=found.right,
            n=found.verdicts,
        ),
        _(
            "`{prefix}rules set {name} adapts=no` keeps the threshold where it is.",
            prefix=prefix,
            name=rule.name,
        )
        if rule.adapts
        else _(
            "Your verdicts do not change it; `{prefix}rules set {name} adapts=yes` lets them.",
            prefix=prefix,
            name=rule.name,
        ),
    ]
    if not rule.proven and is_proof(await proof(store, book.community, rule.name, context.services.now())):
        lines.append(
            _(
                "It was right often enough that it may do more than queue: `{prefix}rules set {name} "
                "proven=yes action=hide`.",
                prefix=prefix,
                name=rule.name,
            )
        )
    return lines


async def _last_change(context: Context, book: Rulebook, name: str) -> Sequence[str]:
    """In which version the rule became what it is, when, and by whom."""
    last = became(await context.services.store.rulebooks.history(book.community, VERSIONS), name)
    if last.at is None:
        return ()
    mine = last.actor == context.services.store.seal.pseudonym(context.caller.identity)
    who = _("you") if mine else _("the moderator `{who}` of the audit log", who=last.actor[:8])
    if last.actor == ADAPTER:
        who = _("me, by your verdicts")
    return (
        _(
            "It is as it is since version {n}, of {day}, by {who}.",
            n=last.version,
            day=f"{last.at:%Y-%m-%d %H:%M} UTC",
            who=who,
        ),
    )
