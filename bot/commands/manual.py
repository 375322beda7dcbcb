"""The reference of all commands, written from the commands themselves.

`python -m bot.commands.manual` writes docs/members/commands.md and docs/moderators/commands.md anew; a test
fails when they no longer say what the commands do.
"""

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from bot.commands.command import Command, Commands
from bot.commands.signature import Argument
from bot.core.permissions import Role

_GENERATED = (
    "<!-- Written from the commands by `python -m bot.commands.manual`. Do not edit; run it again. -->"
)

_CALLS = """\
At the console a command begins with a slash: `/help`. In a chat write `!llmos help` (the operator can choose
another prefix), or mention the bot and write the command.

`CAPITALS` stand for what you must give, `[brackets]` for what you may leave out, and `a|b` for a choice.
Words with spaces in them go in quotes, except the last text of a command, which is taken as it stands.
Any argument can also be given by name: `name=value`. When something is wrong with a command, only you are
told, with what was expected."""

_MEMBERS = f"""\
# Commands for everybody

Mention the bot and ask; you need no command for that. For the rest there are these. `help` lists those that
you may use, and `help NAME` explains one.

{_CALLS}"""

_MODERATORS = f"""\
# Commands for moderators

Who is a moderator, or an administrator, the platform says at the moment of use: the operator writes roles or
power levels in `[permissions]`. These commands come on top of those [for everybody](../members/commands.md).
What is changed with them is recorded in the audit log, and so is every refused attempt.

{_CALLS}"""


def manual(commands: Commands) -> Mapping[str, str]:
    """The pages by their path in the folder of documents."""
    members = [each for each in commands.all if each.spec.role is Role.MEMBER]
    moderators = [each for each in commands.all if each.spec.role is not Role.MEMBER]
    return {
        "members/commands.md": "\n".join(_page(_MEMBERS, members)),
        "moderators/commands.md": "\n".join(_page(_MODERATORS, moderators)),
    }


def _page(opening: str, commands: list[Command]) -> Iterator[str]:
    yield _GENERATED
    yield opening
    for name, group in groupby(commands, key=lambda each: each.spec.path[0]):
        yield f"\n## {name}"
        for each in group:
            yield from _section(each)


def _section(command: Command) -> Iterator[str]:
    spec = command.spec
    yield f"\n### `{command.usage}`\n"
    yield " ".join((spec.summary, *_remarks(command)))
    if command.arguments:
        yield "\n| argument | what | values |\n|---|---|---|"
        yield from map(_row, command.arguments)
    if command.examples:
        yield "\n```"
        yield from command.examples
        yield "```"


def _remarks(command: Command) -> Iterator[str]:
    if command.spec.role is Role.ADMIN:
        yield "For administrators."
    if command.spec.private:
        yield "Only you see the answer."
    if command.spec.file:
        yield f"On Discord the option `file` takes: {command.spec.file} Elsewhere attach it to the command."
    if command.spec.menu is not None:
        asked = " and ".join(f"`{name}`" for name in command.spec.form)
        form = f"; a form asks for {asked}" if asked else ""
        yield f"Also in the menu of a message, as “{command.spec.menu}”{form}."


def _row(argument: Argument) -> str:
    parameter = argument.parameter
    facts = [f"`{choice}`" for choice in parameter.choices] or [parameter.kind.value]
    if argument.matching is not None:
        facts = [argument.matching.expected]
    if parameter.minimum is not None or parameter.maximum is not None:
        low = "" if parameter.minimum is None else f"{parameter.minimum:.15g}"
        high = "" if parameter.maximum is None else f"{parameter.maximum:.15g}"
        facts.append(f"{low} … {high}")
    if parameter.default not in (None, ""):
        facts.append(f"otherwise `{parameter.default}`")
    elif not parameter.required:
        facts.append("optional")
    cells = (f"`{parameter.name}`", parameter.description, ", ".join(facts))
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def main() -> None:
    """Write the pages into the folder `docs` here, or the one given."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for name, text in manual(Commands.discover()).items():
        page = folder / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text + "\n", encoding="utf-8")
        print(page)  # noqa: T201 - a tool of the house, run by hand


if __name__ == "__main__":
    main()
