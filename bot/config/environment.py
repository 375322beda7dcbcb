"""Overrides from the environment: LLMOS_<SECTION>__<KEY>, on top of the file."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import get_args, get_origin

from bot.config.problem import Problem
from bot.config.sections import Config, Section
from bot.core.text import _

PREFIX = "LLMOS_"

Override = tuple[str, str, object]
"""(section, key, value)"""

_EMPTY = ('""', "''")


def variable(section: str, key: str) -> str:
    """The name of the environment variable that overrides a key."""
    return f"{PREFIX}{section}__{key}".upper()


def overrides(environ: Mapping[str, str]) -> Iterator[Override | Problem]:
    """Every override that is set. An empty variable counts as not set, as compose files leave them."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or "__" not in name or not environ[name].strip():
            continue
        section, _separator, key = name.removeprefix(PREFIX).lower().partition("__")
        try:
            yield section, key, _value(section, key, environ[name])
        except (ValueError, RecursionError):
            yield Problem(
                f"{section}.{key}",
                _("This is no valid TOML value."),
                _('Write it as in the file: 8, true, ["a", "b"] or [{ engine = "echo" }].'),
                variable=name,
            )


def _value(section: str, key: str, raw: str) -> object:
    """Texts are taken as they are (two quotes are an empty one); numbers, lists and tables are TOML."""
    if _is_text(section, key):
        return "" if raw.strip() in _EMPTY else raw
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        if raw.lstrip()[:1] in "[{":
            raise
        return raw


def _is_text(section: str, key: str) -> bool:
    """True where the file wants nothing but a string, so that a password of digits needs no quotes."""
    owner = Config.model_fields.get(section)
    if owner is None or not isinstance(owner.annotation, type) or not issubclass(owner.annotation, Section):
        return False
    field = owner.annotation.model_fields.get(key)
    return field is not None and not _kinds(field.annotation) & {int, float, bool, tuple, list, dict}


def _kinds(annotation: object) -> set[object]:
    """Every type that an annotation is made of."""
    parts = [kind for part in get_args(annotation) for kind in _kinds(part)]
    return {get_origin(annotation) or annotation, *parts}
