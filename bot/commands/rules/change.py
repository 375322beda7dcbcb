"""`rules add`, `set`, `remove` and `undo`: every change is a new version, and none is lost."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.commands.conversion import nearest, shown
from bot.commands.rules.book import (
    book_of,
    last_messages,
    rule_named,
    rules_in,
    save,
    still_enforced,
)
from bot.commands.rules.named import RuleName
from bot.commands.rules.shown import not_replayed, setting
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.moderation.kinds import kinds
from bot.moderation.record import MUCH
from bot.moderation.rule import Rule
from bot.moderation.rulebook import rule_from, write
from bot.moderation.ruleset import Ruleset
from bot.moderation.trial import Trial, tried
from bot.moderation.typed import settings_in

FEW = 20
"""With fewer messages a share of them says nothing."""


@command(
    "rules add",
    role=Role.MODERATOR,
    slow=True,
    examples=(
        N_("rules add words rude words=fool,idiot action=queue"),
        N_("rules add links our-sites only_allowed=yes allow=example.org"),
    ),
)
async def add(
    context: Context,
    kind: Annotated[str, Doc("What it looks for: words, links, flood, caps, patterns and so on.")],
    name: Annotated[str, Doc("What you call it: letters, digits, _ and -.")],
    settings: Annotated[
        str,
        Doc("Settings as name=value, such as words=fool,idiot action=queue; `rules show` lists them."),
    ] = "",
) -> str:
    """Add a rule; it only watches until you let it act."""
    book = book_of(context)
    rules = rules_in(book)
    made = _made(kind, name, settings)
    known = next((rule for rule in rules if rule.name == made.name), None)
    if known == made:
        return _("There is exactly this rule already.")
    if known is not None:
        raise UserError(
            _(
                "There is a rule `{name}` already. `{prefix}rules set {name} NAME=VALUE` changes it; or "
                "choose another name.",
                name=made.name,
                prefix=context.prefix,
            )
        )
    trial = await _trial(context, made)
    await save(context, replace(book, rules=write((*rules, made))), "add", f"{made.kind} {made.name}")
    return "\n".join(
        [
            _(
                "`{name}` is there, in shadow: it only reports what it would do. `{prefix}rules mode enforce "
                "{name}` lets it act.",
                name=made.name,
                prefix=context.prefix,
            ),
            *(_asking(context) if made.asks_a_model else _tried(made, trial)),
        ]
    )


def _asking(context: Context) -> list[str]:
    """Who judges, and what they are told."""
    model = context.services.model
    lines = [
        _(
            "{model} judges what other rules or the classifiers find suspicious, and a small sample: at most "
            "5 of 100 messages, a moment after they came. `{prefix}rules test TEXT` asks it.",
            model=model.name,
            prefix=context.prefix,
        )
    ]
    if not model.is_local:
        lines.append(
            _(
                "⚠️ It does not run on this machine: the texts of these messages leave it, without their "
                "authors, addresses and numbers."
            )
        )
    return lines


def _made(kind: str, name: str, settings: str) -> Rule:
    found = kinds().get(kind.lower())
    if found is None:
        near = nearest(kind, kinds())
        text = _("There is no kind of rule “{kind}”.", kind=shown(kind)) + " "
        if near is not None:
            raise UserError(text + _("Did you mean `{name}`?", name=near))
        raise UserError(text + _("There are: {names}.", names=", ".join(f"`{each}`" for each in kinds())))
    given = settings_in(found, settings)
    if "name" in given:
        raise UserError(_("The name stands before the settings: `rules add KIND NAME …`."))
    return rule_from(kind.lower(), name, {key: value for key, value in given.items() if value is not None})


async def _trial(context: Context, rule: Rule) -> Trial:
    """The rule on the last messages that are kept."""
    ruleset = Ruleset((rule,))
    return await tried(ruleset, await last_messages(context), context.services.scorer)


def _tried(rule: Rule, trial: Trial) -> list[str]:
    """What it finds among the last messages, with a warning if that is too much."""
    if rule.looks_at_pictures:
        return [not_replayed([rule])]
    if not trial.read:
        return []
    lines = [
        _(
            "Among the last {n} messages here it finds something in {found}.",
            n=trial.read,
            found=trial.matched[rule.name],
        )
    ]
    if is_much(trial, rule.name):
        lines.append(_("⚠️ That is a lot: look whether it finds what you mean before it may act."))
    return lines


def is_much(trial: Trial, rule: str) -> bool:
    """Whether a rule finds something in so many messages that it must be wrong."""
    return trial.read >= FEW and trial.share(rule) > MUCH


@command(
    "rules set",
    role=Role.MODERATOR,
    slow=True,
    examples=(N_("rules set caps share=0.8"), N_("rules set caps action=hint shortest=default")),
)
async def change(
    context: Context,
    rule: RuleName,
    settings: Annotated[
        str, Doc("Settings as name=value; `default` for a value takes it back; `rules show` lists them.")
    ],
) -> str:
    """Change settings of a rule; if it becomes stronger, it only watches again."""
    book = book_of(context)
    rules = rules_in(book)
    old = rule_named(context, rules, rule)
    new = _with(old, settings_in(type(old), settings))
    if new == old:
        return _("Nothing changed: it is like that already.")
    trial = await _trial(context, new)
    after = tuple(new if each is old else each for each in rules)
    enforced = still_enforced(book, rules, after)
    if is_much(trial, new.name) and trial.matched[new.name] > (await _trial(context, old)).matched[old.name]:
        enforced -= {new.name}
    await save(
        context,
        replace(book, rules=write(after), enforced=enforced),
        "set",
        f"{new.name} {' '.join(_changed(old, new))}",
    )
    lines = [_("`{name}` is changed:", name=new.name)]
    lines += [f"• `{key}` = {setting(value)}" for key, value in _changed(old, new).items()]
    if new.name in book.enforced - enforced:
        lines.append(
            _(
                "It became stronger, so it only watches again. `{prefix}rules mode enforce {name}` lets it "
                "act.",
                prefix=context.prefix,
                name=new.name,
            )
        )
    elif new.name in enforced:
        lines.append(_("It goes on acting."))
    return "\n".join([*lines, *_tried(new, trial), _way_back(context)])


def _with(old: Rule, given: Mapping[str, object | None]) -> Rule:
    if "name" in given:
        raise UserError(_("A rule keeps its name, since its cases have it too. Add another rule instead."))
    if not given:
        raise UserError(_("Which setting? Write it as `name=value`."))
    unknown = [key for key, value in given.items() if value is None and key not in type(old).model_fields]
    kept = old.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    settings = {key: value for key, value in {**kept, **given}.items() if value is not None}
    return rule_from(old.kind, old.name, settings | dict.fromkeys(unknown))


def _changed(old: Rule, new: Rule) -> Mapping[str, object]:
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    return {key: value for key, value in after.items() if before[key] != value}


def _way_back(context: Context) -> str:
    return _("`{prefix}rules undo` takes that back.", prefix=context.prefix)


@command("rules remove", role=Role.MODERATOR, examples=(N_("rules remove caps"),))
async def remove(context: Context, rule: RuleName) -> str:
    """Remove a rule; every version is kept, so it can come back."""
    book = book_of(context)
    rules = rules_in(book)
    gone = rule_named(context, rules, rule)
    left = tuple(each for each in rules if each is not gone)
    await save(
        context,
        replace(book, rules=write(left), enforced=book.enforced - {gone.name}),
        "remove",
        gone.name,
    )
    return _("`{name}` is removed.", name=gone.name) + " " + _way_back(context)


@command("rules undo", role=Role.MODERATOR)
async def undo(context: Context) -> str:
    """Take the last change of the rules back."""
    book = book_of(context)
    versions = await context.services.store.rulebooks.history(book.community, 2)
    if len(versions) < 2:
        raise UserError(_("This is the first version of the rules; there is nothing before it."))
    before = versions[1]
    await save(context, replace(before, version=book.version), "undo", f"back to {before.version}")
    return _(
        "The rules are as they were in version {n}, also which of them act. `{prefix}rules undo` takes that "
        "back too.",
        n=before.version,
        prefix=context.prefix,
    )
