"""Discord's ids, which are times. Source: Discord, "Snowflakes"."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)

_SHIFT = 22
_LONGEST = 20  # digits of 64 bits


def snowflake(parent: Mapping[str, object], key: str) -> str | None:
    """An id: a text of digits."""
    found = parent.get(key)
    is_one = isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= _LONGEST
    return found if is_one else None  # type: ignore[return-value]


def time_of(id: str) -> datetime:
    """When something was made."""
    return EPOCH + timedelta(milliseconds=int(id) >> _SHIFT)


def first_at(at: datetime) -> str:
    """The least id that something made at this time may have."""
    return str(max(int((at - EPOCH) / timedelta(milliseconds=1)), 0) << _SHIFT)


def newest(*ids: str) -> str:
    """The latest of some ids."""
    return max(ids, key=int)
