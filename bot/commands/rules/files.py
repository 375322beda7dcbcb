"""`rules export` and `rules import`: rules as a text that can be kept, compared and shared."""

import re
from collections.abc import Sequence
from dataclasses import replace as changed
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.commands.conversion import UNREADABLE, shown
from bot.commands.rules.book import ALL, book_of, rule_named, rules_in, save, still_enforced
from bot.commands.rules.named import RuleNameOrAll
from bot.core.actions import Action
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.moderation.rule import Rule
from bot.moderation.rulebook import MAX_BYTES, read, write

MOST_CHARACTERS = 30_000
"""A longer text would flood a chat."""

_FENCE = re.compile(r"```[a-z]*[ \t]*\n?(.*?)```", re.DOTALL)
_MOST_NAMED = 30


@command("rules export", role=Role.MODERATOR, private=True)
async def export(context: Context, rule: RuleNameOrAll = ALL) -> str | tuple[Action, ...]:
    """Give me the rules as TOML, which `rules import` reads."""
    rules = rules_in(book_of(context))
    text = write(rules if rule == ALL else (rule_named(context, rules, rule),))
    if len(text) > MOST_CHARACTERS:
        return _(
            "That is {n} characters, too many for a chat. `{prefix}rules export NAME` gives one rule.",
            n=len(text),
            prefix=context.prefix,
        )
    # escapes of TOML keep a fence, or what cannot be seen, inside a value from breaking the message
    safe = UNREADABLE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
    safe = safe.replace("```", "\\u0060\\u0060\\u0060")
    return (context.reply(f"```toml\n{safe.rstrip()}\n```", private=True),)


@command(
    "rules import",
    role=Role.MODERATOR,
    slow=True,
    file=N_("A file with rules as TOML, instead of the text."),
    examples=(N_('rules import rule = [{ kind = "caps", name = "loud" }]'),),
)
async def take_in(
    context: Context,
    text: Annotated[
        str, Doc("Rules as TOML, in a block of code; or attach a file, or reply to one or to a text.")
    ] = "",
    *,
    replace: Annotated[bool, Doc("Also remove the rules that are not in it.")] = False,
) -> str:
    """Take rules from a TOML text or file; if anything in it is wrong, nothing changes."""
    book = book_of(context)
    before = rules_in(book)
    given = read(await _given(context, text))
    after = given if replace else _merged(before, given)
    if after == before:
        return _("Nothing changed: these rules are there already.")
    enforced = still_enforced(book, before, after)
    await save(
        context,
        changed(book, rules=write(after), enforced=enforced),
        "import",
        f"{len(given)} rules{' replace' if replace else ''}",
    )
    return "\n".join(
        [
            _("The rules are taken in."),
            *_told(before, after),
            _("What is new, or became stronger, is in shadow: it only reports what it would do."),
            _("`{prefix}rules undo` takes that back.", prefix=context.prefix),
        ]
    )


async def _given(context: Context, text: str) -> str:
    """What was written, or else what stands in a file or in the message that is replied to."""
    if text.strip():
        if context.files:
            raise UserError(_("Give me the rules in a text or in a file, not in both."))
        return _toml(text)
    files = await context.given_files()
    if not files:
        return _toml(await _replied_to(context))
    if len(files) > 1:
        raise UserError(_("I take one file with rules at a time, and these are {n}.", n=len(files)))
    content = await context.fetch(files[0], MAX_BYTES)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UserError(
            _("The file {name} is no text in UTF-8, so nothing changed.", name=shown(files[0].name))
        ) from error


def _toml(text: str) -> str:
    """What stands in the first block of code, or else all of it."""
    if text.count("```") < 2:
        return text.strip("` \n") if text.startswith("`") else text
    found = _FENCE.search(text)
    return text if found is None else found[1]


async def _replied_to(context: Context) -> str:
    kept = None if context.target is None else await context.services.store.messages.get(context.target)
    if kept is None or not kept.text.strip():
        raise UserError(
            _(
                "Which rules? Write them after the command in a block of code, attach a file, or reply to a "
                "message with them. `{prefix}rules export` shows the form.",
                prefix=context.prefix,
            )
        )
    return kept.text


def _merged(before: Sequence[Rule], given: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules there are, with those of the same name replaced and new ones behind them."""
    return tuple({rule.name: rule for rule in (*before, *given)}.values())


def _told(before: Sequence[Rule], after: Sequence[Rule]) -> Sequence[str]:
    known = {rule.name: rule for rule in before}
    names = {rule.name for rule in after}
    groups = (
        (N_("New: {names}."), [rule.name for rule in after if rule.name not in known]),
        (
            N_("Changed: {names}."),
            [rule.name for rule in after if rule.name in known and rule != known[rule.name]],
        ),
        (N_("Removed: {names}."), [name for name in known if name not in names]),
    )
    return [
        _(sentence, names=", ".join(f"`{name}`" for name in found[:_MOST_NAMED]))
        for sentence, found in groups
        if found
    ]
