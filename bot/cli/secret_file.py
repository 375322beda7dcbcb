"""How `llmos init` takes a secret: asked unseen, and kept beside config.toml for its owner only."""

import os
import sys
from getpass import getpass
from pathlib import Path

from rich.console import Console
from rich.prompt import Prompt

from bot.core.errors import BotError
from bot.core.text import _


def ask_hidden(question: str, console: Console) -> str:
    """Ask until there is an answer; a terminal does not show what is typed."""
    while True:
        if sys.stdin.isatty():
            secret = getpass(f"{question}: ").strip()
        else:
            secret = Prompt.ask(question, console=console).strip()
        if secret:
            return secret


def write_secret(path: Path, secret: str) -> None:
    """Keep a secret in a file of its own (0600).

    Raises:
        BotError: the file cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(f"{secret}\n")
    except OSError as error:
        raise BotError(
            _("{path} cannot be written: {why}.", path=path, why=error.strerror or error)
        ) from error
