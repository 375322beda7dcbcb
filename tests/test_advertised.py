"""Nothing is advertised that no test drives: every command, engine and key of the configuration.

Chat commands are driven by the scripts of `tests/journeys`, everything else by tests that carry
`@pytest.mark.drives("config:llm.model", "engine:openai", "cli:check")`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from bot.cli import COMMANDS, build
from bot.commands.command import Commands
from bot.config import Config
from bot.config.sections import EngineName
from tests.journeys.script import SCRIPTS

TESTS = Path(__file__).parent


def config_keys() -> set[str]:
    keys = set()
    for section, field in Config.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        keys |= {f"config:{section}.{key}" for key in field.annotation.model_fields}
    return keys


def cli_commands() -> set[str]:
    names = set()
    for name in COMMANDS:
        subcommands = [each for each in build()[name] if not each.startswith("-")] if _is_group(name) else []
        names |= {f"cli:{name} {each}" for each in subcommands} or {f"cli:{name}"}
    return names


def _is_group(name: str) -> bool:
    app = build()[name]
    return app.default_command is None


def driven() -> set[str]:
    """Every name in a `drives` mark, comprehensions over literals included."""
    found: set[str] = set()
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.drives":
                found |= set(_names(node))
    return found


def _names(mark: ast.Call) -> Iterator[str]:
    """The mark's arguments as Python reads them: literals, and generators of literals."""
    names = ", ".join(ast.unparse(argument) for argument in mark.args)
    yield from eval(f"({names},)", {"__builtins__": {}})


def test_every_key_of_the_configuration_and_every_engine_is_driven() -> None:
    advertised = config_keys() | {f"engine:{name}" for name in get_args(EngineName)}
    assert advertised - driven() == set()


def test_every_command_of_the_command_line_is_driven() -> None:
    assert cli_commands() - driven() == set()


def test_no_test_claims_to_drive_what_does_not_exist() -> None:
    advertised = config_keys() | {f"engine:{name}" for name in get_args(EngineName)} | cli_commands()
    assert driven() - advertised == set()


def test_every_chat_command_is_driven_by_a_journey() -> None:
    played = {line for journey in SCRIPTS for line in journey.commands}
    paths = {spec.path for spec in Commands.discover().specs}
    assert {path for path in paths if not any(line[: len(path)] == path for line in played)} == set()
