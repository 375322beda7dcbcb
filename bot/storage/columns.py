"""Column types that hold every value Python can, on every database."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_MARK = "\ufdd0"  # a noncharacter: it opens an escape, and is escaped itself
_UNSTORABLE = re.compile(f"[\0\ud800-\udfff{_MARK}]")
_ESCAPED = re.compile(f"{_MARK}([0-9a-f]{{4}})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class AnyText(TypeDecorator[str]):
    """Text with lone surrogates and NUL, which neither UTF-8 nor PostgreSQL can hold, escaped."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        """Escape what cannot be stored; given whole, for it runs for every value of every row."""
        return _escaped

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Undo the escapes."""
        if value is None or _MARK not in value:
            return value
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime as microseconds since 1970: exact, ordered, the same on all databases."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        """Count microseconds."""
        return _microseconds

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Count back."""
        return None if value is None else _EPOCH + value * _MICROSECOND


def _escaped(value: str | None) -> str | None:
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return _UNSTORABLE.sub(lambda found: f"{_MARK}{ord(found[0]):04x}", value)


def _microseconds(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND
