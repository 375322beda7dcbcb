"""docs/contributors/add-a-command.md: the command it shows does what it says."""

import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from bot.commands.command import Command, Commands
from bot.core.actions import Reply
from bot.core.specs import Kind
from tests.commands.house import House

PAGE = Path(__file__).parents[2] / "docs" / "contributors" / "add-a-command.md"


@pytest.fixture(scope="module")
def roll() -> Command:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    module = ModuleType("dice")
    exec(compile(found[1], str(PAGE), "exec"), module.__dict__)
    (shown,) = [each for each in vars(module).values() if isinstance(each, Command)]
    return shown


async def told(house: House, shown: Command, line: str) -> str:
    commands = Commands([*Commands.discover().all, shown])
    context = replace(house.context(), services=replace(house.services, commands=commands))
    outcome = await commands.run_line(context, line)
    assert isinstance(outcome, tuple)
    (reply,) = outcome
    assert isinstance(reply, Reply)
    return reply.text


async def test_the_lines_on_the_page_work(house: House, roll: Command) -> None:
    assert re.fullmatch(r"\d+ points?", await told(house, roll, "dice roll 20"))
    assert re.fullmatch(r"\d+ points?", await told(house, roll, "dice roll sides=4"))
    assert re.fullmatch(r"for cake \d+ points?", await told(house, roll, "dice roll for cake"))
    for example in roll.examples:
        assert re.search(r"\d+ points?$", await told(house, roll, example))
    assert "superstitious" in await told(house, roll, "dice roll 13")


async def test_its_help_and_its_errors_are_as_the_page_says(house: House, roll: Command) -> None:
    page = await told(house, roll, "help dice roll")
    assert "Usage: `/dice roll [sides] [what_for] [show=sum|all]`" in page
    assert "• `sides`: How many sides each die has. (from 2 to 100; otherwise `6`)" in page
    assert "`sides` cannot be “one”: I expected a whole number from 2 to 100." in await told(
        house, roll, "dice roll sides=one"
    )
    assert "Did you mean `all`?" in await told(house, roll, "dice roll show=al")
    kinds = [(each.name, each.kind, each.required) for each in roll.spec.parameters]
    assert kinds == [
        ("sides", Kind.INTEGER, False),
        ("what_for", Kind.STRING, False),
        ("show", Kind.STRING, False),
    ]


def test_every_file_and_name_on_the_page_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    root = PAGE.parents[2]
    for name in re.findall(r"`((?:bot|tests)/[\w/]+\.py)`", text):
        assert (root / name).exists()
    assert "test_exactly_the_promised_commands_exist" in text
    assert "def test_exactly_the_promised_commands_exist" in (
        root / "tests" / "commands" / "test_specs.py"
    ).read_text(encoding="utf-8")
