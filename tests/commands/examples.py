"""Commands that exist for the tests of the command core: one of each kind of parameter."""

from typing import Annotated, Literal

from bot.commands.definition import Command, command
from bot.commands.signature import Doc, Matching, Range
from bot.core.permissions import Role

LINK = Matching(r"https?://\S+|\d+", "a link to a message")


@command("ask")
async def ask(context: object, question: Annotated[str, Doc("What you want to know.")]) -> str:
    """Answer a question."""
    return question


@command("report", menu="Report", form=("reason",))
async def report(
    context: object,
    reason: Annotated[str, Doc("What is wrong.")],
    message: Annotated[str | None, LINK] = None,
) -> str:
    """Tell the moderators."""
    return f"{message}: {reason}"


@command("flag")
async def flag(context: object, message: Annotated[str, LINK] = "", reason: str = "no reason") -> str:
    """Take an optional link before free text."""
    return f"{message}: {reason}"


@command("rules add", role=Role.MODERATOR, slow=True, examples=("rules add spam delete 0.9",))
async def rules_add(
    context: object,
    name: str,
    action: Literal["log", "delete", "ban"],
    threshold: Annotated[float, Range(0, 1), Doc("From 0 to 1.")] = 0.8,
    note: str = "",
) -> str:
    """Add a rule."""
    return f"{name} {action} {threshold} {note}"


@command("rules list")
async def rules_list(
    context: object,
    n: Annotated[int, Range(1, 20)] = 5,
    all: bool = False,
    *,
    where: Literal["here", "all"] = "here",
) -> str:
    """List the rules."""
    return f"{n} {all} {where}"


@command("channel set", role=Role.MODERATOR, private=True)
async def channel_set(
    context: object,
    setting: Literal["answer", "persona"],
    value: str,
    *,
    where: Literal["here", "channel", "community"] = "here",
) -> str:
    """Change a setting."""
    return f"{setting} {value} {where}"


COMMANDS: tuple[Command, ...] = (ask, report, flag, rules_add, rules_list, channel_set)
