"""Reading JSON that anybody may have written: what is not of the expected type is not there."""

import json
from collections.abc import Mapping, Sequence

Json = dict[str, object]
"""A JSON object."""

_EMPTY: Json = {}


def parse(data: bytes) -> Json:
    """A JSON object from bytes.

    Raises:
        ValueError: it is something else, or nested too deeply.
    """
    try:
        found = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def table(parent: object, *path: str) -> Json:
    """The object at a path, or an empty one."""
    for key in path:
        parent = parent.get(key) if isinstance(parent, dict) else None
    return parent if isinstance(parent, dict) else _EMPTY


def text(parent: Mapping[str, object], key: str) -> str | None:
    """A string that can be stored everywhere: no lone surrogates, no NUL."""
    found = parent.get(key)
    if not isinstance(found, str):
        return None
    return found.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def integer(parent: Mapping[str, object], key: str) -> int | None:
    """A whole number; true and false are none."""
    found = parent.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def flag(parent: Mapping[str, object], key: str) -> bool:
    """True only for true."""
    return parent.get(key) is True


def tables(parent: Mapping[str, object], key: str) -> Sequence[Json]:
    """The objects in a list."""
    found = parent.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(parent: Mapping[str, object], key: str) -> Sequence[str]:
    """The strings in a list."""
    found = parent.get(key)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
