"""`help`: what this member may do here, and how each command is used."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Annotated

from bot.commands.command import Command, Completes, Context, Doc, Services, command, reserved
from bot.commands.conversion import suggested
from bot.commands.grammar import usage
from bot.commands.signature import Argument
from bot.core.errors import UserError
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.core.specs import Parameter
from bot.core.text import N_, _

TITLES: dict[str, str] = {
    "admin": N_("About me"),
    "channel": N_("How I behave in a channel"),
    "digest": N_("Threads worth reading, on time"),
    "helper": N_("Helping others"),
    "knowledge": N_("What I answer from"),
    "mod": N_("What moderators decide and do"),
    "privacy": N_("What I keep about you"),
    "rules": N_("What I look for, and what I do about it"),
    "topic": N_("What threads are about"),
}
"""First word of a group -> the heading above its commands; a group without one goes by its word."""


async def _topics(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """Commands, and groups of them."""
    names = (name for each in services.commands.all for name in (each.spec.path[0], each.name))
    return suggested(typed, dict.fromkeys(names))


@command("help", private=True, examples=(N_("help"), N_("help channel set")))
async def show_help(
    context: Context,
    topic: Annotated[str | None, Completes(_topics), Doc("A command, such as `privacy forget`.")] = None,
) -> str:
    """List what you can do here, or explain one command."""
    commands, role = context.services.commands, await _role(context)
    words = (topic or "").strip().removeprefix(context.prefix.strip()).removeprefix("/").casefold().split()
    if not words:
        return "\n".join(_overview([each for each in commands.all if each.spec.role <= role], context.prefix))
    group = [each for each in commands.all if each.spec.path[:1] == tuple(words) and len(each.spec.path) > 1]
    usable = [each for each in group if each.spec.role <= role]
    if usable:
        return "\n".join(_lines(usable, context.prefix))
    found = group[0] if group else commands.find(words, context.prefix)
    if found.spec.role > role:
        raise UserError(reserved(found))
    return "\n".join(page(found, context.prefix))


def _overview(usable: Iterable[Command], prefix: str) -> Iterator[str]:
    alone = [each for each in usable if len(each.spec.path) == 1]
    grouped = [each for each in usable if len(each.spec.path) > 1]
    yield _("Mention me and ask, or use one of these commands:")
    yield from _lines(alone, prefix)
    for name, group in groupby(grouped, key=lambda each: each.spec.path[0]):
        yield ""
        yield _("{title}:", title=_(TITLES.get(name, name)))
        yield from _lines(group, prefix)
    yield ""
    yield _("`{prefix}help NAME` tells more about one of them.", prefix=prefix)


async def _role(context: Context) -> Role:
    """The caller's role; who cannot be asked about still gets help, as a member."""
    try:
        return await context.role()
    except UserError:
        return Role.MEMBER


def _lines(commands: Iterable[Command], prefix: str) -> Iterator[str]:
    return (f"• `{prefix}{each.usage}`: {_(each.spec.summary)}" for each in commands)


def page(command: Command, prefix: str = "") -> Iterator[str]:
    """Everything about one command, line by line."""
    yield _(command.spec.summary)
    yield usage(command, prefix)
    for argument in command.arguments:
        yield _explained(argument)
    if command.spec.role is Role.MODERATOR:
        yield _("For moderators.")
    elif command.spec.role is Role.ADMIN:
        yield _("For administrators.")
    if command.examples:
        yield _("For example:")
        yield from (f"`{prefix}{_(example)}`" for example in command.examples)


def _explained(argument: Argument) -> str:
    parameter = argument.parameter
    facts = list(_facts(parameter))
    text = f"• `{parameter.name}`"
    if parameter.description:
        text += f": {_(parameter.description)}"
    return f"{text} ({'; '.join(facts)})" if facts else text


def _facts(parameter: Parameter) -> Iterator[str]:
    if parameter.choices:
        yield _("one of {choices}", choices=", ".join(f"`{choice}`" for choice in parameter.choices))
    if parameter.minimum is not None and parameter.maximum is not None:
        low, high = f"{parameter.minimum:.15g}", f"{parameter.maximum:.15g}"
        yield _("from {low} to {high}", low=low, high=high)
    if not parameter.required and isinstance(parameter.default, bool):
        yield _("otherwise {value}", value=_("yes") if parameter.default else _("no"))
    elif not parameter.required and parameter.default not in (None, ""):
        yield _("otherwise `{value}`", value=parameter.default)
    elif not parameter.required:
        yield _("optional")
