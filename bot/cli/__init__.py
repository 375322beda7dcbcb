"""The command line: one module per command, imported only when it is called, so that each starts fast."""

import gc
import sys
from collections.abc import Sequence
from typing import NoReturn

from cyclopts import App
from rich.console import Console

from bot import __version__
from bot.core.errors import BotError, ConfigError

FAILED, WRONG_USAGE = 1, 2
"""Exit codes: failed while running; wrong usage or wrong configuration. Done is 0."""

GARBAGE_THRESHOLD = 20_000
"""New objects between two searches for garbage; with 700, as usual, they take a tenth of the start."""

COMMANDS = {
    "chat": "Talk to the bot in this terminal.",
    "run": "Run the service on all configured platforms.",
    "init": "Write a config.toml by asking a few questions.",
    "check": "List every problem of the configuration.",
    "doctor": "Check live that everything works.",
    "models": "Show, fetch and find the models that run on this machine.",
    "knowledge": "Add documents, ask them questions, measure the answers.",
    "moderate": "Try rules and classifiers on files of messages.",
    "recommend": "Measure how well threads are recommended.",
    "bench": "Measure this machine.",
    "matrix": "Look after the bot's account on Matrix.",
    "privacy": "Export or erase what is stored about a person.",
    "migrate": "Bring the database to this version, with a backup first.",
    "backup": "Copy the database to a file, also while the bot runs.",
    "restore": "Put a backup in place of the database.",
}
"""Name -> help line; `bot.cli.<name>` defines `command`: a function, or a cyclopts App of subcommands."""


def build() -> App:
    """The whole command line, nothing of it imported yet."""
    app = App(
        name="llmos",
        version=f"llmos {__version__}",
        help="LLMOS, one self-hosted bot for a community on Discord and Matrix.",
        error_console=Console(stderr=True),
    )
    for name, help_line in COMMANDS.items():
        app.command(f"bot.cli.{name}:command", name=name, help=help_line)
    return app


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error of ours is a sentence and an exit code, never a traceback."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    try:
        build()(arguments)
    except BotError as error:
        _leave(error)
    except BaseExceptionGroup as group:
        ours = group.subgroup(BotError)
        if ours is None:
            raise
        _leave(_first(ours))


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _leave(error: BaseException) -> NoReturn:
    sys.stderr.write(f"llmos: {error}\n")
    sys.exit(WRONG_USAGE if isinstance(error, ConfigError) else FAILED)
