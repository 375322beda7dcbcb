"""`rules list` and `rules show`: what is looked for, what follows, and how often it was right."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from bot.commands.command import Context, command
from bot.commands.conversion import readable
from bot.commands.rules.book import book_of, rule_named, rules_in
from bot.commands.rules.named import RuleName
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.cards import ACTIONS
from bot.moderation.record import Record, record
from bot.moderation.rule import Rule
from bot.moderation.rulebook import entry_of
from bot.storage.rulebooks import Rulebook

OVER = timedelta(days=30)
MOST_LISTED = 50
VALUE_CHARS = 200
VERSIONS = 50
"""How far back it is looked up who changed a rule."""


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
        return f"{cases}, {_('no verdict yet')}"
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
        yield (
            f"• `{key}` = {value} – {about}"
            if key in chosen
            else f"• `{key}` = {value} ({_('as usual')}) – {about}"
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


async def _last_change(context: Context, book: Rulebook, name: str) -> Sequence[str]:
    """In which version the rule became what it is, when, and by whom."""
    versions = await context.services.store.rulebooks.history(book.community, VERSIONS)
    last = versions[0]
    now = entry_of(last.rules, name)
    for version in versions[1:]:
        if entry_of(version.rules, name) != now:
            break
        last = version
    if last.at is None:
        return ()
    mine = last.actor == context.services.store.seal.pseudonym(context.caller.identity)
    who = _("you") if mine else _("the moderator `{who}` of the audit log", who=last.actor[:8])
    return (
        _(
            "It is as it is since version {n}, of {day}, by {who}.",
            n=last.version,
            day=f"{last.at:%Y-%m-%d %H:%M} UTC",
            who=who,
        ),
    )
