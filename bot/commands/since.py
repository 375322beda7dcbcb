"""Since when, as people write it: "2h", "3天", "2026-01-05", "2026-01-05T09:00", "yesterday"."""

from datetime import UTC, datetime, time, timedelta

from bot.commands.duration import DURATION, seconds
from bot.commands.signature import Matching
from bot.core.text import N_

_DAYS_AGO = {"today": 0, "今天": 0, "yesterday": 1, "昨天": 1, "前天": 2}

SINCE = Matching(
    rf"{DURATION.pattern}|\d{{4}}-\d{{2}}-\d{{2}}(?:T\d{{2}}:\d{{2}})?|{'|'.join(_DAYS_AGO)}",
    N_("a time such as 2h or 1d, yesterday, or a date such as 2026-01-05"),
)
"""One word; a number alone is of the unit that follows, or of minutes."""

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
"""Before that neither platform had a message; Discord counts from here."""


def moment(since: str, rest: str, now: datetime) -> tuple[datetime, str] | None:
    """The moment that a word of the form `SINCE` means, and what is left of the text after it.

    Days begin at midnight UTC. None if there is no such day or time.
    """
    days_ago = _DAYS_AGO.get(since.casefold())
    if days_ago is not None:
        return datetime.combine(now.astimezone(UTC).date() - timedelta(days=days_ago), time(), UTC), rest
    if "-" in since:
        try:
            found = datetime.fromisoformat(since).replace(tzinfo=UTC)
        except ValueError:
            return None
        return max(found, EARLIEST), rest
    length = seconds(since, rest)
    if length is None:
        return None
    span_s, rest = length
    return now - timedelta(seconds=min(span_s, (now - EARLIEST).total_seconds())), rest


def spoken_moment(at: datetime) -> str:
    """A moment in words that hold everywhere."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
