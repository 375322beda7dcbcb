"""When a digest is due: slots named by the clock on the wall, each of which comes exactly once.

A slot is a local date and time. A clock that is set forward skips no slot (02:30 in the gap is at the instant
that the clock calls 03:30), and a clock that is set back repeats none (the first 02:30 counts). APScheduler
knows the calendar; it is asked in UTC, where there are no gaps, and the zone comes in afterwards.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.cron import CronTrigger

from bot.core.errors import UserError
from bot.core.text import _

MOST_CHARS = 100
"""No schedule that people mean is longer."""

_FIELDS: tuple[tuple[str, int, int], ...] = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day", 1, 31),
    ("month", 1, 12),
    ("day_of_week", 0, 7),
)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES: Mapping[str, Mapping[str, int]] = {
    "month": {name: number for number, name in enumerate(_MONTHS, 1)},
    "day_of_week": {name: number for number, name in enumerate(_DAYS)},
}
_LAST_DAY = "l"

_LOOKS = (timedelta(days=2), timedelta(days=40), timedelta(days=400), timedelta(days=3_000))
"""How far the calendar is read, step by step; the rarest slot is 29 February, at most eight years away."""
_SHIFT = timedelta(hours=3)
"""More than any clock was ever set forward or back in a zone that people live in (Antarctica/Troll: 2 h)."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nothing is posted, by the clock on the wall; they may span midnight."""

    begins: time
    ends: time

    def holds(self, at: time) -> bool:
        """Whether they hold at that time of day."""
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"


@dataclass(frozen=True, slots=True)
class Usual:
    """What a digest has of which nothing else was said; None where it has to be said.

    Attributes:
        zone: an IANA name.
        at: time of day, for days without one.
        n: how many threads at most.
    """

    zone: str | None = None
    at: time | None = None
    n: int = 5
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """One time at which a digest is due.

    Attributes:
        wall: local date and time, without a zone: its name.
        at: the instant, in UTC.
    """

    wall: datetime
    at: datetime

    @property
    def name(self) -> str:
        """The same in every process: "2026-11-30T09:00"."""
        return self.wall.isoformat(timespec="minutes")


@dataclass(frozen=True, slots=True)
class Plan:
    """When a digest comes.

    Attributes:
        cron: five fields that `cron` has checked.
        zone: an IANA name that `zone_named` has checked.
    """

    cron: str
    zone: str
    quiet: Quiet | None = None

    def next(self, after: datetime) -> Slot | None:
        """The first slot after an instant; None if there is none in the next eight years."""
        for look in _LOOKS:
            found = self._between(after, after + look)
            if found:
                return found[0]
        return None

    def last(self, since: datetime, now: datetime) -> Slot | None:
        """The newest slot after `since` that is due."""
        for look in _LOOKS:
            found = self._between(max(since, now - look), now)
            if found or now - look <= since:
                return found[-1] if found else None
        return None

    def is_quiet(self, at: datetime) -> bool:
        """Whether nothing may be posted at an instant."""
        return self.quiet is not None and self.quiet.holds(at.astimezone(ZoneInfo(self.zone)).time())

    def wakes(self, at: datetime) -> datetime:
        """When the quiet hours that hold at an instant are over."""
        zone = ZoneInfo(self.zone)
        here = at.astimezone(zone)
        if self.quiet is None or not self.quiet.holds(here.time()):
            return at
        ends = datetime.combine(here.date(), self.quiet.ends)
        if ends <= here.replace(tzinfo=None):
            ends += timedelta(days=1)
        return ends.replace(tzinfo=zone).astimezone(UTC)

    def _between(self, after: datetime, until: datetime) -> list[Slot]:
        """The slots after an instant and not after another one, in order; two at one instant are one."""
        zone = ZoneInfo(self.zone)
        first = after.astimezone(zone).replace(tzinfo=None) - _SHIFT
        last = until.astimezone(zone).replace(tzinfo=None) + _SHIFT
        by_instant: dict[datetime, Slot] = {}
        for wall in _walls(self.cron, first, last):
            at = wall.replace(tzinfo=zone).astimezone(UTC)  # fold 0: before the clock is set
            if after < at <= until:
                by_instant.setdefault(at, Slot(wall, at))
        return [by_instant[at] for at in sorted(by_instant)]


