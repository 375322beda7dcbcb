"""Commands as Discord registers them: typed options, choices, both languages, and who sees them.

Source: Discord, "Application Commands".
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from bot.adapters.reading import Json
from bot.core.permissions import Role
from bot.core.specs import CommandSpec, Kind, Parameter
from bot.core.text import in_locale

LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_CHOICE = 32, 100, 100
MOST_COMMANDS, MOST_MENUS, MOST_OPTIONS, MOST_CHOICES = 100, 15, 25, 25

_log = logging.getLogger(__name__)

_SUBCOMMAND, _MESSAGE_MENU, _FILE = 1, 3, 11
_TYPES: Mapping[Kind, int] = {Kind.STRING: 3, Kind.INTEGER: 4, Kind.BOOLEAN: 5, Kind.NUMBER: 10}
_LARGEST = 2**53
"""Discord takes no larger number."""

_LOCALES: Mapping[str, str] = {"zh-CN": "zh-CN"}
"""Discord's locales besides the English default -> ours."""

_SEEN_BY: Mapping[Role, int | None] = {
    Role.MEMBER: None,
    Role.MODERATOR: 1 << 13,  # Manage Messages
    Role.ADMIN: 1 << 5,  # Manage Server
}
"""Whom Discord shows a command; an administrator may change it, so roles are asked at the moment of use."""


def payload(specs: Sequence[CommandSpec]) -> list[Json]:
    """All commands, slash commands first; what begins with the same word is one command with subcommands.

    What Discord does not take is left out; it can still be typed where the bot reads what is written.
    """
    ordered = sorted(specs, key=lambda spec: spec.path)
    commands: list[Json] = []
    for name, found in groupby(filter(_fits, ordered), key=lambda spec: spec.path[0]):
        group = list(found)
        within = [spec for spec in group if len(spec.path) > 1]
        if within:
            _left_out(within[MOST_OPTIONS:] + [spec for spec in group if len(spec.path) == 1])
            within = within[:MOST_OPTIONS]
            command = _described(name, _names(within)) | {"options": [_subcommand(spec) for spec in within]}
        else:
            command = _described(name, group[0].summary) | _options(group[0])
        commands.append(command | {"type": 1} | _seen_by(min(spec.role for spec in within or group)))
    if len(commands) > MOST_COMMANDS:
        _log.warning("Discord's menu takes %s commands of %s", MOST_COMMANDS, len(commands))
    titled = {spec.menu: spec for spec in reversed(ordered) if spec.menu and len(spec.menu) <= LONGEST_NAME}
    return commands[:MOST_COMMANDS] + [_menu(titled[title], title) for title in sorted(titled)[:MOST_MENUS]]


def _menu(spec: CommandSpec, title: str) -> Json:
    described = {"name": title, "type": _MESSAGE_MENU, **_translated("name", title, LONGEST_NAME)}
    return {**described, **_seen_by(spec.role)}


def _fits(spec: CommandSpec) -> bool:
    """Whether Discord takes a command; if not, the log says so."""
    names = (*spec.path, *(parameter.name for parameter in spec.parameters))
    fits = len(names) - len(spec.path) + bool(spec.file) <= MOST_OPTIONS and all(
        len(name) <= LONGEST_NAME for name in names
    )
    if not fits:
        _left_out([spec])
    return fits


def _left_out(specs: Iterable[CommandSpec]) -> None:
    for spec in specs:
        _log.warning("Discord's menu cannot hold a command: %s", spec.name)


def menus(specs: Iterable[CommandSpec]) -> Mapping[str, tuple[str, ...]]:
    """The path of the command behind each title in the menu of a message."""
    return {spec.menu: spec.path for spec in specs if spec.menu is not None}


def fingerprint(commands: Sequence[Json]) -> str:
    """What tells whether commands have to be registered again."""
    return hashlib.sha256(json.dumps(commands, sort_keys=True).encode()).hexdigest()


def _subcommand(spec: CommandSpec) -> Json:
    return {"type": _SUBCOMMAND, **_described(spec.path[1], spec.summary), **_options(spec)}


def _options(spec: CommandSpec) -> Json:
    required_first = sorted(spec.parameters, key=lambda parameter: not parameter.required)
    options = [_option(parameter) for parameter in required_first]
    if spec.file:
        options.append({"type": _FILE, "required": False, **_described("file", spec.file)})
    return {"options": options} if options else {}


def _option(parameter: Parameter) -> Json:
    option: Json = {
        "type": _TYPES[parameter.kind],
        "required": parameter.required,
        **_described(parameter.name, parameter.description),
    }
    if parameter.choices:
        fit = all(len(each) <= LONGEST_CHOICE for each in parameter.choices)
        if fit and len(parameter.choices) <= MOST_CHOICES:  # the core refuses others in any case
            option["choices"] = [{"name": each, "value": each} for each in parameter.choices]
    elif parameter.complete is not None:
        option["autocomplete"] = True
    if parameter.minimum is not None:
        option["min_value"] = _bounded(parameter.minimum)
    if parameter.maximum is not None:
        option["max_value"] = _bounded(parameter.maximum)
    return option


def _bounded(value: float) -> float | int:
    value = min(max(value, -_LARGEST), _LARGEST)
    return int(value) if value == int(value) else value


def _described(name: str, description: str) -> Json:
    return {"name": name, "description": _short(description), **_translated("description", description)}


def _translated(field: str, english: str, longest: int = LONGEST_DESCRIPTION) -> Json:
    found = {theirs: _short(in_locale(ours, english), longest) for theirs, ours in _LOCALES.items()}
    return {f"{field}_localizations": {"en-US": _short(english, longest), **found}}


def _names(group: Sequence[CommandSpec]) -> str:
    return ", ".join(spec.path[-1] for spec in group)


def _short(words: str, longest: int = LONGEST_DESCRIPTION) -> str:
    return words if len(words) <= longest else words[: longest - 1] + "…"


def _seen_by(role: Role) -> Json:
    return {"default_member_permissions": _SEEN_BY[role]}
