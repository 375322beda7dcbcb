"""Reading the file: its text, its values, and on which line each key stands."""

import re
import tomllib
from collections import Counter
from pathlib import Path

from bot.config.problem import Problem
from bot.core.text import _

Keys = tuple[str | int, ...]
"""A path into the values: ("llm", "fallback", 0, "model")."""

_MAX_BYTES = 1_000_000
"""No configuration is larger; somebody named the wrong file."""

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_\-.\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")
_WHERE = re.compile(r"\s*\((?:at line (\d+), column (\d+)|at end of document)\)")


def dotted(keys: Keys) -> str:
    """How a key is written in messages: "llm.fallback.1.model", list entries counted from 1."""
    return ".".join(str(key + 1) if isinstance(key, int) else key for key in keys)


def read_text(path: Path) -> str | Problem:
    """The text of the file, or why there is none."""
    if not path.exists():
        return Problem(
            "",
            _("There is no file {path}.", path=path),
            _("Check the path, or write a file with `llmos init`."),
        )
    if path.is_dir():
        return Problem("", _("{path} is a folder.", path=path), _("Name the config.toml inside it."))
    try:
        if path.stat().st_size > _MAX_BYTES:
            what = _("{path} is too large to be a configuration.", path=path)
            return Problem("", what, _("Name the right file."))
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return Problem("", _("{path} is not UTF-8 text.", path=path), _("Save the file as UTF-8."), line=line)
    except OSError as error:
        what = _("{path} cannot be read: {why}.", path=path, why=error.strerror or error)
        return Problem("", what, _("Give the user that runs LLMOS the right to read it."))


def parse(text: str) -> dict[str, object] | Problem:
    """The values of a TOML text, or its first syntax error (a parser cannot see behind that)."""
    try:
        return dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        where = _WHERE.search(message)
        line = int(where[1]) if where and where[1] else text.count("\n") + 1
        reason = _WHERE.sub("", message)
        return Problem(
            "",
            _("This is not valid TOML: {why}.", why=reason),
            _('Texts need quotes (name = "LLMOS"), sections brackets ([bot]).'),
            line=line,
        )
    except RecursionError:
        return Problem("", _("The values are nested too deeply."), _("Write them flat."))


def lines_of(text: str) -> dict[Keys, int]:
    """The line, from 1, of every section header and key; keys inside inline tables have none."""
    found: dict[Keys, int] = {}
    entries: Counter[Keys] = Counter()
    section: Keys = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = _split(header[2])
            if header[1] == "[[":
                entries[section] += 1
                section = (*section, entries[section] - 1)
            found.setdefault(section, number)
        elif assignment := _ASSIGNMENT.match(line):
            found.setdefault((*section, *_split(assignment[1])), number)
    return found


def line_of(keys: Keys, lines: dict[Keys, int]) -> int | None:
    """The line of a key, or of the nearest table around it."""
    while keys:
        if keys in lines:
            return lines[keys]
        keys = keys[:-1]
    return None


def _split(name: str) -> Keys:
    return tuple(part.strip().strip("\"'") for part in name.split("."))