def _walls(cron: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """The times that an expression names, read off a clock that is never set."""
    trigger = _trigger(cron)
    at = trigger.get_next_fire_time(None, first.replace(tzinfo=UTC))
    while at is not None and at <= last.replace(tzinfo=UTC):
        yield at.replace(tzinfo=None)
        at = trigger.get_next_fire_time(at, at + timedelta(seconds=1))


@cache
def _trigger(cron: str) -> CronTrigger:
    """APScheduler counts weekdays from Monday and cron from Sunday, so they are named."""
    fields = dict(zip((name for name, _low, _high in _FIELDS), cron.split(), strict=True))
    days = fields["day_of_week"]
    if days != "*":
        fields["day_of_week"] = ",".join(_DAYS[int(day)] for day in days.split(","))
    fields["day"] = fields["day"].replace("L", "last")
    return CronTrigger(**fields, timezone=UTC)


def cron(text: str) -> str:
    """A cron expression, checked and with every number spelled out: "0 9 * * mon-wed" -> "0 9 * * 1,2,3".

    Raises:
        UserError: it is none, or none for a digest; the text says why.
    """
    words = text[: MOST_CHARS + 1].split()
    if len(words) != len(_FIELDS):
        raise UserError(
            _(
                "A cron expression has five fields: minute, hour, day of the month, month, day of the week, "
                "such as `0 9 * * 1` for every Monday at 9:00."
            )
        )
    found = [_field(name, word, low, high) for (name, low, high), word in zip(_FIELDS, words, strict=True)]
    minute, _hour, day, _month, weekday = found
    if not minute.isdecimal():
        raise UserError(
            _("A digest comes once an hour at most, so the minute has to be one number, such as 0.")
        )
    if day != "*" and weekday != "*":
        raise UserError(
            _("Give days of the month or days of the week; with both, programs disagree what cron means.")
        )
    expression = " ".join(found)
    if Plan(expression, "UTC").next(datetime(2024, 1, 1, tzinfo=UTC)) is None:
        raise UserError(_("That day never comes. Look at the day and the month."))
    return expression


def _field(name: str, word: str, low: int, high: int) -> str:
    """One field with its numbers spelled out."""
    if word in ("*", "?"):
        return "*"
    if name == "day" and word.casefold() == _LAST_DAY:
        return "L"
    numbers = sorted({n % 7 if name == "day_of_week" else n for n in _numbers(name, word, low, high)})
    return ",".join(map(str, numbers))


def _numbers(name: str, word: str, low: int, high: int) -> Iterator[int]:
    for part in word.casefold().split(","):
        span, slash, step = part.partition("/")
        begin, dash, end = span.partition("-")
        if span == "*":
            first, last = low, high - (name == "day_of_week")
        else:
            first = _number(name, begin, low, high)
            last = _number(name, end, low, high) if dash else (high if slash else first)
        every = _number(name, step, 1, high) if slash else 1
        if last < first:
            raise _no_field(name, part, low, high)
        yield from range(first, last + 1, every)


def _number(name: str, word: str, low: int, high: int) -> int:
    known = _NAMES.get(name, {}).get(word[:3]) if word.isalpha() else None
    if known is not None:
        return known
    if not (word.isascii() and word.isdecimal() and len(word) <= 2 and low <= int(word) <= high):
        raise _no_field(name, word, low, high)
    return int(word)


def _no_field(name: str, word: str, low: int, high: int) -> UserError:
    names = {
        "minute": _("minute"),
        "hour": _("hour"),
        "day": _("day of the month"),
        "month": _("month"),
        "day_of_week": _("day of the week"),
    }
    return UserError(
        _(
            "“{word}” is no {field} of a cron expression; those go from {low} to {high}.",
            word=legible(word),
            field=names[name],
            low=low,
            high=high,
        )
    )


def legible(text: str) -> str:
    """A member's own words as they can be repeated to them: no code mark, nothing that cannot be seen."""
    return "".join("ˋ" if sign == "`" else sign if sign.isprintable() else "·" for sign in text)


@cache
def zones() -> tuple[str, ...]:
    """The time zones that people live in, by place, and UTC."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return (*sorted(places), "UTC")


@cache
def _by_folded() -> Mapping[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def zone_named(text: str) -> str | None:
    """The zone of a name in any case of letters ("europe/berlin", "America/New York"), or None."""
    return _by_folded().get(text.strip().replace(" ", "_").casefold()[:MOST_CHARS])
