"""`help`: what this member may do here, and how each command is used."""

from collections.abc import Iterator
from typing import Annotated

from bot.commands.command import Command, Context, Doc, command
from bot.commands.signature import Argument
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.specs import Parameter
from bot.core.text import N_, _


@command("help", private=True, examples=(N_("help"), N_("help channel set")))
async def show_help(
    context: Context, topic: Annotated[str | None, Doc("A command, such as `channel set`.")] = None
) -> str:
    """List what you can do here, or explain one command."""
    commands = context.services.commands
    if topic is None or not topic.strip():
        return "\n".join(await _overview(context))
    words = topic.strip().removeprefix(context.prefix).removeprefix("/").split()
    group = [each for each in commands.all if each.spec.path[:1] == tuple(words) and len(each.spec.path) > 1]
    if group:
        return "\n".join(_line(each, context.prefix) for each in group)
    return "\n".join(_page(commands.find(words), context.prefix))


async def _overview(context: Context) -> list[str]:
    role = await _role(context)
    usable = [each for each in context.services.commands.all if each.spec.role <= role]
    return [
        _("Mention me and ask, or use one of these commands:"),
        *(f"`{context.prefix}{each.name}`: {_(each.spec.summary)}" for each in usable),
        _("`{prefix}help NAME` tells more about one of them.", prefix=context.prefix),
    ]


async def _role(context: Context) -> Role:
    """The caller's role; who cannot be asked about still gets help, as a member."""
    try:
        return await context.role()
    except UserError:
        return Role.MEMBER


def _line(command: Command, prefix: str) -> str:
    return f"`{prefix}{command.usage}`: {_(command.spec.summary)}"


def _page(command: Command, prefix: str) -> Iterator[str]:
    yield _(command.spec.summary)
    yield _("Usage: `{usage}`", usage=f"{prefix}{command.usage}")
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
