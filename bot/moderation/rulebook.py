"""Rules as files: TOML in and out, the same whichever way they were made.

    version = 1

    [[rule]]
    kind = "words"
    name = "insults"
    action = "hide"
    words = ["idiot", "moron*"]

A text that is wrong anywhere changes nothing: every problem is told with its line, rule and key.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

import tomlkit
from pydantic import ValidationError

from bot.core.actions import Severity
from bot.core.errors import UserError
from bot.core.text import _
from bot.moderation.kinds import kinds
from bot.moderation.rule import Rule
from bot.moderation.ruleset import Ruleset
from bot.moderation.wording import MOST_TOLD, problems

VERSION = 1
"""Of the form of the file."""

MAX_BYTES, MAX_RULES = 64_000, 500
"""Of one file: what a community of any size can use, and what is read in no time."""

PRESETS = ("relaxed", "standard", "strict")
"""Rules to begin with; from one to the next more is looked for and more follows."""

_HEADER = re.compile(r"^\s*\[\[\s*rule\s*\]\]\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*(?:\[\[?\s*rule\.)?([A-Za-z0-9_-]+)\s*[=.\]]")
_LONG_KEY = re.compile(r"(?:[\w\"'-]+\s*\.\s*){30}")
"""A key of so many parts takes a parser a time that grows with the square of their number."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a text of rules; `line` is 0 where none can be named."""

    line: int
    rule: str
    key: str
    what: str

    def __str__(self) -> str:
        where = [_("line {n}", n=self.line)] if self.line else []
        where += [_("rule {rule}", rule=self.rule)] if self.rule else []
        where += [_("key {key}", key=self.key)] if self.key else []
        return f"{', '.join(where)}: {self.what}" if where else self.what


def rule_from(kind: str, name: str, values: Mapping[str, object]) -> Rule:
    """A rule of its kind, its name and what is set; everything else is as usual.

    Raises:
        UserError: there is no such kind, or a setting is wrong; the text tells all of it.
    """
    found = kinds().get(kind)
    if found is None:
        raise UserError(_no_kind(kind))
    try:
        return found.model_validate({**values, "name": name})
    except ValidationError as error:
        told = [Problem(0, name, key, what) for key, what in problems(found, error)]
        raise UserError(_told(told)) from error


def read(text: str) -> tuple[Rule, ...]:
    """The rules of a TOML text, in its order.

    Raises:
        UserError: something is wrong; the text tells where, what and how to mend it.
    """
    entries = _entries(text)
    lines = _Lines(text)
    names = Counter(entry.get("name") for entry in entries if isinstance(entry.get("name"), str))
    rules: list[Rule] = []
    wrong: list[Problem] = []
    for number, entry in enumerate(entries):
        name = str(entry.get("name", number + 1))[:60]
        found = list(_problems_or_rule(entry, rules))
        wrong += [Problem(lines.of(number, key), name, key, what) for key, what in found]
        if names[entry.get("name")] > 1:
            names[entry.get("name")] = 0  # told once
            wrong.append(Problem(lines.of(number, "name"), name, "name", _("Two rules have this name.")))
        if len(wrong) > MOST_TOLD:
            break
    if wrong:
        raise UserError(_told(wrong))
    Ruleset(rules)  # tells what is wrong with all of them together
    return tuple(rules)


def write(rules: Sequence[Rule]) -> str:
    """Rules as a TOML text that `read` reads again; what is as usual is left out."""
    document = tomlkit.document()
    document.add("version", tomlkit.item(VERSION))
    entries = tomlkit.aot()
    for rule in rules:
        table = tomlkit.table()
        table.add("kind", rule.kind)
        table.add("name", rule.name)
        for key, value in rule.model_dump(mode="json", exclude={"name"}, exclude_defaults=True).items():
            if value is not None:
                table.add(key, tomlkit.item(_without_none(value)))
        entries.append(table)
    if rules:
        document.add("rule", entries)
    return tomlkit.dumps(document)


def settings(kind: type[Rule]) -> dict[str, dict[str, object]]:
    """The JSON schema of each setting, with actions by their names."""
    shapes: dict[str, dict[str, object]] = kind.model_json_schema()["properties"]
    for name, shape in shapes.items():
        usual = kind.model_fields[name].default
        if isinstance(usual, Severity):
            shape["default"] = usual.name.lower()
    return shapes


def entry_of(text: str, name: str) -> Mapping[str, object] | None:
    """The table of a rule in a text that was valid when it was kept; None if the rule is not in it."""
    try:
        return next((entry for entry in _entries(text) if entry.get("name") == name), None)
    except UserError:
        return None


