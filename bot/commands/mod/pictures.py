"""`mod picture`: pictures that are not wanted, shown once by a moderator and recognized from then on."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from bot.commands.command import Completes, Context, Doc, Services, command
from bot.commands.conversion import nearest, shown, suggested
from bot.commands.rules.book import book_of, rules_in, save
from bot.commands.rules.named import moderates
from bot.commands.rules.shown import mode
from bot.core.errors import Unreadable, UserError
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.cards import ACTIONS
from bot.moderation.likeness import BITS, MOST_BYTES, Likeness, is_picture
from bot.moderation.looking import MOST_PICTURES
from bot.moderation.rule import Rule
from bot.moderation.rulebook import read, write
from bot.moderation.rules.images import MOST_KNOWN, Images, Known
from bot.storage.rulebooks import Rulebook

RULE = "pictures"
"""What the rule is called that the first picture makes."""

_NAME = re.compile(r"\w[\w-]{0,19}")


async def _names(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """What the known pictures are called, for who moderates here; see `Completes`."""
    book = services.store.rulebooks.of(channel.community_key)
    if not book.rules or not await moderates(services, caller, channel):
        return ()
    try:
        return suggested(typed, [each.name for rule in _images(read(book.rules)) for each in rule.known])
    except UserError:  # they cannot be read any more, which the command itself will say
        return ()


@command(
    "mod picture",
    role=Role.MODERATOR,
    private=True,
    slow=True,
    menu=N_("Recognize this picture"),
    file=N_("A picture that is not wanted here."),
    examples=(
        N_("mod picture add free-nitro"),
        N_("mod picture list"),
        N_("mod picture remove free-nitro"),
    ),
)
async def picture(
    context: Context,
    what: Annotated[
        Literal["add", "list", "remove"] | None,
        Doc("add what you attach or reply to, list what I know, or remove one."),
    ] = None,
    name: Annotated[
        str | None, Completes(_names), Doc("What you call the picture: letters, digits, _ and -, at most 20.")
    ] = None,
) -> str:
    """Show me a picture that is not wanted: I recognize it when it comes again, also changed a little."""
    if what == "remove":
        return await _remove(context, name)
    if what == "add" or (what is None and (context.files or context.target is not None)):
        return await _add(context, name)
    return _list(context)


async def _add(context: Context, name: str | None) -> str:
    book = book_of(context)
    if name is not None and _NAME.fullmatch(name) is None:
        raise UserError(
            _(
                "“{name}” is no name for a picture: it has letters, digits, _ and -, at most 20.",
                name=shown(name),
            )
        )
    given = await _given(context)
    rules = rules_in(book)
    rule = next(_images(rules), None) or _new(rules)
    after = rule
    for likeness in given:
        after = _with(after, likeness, name, context)
    added = after.known[len(rule.known) :]
    if not added:
        known = {found[0].name for each in given if (found := rule.nearest(each)) is not None}
        return _("I know it already, as {names}.", names=_named(sorted(known)))
    if len(after.known) > MOST_KNOWN:
        raise UserError(
            _(
                "A rule knows at most {n} pictures, so I added nothing. `{prefix}mod picture remove NAME` "
                "makes room.",
                n=MOST_KNOWN,
                prefix=context.prefix,
            )
        )
    names = [each.name for each in added]
    kept = tuple(after if each is rule else each for each in rules)
    changed = replace(book, rules=write(kept if rule in rules else (*rules, after)))
    await save(context, changed, "picture", f"add {' '.join(names)} to {after.name}")
    told = ngettext(
        "I recognize {names} from now on. Of the picture I keep {bits} bits, from which nobody can make it "
        "again.",
        "I recognize {names} from now on. Of each picture I keep {bits} bits, from which nobody can make it "
        "again.",
        len(names),
        names=_named(names),
        bits=BITS,
    )
    return f"{told} {_follows(context, changed, after)}"


async def _given(context: Context) -> Sequence[Likeness]:
    """What is seen on the pictures that came with the call, or with the message that it replies to.

    Raises:
        UserError: there is none, or one cannot be read.
    """
    files = [file for file in await context.given_files() if is_picture(file)][:MOST_PICTURES]
    if not files:
        raise UserError(
            _(
                "Which picture? Reply to the message that shows it with `{prefix}mod picture add`, or attach "
                "it to the command.",
                prefix=context.prefix,
            )
        )
    found = []
    for file in files:
        content = await context.fetch(file, MOST_BYTES)
        try:
            found.append(await context.services.looking.likeness(content))
        except Unreadable as error:
            raise UserError(
                _("I cannot use “{name}”, so nothing changed. {why}", name=shown(file.name), why=error)
            ) from error
    return found


def _images(rules: Iterable[Rule]) -> Iterator[Images]:
    return (rule for rule in rules if isinstance(rule, Images))


def _new(rules: Sequence[Rule]) -> Images:
    taken = {rule.name for rule in rules}
    return Images(name=next(each for each in _numbered(RULE) if each not in taken))


def _with(rule: Images, likeness: Likeness, name: str | None, context: Context) -> Images:
    """The rule with a picture, unless it would recognize it anyway."""
    if rule.nearest(likeness) is not None:
        return rule
    taken = {each.name for each in rule.known}
    wanted = name or f"picture-{likeness.hash[:8]}"
    called = next(each for each in _numbered(wanted) if each not in taken)
    known = Known(hash=likeness.hash, name=called, added=context.services.now().date())
    return rule.model_copy(update={"known": (*rule.known, known)})


def _numbered(name: str) -> Sequence[str]:
    """A name, and what may stand for it where it is taken."""
    return [name, *(f"{name[:16]}-{n}" for n in range(2, MOST_KNOWN + 3))]


def _follows(context: Context, book: Rulebook, rule: Images) -> str:
    """What happens when it comes again."""
    what = _(ACTIONS[rule.action])
    if rule.name in book.enforced:
        return _(
            "When it comes again, this follows: {what}. `{prefix}rules set {rule} action=delete` changes "
            "that.",
            what=what,
            rule=rule.name,
            prefix=context.prefix,
        )
    return _(
        "When it comes again you get a card, and no more: the rule `{rule}` only watches. `{prefix}rules "
        "mode enforce {rule}` lets it act: {what}.",
        what=what,
        rule=rule.name,
        prefix=context.prefix,
    )


def _list(context: Context) -> str:
    book = book_of(context)
    rules = list(_images(rules_in(book)))
    lines = []
    for rule in rules:
        lines.append(f"`{rule.name}`: {_(ACTIONS[rule.action])}, {mode(book, rule)}")
        lines += [_line(each) for each in rule.known]
    if not any(rule.known for rule in rules):
        lines.append(
            _(
                "I know no pictures yet. Reply to the message that shows one with `{prefix}mod picture add`, "
                "or attach it to the command.",
                prefix=context.prefix,
            )
        )
    return "\n".join(lines)


def _line(known: Known) -> str:
    if known.added is None:
        return f"• `{known.name}`"
    return f"• `{known.name}`, " + _("added on {day}", day=known.added.isoformat())


async def _remove(context: Context, name: str | None) -> str:
    book = book_of(context)
    rules = rules_in(book)
    names = {each.name for rule in _images(rules) for each in rule.known}
    if name is None or name not in names:
        raise UserError(_unknown(context, name, names))
    after = tuple(_without(rule, name) if isinstance(rule, Images) else rule for rule in rules)
    await save(context, replace(book, rules=write(after)), "picture", f"remove {name}")
    return _(
        "I have forgotten {name}. `{prefix}rules undo` takes that back.",
        name=_named([name]),
        prefix=context.prefix,
    )


def _unknown(context: Context, name: str | None, names: set[str]) -> str:
    if name is None:
        return _("Which one? `{prefix}mod picture list` names all.", prefix=context.prefix)
    near = nearest(name, sorted(names))
    text = _("I know no picture “{name}”.", name=shown(name)) + " "
    if near is not None:
        return text + _("Did you mean `{name}`?", name=near)
    return text + _("`{prefix}mod picture list` names all.", prefix=context.prefix)


def _without(rule: Images, name: str) -> Images:
    return rule.model_copy(update={"known": tuple(each for each in rule.known if each.name != name)})


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
