"""Words for a schedule, "every monday 9:00" or "每周一 9:00", as a cron expression, and back."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, get_day_names

from bot.core.errors import UserError
from bot.core.text import N_, _, current_locale
from bot.recommend.schedule import MOST_CHARS, Plan, Quiet, Slot, cron, legible, zone_named, zones

_EXAMPLES = "`every monday 9:00`, `weekdays 18:30`, `daily 8am`, `monthly 9:00`, `每周一 9:00`, `0 9 * * 1`"

_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            ("sun", "sunday", "sundays", "日", "天"),
            ("mon", "monday", "mondays", "一"),
            ("tue", "tues", "tuesday", "tuesdays", "二"),
            ("wed", "wednesday", "wednesdays", "三"),
            ("thu", "thur", "thurs", "thursday", "thursdays", "四"),
            ("fri", "friday", "fridays", "五"),
            ("sat", "saturday", "saturdays", "六"),
        )
    )
    for name in names
}
_WORKING, _FREE = frozenset(range(1, 6)), frozenset({0, 6})
_SETS = {
    "day": frozenset(range(7)),
    "days": frozenset(range(7)),
    "daily": frozenset(range(7)),
    "weekday": _WORKING,
    "weekdays": _WORKING,
    "workday": _WORKING,
    "workdays": _WORKING,
    "weekend": _FREE,
    "weekends": _FREE,
    "每天": frozenset(range(7)),
    "每日": frozenset(range(7)),
    "天天": frozenset(range(7)),
    "工作日": _WORKING,
    "周末": _FREE,
}
_MONTHLY = frozenset({"month", "monthly", "每月", "每个月"})
_HOURLY = frozenset({"hour", "hourly", "每小时", "每个小时"})
_WEEKLY = frozenset({"week", "weekly", "每周", "每星期"})
_LAST_DAY = frozenset({"last", "最后一天", "月底"})
_NOON = N_("Write the time as a number, like 12:00 or 0:00.")
_OTHER_WEEK = N_("Every other week is nothing a calendar can tell. Choose every week, or days of the month.")
_REFUSED = {
    "noon": _NOON,
    "midnight": _NOON,
    **dict.fromkeys(("other", "second", "biweekly", "fortnightly", "fortnight", "隔周", "双周"), _OTHER_WEEK),
}
_EMPTY = frozenset(
    {"every", "each", "on", "at", "and", "the", "of", "in", "day", "每", "每个", "和", "在", "的"}
)

_TIME = re.compile(
    r"(?P<part>凌晨|早上|上午|中午|下午|晚上)?\s*"
    r"(?<![\d:])(?P<hour>\d{1,2})"
    r"(?:[:.](?P<minute>\d{2})(?!\d)|[点點时時](?P<half>半)?(?:(?P<spoken>\d{1,2})分?)?)?"
    r"(?:[:.]\d{2})?\s*(?P<noon>am|pm|a\.m\.|p\.m\.|uhr|o'clock|h)?(?![\w日号號])"
)
_DAY_OF_MONTH = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|日|号|號)")
_CHINESE_DAYS = re.compile(
    r"每?(?:个)?(?:周|星期|礼拜)([一二三四五六日天]+)(?:[到至-](?:周|星期|礼拜)?([一二三四五六日天]))?"
)
_SPAN = re.compile(r"\b([a-z]{3,9})\s*(?:-|–|to|through|until)\s*([a-z]{3,9})\b")
_AFTERNOON, _MORNING = frozenset({"下午", "晚上", "pm", "p.m."}), frozenset({"凌晨", "am", "a.m."})


@dataclass(slots=True)
class _Meant:
    """What was understood so far."""

    weekdays: set[int] = field(default_factory=set)
    days: set[int] = field(default_factory=set)
    last_day: bool = False
    weekly: bool = False
    monthly: bool = False
    hourly: bool = False


def expression(text: str, usual: time | None = None) -> str:
    """The cron expression that words stand for; cron expressions are checked and stay what they are.

    Args:
        usual: time of day where the words name none.

    Raises:
        UserError: they are not understood; the text shows what would be.
    """
    words = unicodedata.normalize("NFKC", text[: MOST_CHARS + 1]).casefold().strip()
    if len(words) > MOST_CHARS:
        raise _not_understood(text[:MOST_CHARS])
    if _looks_like_cron(words):
        return cron(words)
    meant = _Meant()
    rest = _CHINESE_DAYS.sub(lambda found: _take_chinese(found, meant), words)
    rest = _SPAN.sub(lambda found: _take_span(found, meant), rest)
    rest = _DAY_OF_MONTH.sub(lambda found: _take_day(found, meant), rest)
    times: list[time] = []
    rest = _TIME.sub(lambda found: _take_time(found, times, text), rest)
    for word in re.split(r"[\s,;、,。]+", rest):
        if word:
            _take_word(word, meant, text)
    if not times and not meant.hourly and usual is not None:
        times.append(usual)
    return cron(_composed(meant, times))


def _looks_like_cron(words: str) -> bool:
    fields = words.split()
    return "*" in words or (len(fields) == 5 and all(each[0].isdigit() for each in fields[:2]))


def _take_chinese(found: re.Match[str], meant: _Meant) -> str:
    named = [_WEEKDAYS[sign] for sign in found[1]]
    meant.weekdays.update(named)
    if found[2] is not None:
        meant.weekdays.update(_span(named[-1], _WEEKDAYS[found[2]]))
    return " "


def _take_span(found: re.Match[str], meant: _Meant) -> str:
    first, last = _WEEKDAYS.get(found[1]), _WEEKDAYS.get(found[2])
    if first is None or last is None:
        return found[0]
    meant.weekdays.update(_span(first, last))
    return " "


def _span(first: int, last: int) -> set[int]:
    return {day % 7 for day in range(first, (last if last >= first else last + 7) + 1)}


def _take_day(found: re.Match[str], meant: _Meant) -> str:
    meant.days.add(int(found[1]))
    return " "


def _take_time(found: re.Match[str], times: list[time], text: str) -> str:
    hour = int(found["hour"])
    minute = 30 if found["half"] else int(found["minute"] or found["spoken"] or 0)
    noons = {found["part"], found["noon"]}
    if hour < 12 and (noons & _AFTERNOON or (found["part"] == "中午" and hour < 3)):
        hour += 12
    elif hour == 12 and noons & _MORNING:
        hour = 0
    if hour > 23 or minute > 59:
        raise UserError(
            _("“{text}” is no time of day. Write it like 9:00 or 18:30.", text=legible(found[0].strip()))
        )
    times.append(time(hour, minute))
    return " "


def _take_word(word: str, meant: _Meant, text: str) -> None:
    if word in _WEEKDAYS and word.isascii():
        meant.weekdays.add(_WEEKDAYS[word])
    elif word in _SETS and not (word == "day" and (meant.days or meant.last_day)):
        meant.weekdays.update(_SETS[word])
    elif word in _LAST_DAY:
        meant.last_day = meant.monthly = True
    elif word in _MONTHLY:
        meant.monthly = True
    elif word in _HOURLY:
        meant.hourly = True
    elif word in _REFUSED:
        raise UserError(_(_REFUSED[word]))
    elif word in _WEEKLY:
        meant.weekly = True
    elif word not in _EMPTY:
        raise _not_understood(text, word)


def _composed(meant: _Meant, times: Sequence[time]) -> str:
    if meant.hourly and not times:
        return f"0 * * * {_listed(meant.weekdays) if meant.weekdays else '*'}"
    if not times:
        raise UserError(_("At what time? Add it like 9:00: {examples}", examples=_EXAMPLES))
    if len({each.minute for each in times}) > 1:
        raise UserError(
            _("The times of one digest have the same minute. Make two digests for times like these.")
        )
    hours = _listed({each.hour for each in times})
    by_month = meant.monthly or bool(meant.days)
    if by_month and meant.weekdays and meant.weekdays != set(range(7)):
        raise UserError(_("Choose days of the week or days of the month, not both."))
    if meant.weekly and not meant.weekdays:
        raise UserError(_("On which day of the week? Write for example `every monday 9:00`."))
    if not by_month and not meant.weekdays:
        raise UserError(_("On which days? Say for example: {examples}", examples=_EXAMPLES))
    day = "L" if meant.last_day else _listed(meant.days or {1}) if by_month else "*"
    weekdays = "*" if by_month or len(meant.weekdays) == 7 else _listed(meant.weekdays)
    return f"{times[0].minute} {hours} {day} * {weekdays}"


def _listed(numbers: set[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def _not_understood(text: str, word: str = "") -> UserError:
    shown = legible(word or text)
    return UserError(
        _(
            "I do not understand “{text}” as a schedule. Say for example: {examples}",
            text=shown,
            examples=_EXAMPLES,
        )
    )


def quiet_hours(text: str) -> Quiet | None:
    """Quiet hours from words such as "22-7" or "22:30-6:30"; none for "off".

    Raises:
        UserError: they are none.
    """
    words = unicodedata.normalize("NFKC", text[: MOST_CHARS + 1]).casefold().strip()
    if words in ("off", "none", "no", "无", "关"):
        return None
    ends = [re.fullmatch(r"(\d{1,2})(?::(\d{2}))?", each.strip()) for each in re.split("[-–~到至]", words)]
    if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
        (h1, m1), (h2, m2) = [(int(each[1]), int(each[2] or 0)) for each in ends if each is not None]
        if max(h1, h2) < 24 and max(m1, m2) < 60 and (h1, m1) != (h2, m2):
            return Quiet(time(h1, m1), time(h2, m2))
    raise UserError(_("Quiet hours are two times of day like `22-7` or `22:30-6:30`."))


def zone_meant(text: str) -> str:
    """The time zone of a name.

    Raises:
        UserError: there is none; it names those that were probably meant.
    """
    found = zone_named(text)
    if found is not None:
        return found
    likely = zones_like(text)[:3]
    shown = legible(text.strip()[:MOST_CHARS])
    if likely:
        raise UserError(
            _(
                "I know no time zone “{name}”. Did you mean {zones}?",
                name=shown,
                zones=", ".join(f"`{zone}`" for zone in likely),
            )
        )
    raise UserError(
        _(
            "I know no time zone “{name}”. They are called after a large city nearby, like `Europe/Berlin`.",
            name=shown,
        )
    )


def zones_like(typed: str) -> list[str]:
    """Zones that begin with what is typed, or whose city does, in English or Chinese; then similar ones."""
    wanted = typed.strip().replace(" ", "_").casefold()[:MOST_CHARS]
    cities = {zone: zone.rsplit("/", 1)[-1].casefold() for zone in zones()}
    found = [zone for zone, city in cities.items() if city.startswith(wanted)]
    found += [zone for zone in zones() if wanted in zone.casefold() and zone not in found]
    if not found and not wanted.isascii():
        names = Locale("zh").time_zones
        found = [zone for zone in zones() if wanted in names.get(zone, {}).get("city", "").casefold()]
        found += ["Asia/Shanghai"] if wanted in ("北京", "中国") else []
    if not found:
        near = difflib.get_close_matches(wanted.rsplit("/", 1)[-1], cities.values(), n=5, cutoff=0.7)
        found = [zone for city in near for zone in zones() if cities[zone] == city]
    return list(dict.fromkeys(found))


def said(plan: Plan) -> str:
    """A plan in the words of the reader: "Monday, Thursday at 09:00 (Europe/Berlin)"."""
    minute, hour, day, month, weekday = plan.cron.split()
    text = f"`{plan.cron}`"
    if month == "*" and hour != "*":
        times = ", ".join(f"{int(each):02}:{int(minute):02}" for each in hour.split(","))
        text = _("{days} at {times}", days=_days(day, weekday), times=times)
    text = f"{text} ({plan.zone})"
    if plan.quiet is not None:
        text += " " + _(
            "never from {begins} to {ends}",
            begins=f"{plan.quiet.begins:%H:%M}",
            ends=f"{plan.quiet.ends:%H:%M}",
        )
    return text


def _days(day: str, weekday: str) -> str:
    if day == "L":
        return _("on the last day of the month")
    if day != "*":
        return _("on day {days} of the month", days=day.replace(",", ", "))
    if weekday == "*":
        return _("every day")
    names = get_day_names("wide", locale=current_locale().replace("-", "_"))
    return _("every {days}", days=", ".join(names[(int(each) - 1) % 7] for each in weekday.split(",")))


def at_wall(at: datetime, zone: str) -> str:
    """An instant as the clock in a zone shows it: "Mon 2026-11-30 09:00"."""
    here = at.astimezone(ZoneInfo(zone))
    return format_datetime(here, "EEE yyyy-MM-dd HH:mm", locale=current_locale().replace("-", "_"))


def due(slot: Slot, zone: str) -> str:
    """When a slot comes, for people."""
    return at_wall(slot.at, zone)