def json_schema() -> dict[str, object]:
    """The JSON schema of a file of rules, for editors and other programs."""
    shapes = []
    definitions: dict[str, object] = {}
    for kind, found in kinds().items():
        shape = found.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= shape.get("$defs", {})
        shapes.append(
            {
                "title": kind,
                "description": found.summary,
                "type": "object",
                "properties": {"kind": {"const": kind}, **settings(found)},
                "required": ["kind", *shape.get("required", [])],
                "additionalProperties": False,
            }
        )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "LLMOS rules",
        "type": "object",
        "properties": {
            "version": {"const": VERSION},
            "rule": {"type": "array", "maxItems": MAX_RULES, "items": {"oneOf": shapes}},
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


@cache
def preset(name: str) -> tuple[Rule, ...]:
    """The rules of a preset.

    Raises:
        UserError: there is no such preset.
    """
    if name not in PRESETS:
        raise UserError(
            _("There is no preset {name}; there are {names}.", name=name, names=", ".join(PRESETS))
        )
    return read(files("bot.moderation.presets").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _entries(text: str) -> list[dict[str, object]]:
    """The tables of a text, not looked at yet."""
    document = _parsed(text)
    unknown = next((key for key in document if key not in ("version", "rule")), None)
    if unknown is not None:
        what = _("Here only `version` and [[rule]] can stand.")
        raise UserError(str(Problem(_Lines(text).first(unknown), "", unknown[:60], what)))
    if document.get("version", VERSION) != VERSION:
        raise UserError(_("This is not version {version} of the form of rules.", version=VERSION))
    entries = document.get("rule", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(_("Each rule begins with a line [[rule]]."))
    if len(entries) > MAX_RULES:
        raise UserError(
            _("A community has at most {n} rules, and these are {many}.", n=MAX_RULES, many=len(entries))
        )
    return entries


def _parsed(text: str) -> dict[str, object]:
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise UserError(_("This is too long: rules have at most {n} bytes together.", n=MAX_BYTES))
    long_key = _LONG_KEY.search(text)
    if long_key is not None:
        line = text.count("\n", 0, long_key.start()) + 1
        raise UserError(str(Problem(line, "", "", _("The values are nested too deeply."))))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(_("This is not valid TOML: {why}.", why=error)) from error
    except RecursionError as error:
        raise UserError(_("The values are nested too deeply.")) from error
    except ValueError as error:  # Python reads no decimal number of more than 4,300 digits
        raise UserError(_("A number in it is too large.")) from error


def _problems_or_rule(entry: Mapping[str, object], rules: list[Rule]) -> Iterator[tuple[str, str]]:
    """What is wrong with an entry; if nothing is, its rule is added to the others."""
    kind = entry.get("kind")
    if not isinstance(kind, str):
        yield "kind", _("This key is missing.") if kind is None else _("It must be a text in quotes.")
        return
    found = kinds().get(kind)
    if found is None:
        yield "kind", _no_kind(kind)
        return
    values = {key: value for key, value in entry.items() if key != "kind"}
    try:
        rules.append(found.model_validate_json(json.dumps(values, default=str), strict=True))
    except ValidationError as error:
        yield from problems(found, error)
    except RecursionError:
        yield "", _("The values are nested too deeply.")


def _no_kind(kind: str) -> str:
    names = list(kinds())
    close = get_close_matches(kind.lower(), names, n=1)
    if close:
        return _("There is no kind of rule {kind}. Did you mean {name}?", kind=repr(kind[:60]), name=close[0])
    return _(
        "There is no kind of rule {kind}; there are {names}.", kind=repr(kind[:60]), names=", ".join(names)
    )


def _told(wrong: Sequence[Problem]) -> str:
    lines = [_("These rules cannot be used, so nothing changed:"), *map(str, wrong[:MOST_TOLD])]
    if len(wrong) > MOST_TOLD:
        lines.append("…")
    return "\n".join(lines)


def _without_none(value: object) -> object:
    """TOML has no null; what is not set is left out."""
    match value:
        case dict():
            return {key: _without_none(each) for key, each in value.items() if each is not None}
        case list():
            return [_without_none(each) for each in value]
        case _:
            return value


class _Lines:
    """On which line a rule and each of its keys stand, from 1."""

    def __init__(self, text: str) -> None:
        self._of: dict[tuple[int, str], int] = {}
        rule = -1
        for number, line in enumerate(text.split("\n"), start=1):
            if _HEADER.match(line):
                rule += 1
                self._of[rule, ""] = number
            elif found := _ASSIGNMENT.match(line):
                self._of.setdefault((rule, found[1]), number)

    def of(self, rule: int, key: str) -> int:
        """The line of a key of a rule, or of the rule."""
        return self._of.get((rule, key.partition(".")[0]), self._of.get((rule, ""), 0))

    def first(self, key: str) -> int:
        """The first line on which a key or table of this name stands."""
        return min((line for (_rule, name), line in self._of.items() if name == key), default=0)
