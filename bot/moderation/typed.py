"""Settings of a rule as people type them: `words=fool, idiot action=queue hint="please be kind"`.

A value goes on until the next word of the form `name=`; one in quotes may hold such words too. Lists are
separated by commas. What needs more is written as in TOML: `escalation=[{strikes=3, action="ban"}]`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import get_origin

from bot.core.errors import UserError
from bot.core.text import _
from bot.moderation.rule import Rule

MOST_CHARACTERS = 8_000
"""More than that is a file: `rules import` reads it."""

DEFAULT = frozenset({"default", "默认"})
"""Words that take a setting back."""

_KEY = re.compile(r"(?:^|(?<=\s))([A-Za-z_][A-Za-z0-9_-]{0,39})\s*[=＝]\s*")
_TOML = re.compile(r"[\[{\"']")
_OPENING, _CLOSING = "([{", ")]}"
_COMMAS = ",，、"
_QUOTES = {'"': '"', "“": "”", "「": "」", "«": "»"}


def settings_in(kind: type[Rule], text: str) -> Mapping[str, object | None]:
    """The settings in a text, by key, each as its field takes it; None to take one back.

    Raises:
        UserError: the text has another form; it says which form is right. Values are not looked at.
    """
    if len(text) > MOST_CHARACTERS:
        raise UserError(_("This is too long to be typed. `rules import` takes rules as a text."))
    found: dict[str, object | None] = {}
    for key, value in _pairs(text.strip()):
        if key in found:
            raise UserError(_("`{key}` is set twice.", key=key))
        found[key] = None if value.casefold() in DEFAULT else _value(kind, key, value)
    return found


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Keys and what stands behind them, quotes included."""
    at = 0
    while at < len(text):
        key = _KEY.match(text, at)
        if key is None:
            word = text[at:].split(None, 1)[0][:40].replace("`", "ˋ")
            raise UserError(
                _(
                    "I do not know what to do with “{word}”. Write settings as `name=value`, for example "
                    "`words=fool,idiot action=queue`.",
                    word=word,
                )
            )
        end = _end(text, key.end())
        yield key[1].lower(), text[key.end() : end].strip()
        at = end + len(text[end:]) - len(text[end:].lstrip())


def _end(text: str, start: int) -> int:
    """Where a value ends: before the next `name=`, or behind the quotes that it stands in."""
    closing = _QUOTES.get(text[start : start + 1])
    if closing is not None:
        closed = text.find(closing, start + 1)
        if closed >= 0 and text[closed + 1 : closed + 2].strip() == "":
            return closed + 1
    depth = _depth(text, start)
    following = _KEY.search(text, start)
    while following is not None and text[start:depth].strip() and following.start() < depth:
        following = _KEY.search(text, following.end())
    return len(text) if following is None else following.start()


def _depth(text: str, start: int) -> int:
    """Where the brackets that a value begins with are closed; its start, if it begins with none."""
    if text[start : start + 1] not in ("[", "{"):
        return start
    open_brackets, quoted = 0, False
    for at in range(start, len(text)):
        if text[at] == '"' and text[at - 1] != "\\":
            quoted = not quoted
        elif not quoted:
            open_brackets += (text[at] in "[{") - (text[at] in "]}")
            if open_brackets == 0:
                return at
    return start


def _value(kind: type[Rule], key: str, value: str) -> object:
    field = kind.model_fields.get(key)
    is_list = field is not None and get_origin(field.annotation) is tuple
    if _TOML.match(value):
        read = _toml(f"[{value}]" if is_list and value[0] not in "[{" else value)
        if read is not None:
            return read
    closing = _QUOTES.get(value[:1])
    if closing is not None and value.endswith(closing) and len(value) > 1:
        inner = value[1:-1]
        return [inner] if is_list else inner
    return _entries(value) if is_list else value


def _toml(value: str) -> object | None:
    """A value as TOML; None if it is something else, such as a pattern that begins with a bracket."""
    try:
        read: Mapping[str, object] = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return None
    return read["value"] if set(read) == {"value"} else None


def _entries(value: str) -> list[str]:
    """A list: commas inside brackets, as in the pattern `a{2,3}`, separate nothing."""
    entries, depth = [""], 0
    for at, sign in enumerate(value):
        escaped = at > 0 and value[at - 1] == "\\"
        depth += (sign in _OPENING and not escaped) - (sign in _CLOSING and not escaped)
        if sign in _COMMAS and depth <= 0:
            entries.append("")
        else:
            entries[-1] += sign
    return [entry.strip() for entry in entries if entry.strip()]
