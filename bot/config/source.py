"""Reading the file: its text, its values, and on which line each key stands."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bot.config.problem import Problem
from bot.core.text import _

Keys = tuple[str | int, ...]
"""A path into the values: ("llm", "fallback", 0, "model")."""

_MAX_BYTES = 1_000_000
"""No configuration is larger; somebody named the wrong file."""

_MAX_SYNTAX_ERRORS = 20
"""Nobody mends more at once; each costs another reading of the file."""

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_\-.\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")
_WHERE = re.compile(r"\s*\((?:at line (\d+), column (\d+)|at end of document)\)")


def dotted(keys: Keys) -> str:
    """How a key is written in messages: "llm.fallback.1.model", list entries counted from 1."""
    return ".".join(str(key + 1) if isinstance(key, int) else key for key in keys)


def read_text(path: Path) -> str | Problem:
    """The text of the file, or why there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)  # never all of it: it may be /dev/zero
    except (FileNotFoundError, NotADirectoryError):
        mend = _("Check the path, or write a file with `llmos init`.")
        return Problem("", _("There is no file {path}.", path=path), mend)
    except IsADirectoryError:
        return Problem("", _("{path} is a folder.", path=path), _("Name the config.toml inside it."))
    except PermissionError as error:
        what = _("{path} cannot be read: {why}.", path=path, why=error.strerror or error)
        return Problem("", what, _("Give the user that runs LLMOS the right to read it."))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        what = _("{path} cannot be read: {why}.", path=path, why=why)
        return Problem("", what, _("Name the right file."))
    if len(content) > _MAX_BYTES:
        what = _("{path} is too large to be a configuration.", path=path)
        return Problem("", what, _("Name the right file."))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Problem("", _("{path} is not UTF-8 text.", path=path), _("Save the file as UTF-8."), line=line)


def parse(text: str) -> tuple[dict[str, object] | None, list[Problem]]:
    """The values of a TOML text, and its syntax errors.

    A parser cannot see behind an error. A single line `key = value` at fault is therefore left out and the
    rest read, so that one missing quote does not hide all other problems; behind anything else nothing is
    read, and the values are None.
    """
    lines = text.split("\n")
    keys = {number: key for key, number in _places(text)}
    found: list[Problem] = []
    while True:
        try:
            return dict(tomllib.loads("\n".join(lines))), found
        except tomllib.TOMLDecodeError as error:
            number = _line_of_error(error, len(lines))
            if found and not _begins_something(lines[number - 1]):
                return None, found  # it is the rest of the value that was left out
            found.append(_syntax_error(error, dotted(keys.get(number, ())), number))
            if len(found) == _MAX_SYNTAX_ERRORS or not _stands_alone(lines, number):
                return None, found
            lines[number - 1] = ""
        except RecursionError:
            what, mend = _("The values are nested too deeply."), _("Write them flat.")
            return None, [*found, Problem("", what, mend)]
        except ValueError:  # Python reads no decimal number of more than 4,300 digits
            what, mend = _("A number in it is too large."), _("Write a smaller one.")
            return None, [*found, Problem("", what, mend)]


def _line_of_error(error: tomllib.TOMLDecodeError, last: int) -> int:
    where = _WHERE.search(str(error))
    return min(int(where[1]), last) if where and where[1] else last


def _syntax_error(error: tomllib.TOMLDecodeError, key: str, number: int) -> Problem:
    what = _("This is not valid TOML: {why}.", why=_WHERE.sub("", str(error)))
    return Problem(
        key, what, _('Texts need quotes (name = "LLMOS"), sections brackets ([bot]).'), line=number
    )


def _begins_something(line: str) -> bool:
    return line.lstrip().startswith("[") or _ASSIGNMENT.match(line) is not None


def _stands_alone(lines: list[str], number: int) -> bool:
    """True when a line is an assignment of its own, not a part of what began before it."""
    if not _ASSIGNMENT.match(lines[number - 1]):
        return False
    try:
        tomllib.loads("\n".join(lines[: number - 1]))
    except (ValueError, RecursionError):
        return False
    return True


def lines_of(text: str) -> dict[Keys, int]:
    """The line, from 1, of every section header and key; keys inside inline tables have none."""
    found: dict[Keys, int] = {}
    for keys, number in _places(text):
        found.setdefault(keys, number)
    return found


def _places(text: str) -> Iterator[tuple[Keys, int]]:
    entries: Counter[Keys] = Counter()
    section: Keys = ()
    for number, line in enumerate(text.split("\n"), start=1):  # as TOML counts lines
        if header := _HEADER.match(line):
            section = _split(header[2])
            if header[1] == "[[":
                yield section, number
                entries[section] += 1
                section = (*section, entries[section] - 1)
            yield section, number
        elif assignment := _ASSIGNMENT.match(line):
            yield (*section, *_split(assignment[1])), number


def line_of(keys: Keys, lines: dict[Keys, int]) -> int | None:
    """The line of a key, or of the nearest table around it."""
    while keys:
        if keys in lines:
            return lines[keys]
        keys = keys[:-1]
    return None


def _split(name: str) -> Keys:
    return tuple(part.strip().strip("\"'") for part in name.split("."))
