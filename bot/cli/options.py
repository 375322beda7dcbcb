"""What the commands share: option types, JSON on stdout, the language of the person at the keyboard."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bot.core.text import closest_locale, set_locale

ConfigOption = Annotated[
    Path | None,
    Parameter(name="--config", help="The configuration; without it ./config.toml, else built-in defaults."),
]
"""`--config FILE`"""

ClassifiersOption = Annotated[
    Path | None,
    Parameter(name="--classifiers", help="A file of `llmos moderate train`; without it the shipped one."),
]
"""`--classifiers FILE`"""

JsonFlag = Annotated[
    bool,
    Parameter(name="--json", negative="", help="Print exactly one JSON document on stdout."),
]
"""`--json`"""


def print_json(document: object) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def print_line(text: str = "") -> None:
    """Write one line to stdout."""
    sys.stdout.write(f"{text}\n")


def program() -> str:
    """How to call this program again: by its name where the shell finds it, else as it was called."""
    called = Path(sys.argv[0])
    if called.name != "llmos" or not called.exists():
        return "llmos"
    found = shutil.which("llmos")
    return "llmos" if found is not None and called.samefile(found) else shlex.quote(sys.argv[0])


def speak_operators_language(environ: Mapping[str, str] | None = None) -> str:
    """Use the language of the terminal's locale for everything this process says, and return it."""
    tag = operators_locale(os.environ if environ is None else environ)
    set_locale(tag)
    return tag


def operators_locale(environ: Mapping[str, str]) -> str:
    """The supported locale nearest to LC_ALL, LC_MESSAGES or LANG (the order POSIX gives them)."""
    tags = (environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    tag = next(filter(None, tags), "en")
    return closest_locale(tag.partition(".")[0])
