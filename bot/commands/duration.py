"""How long something is to last, as people write it: "10m", "1h30m", "2 days", "半小时", "３天"."""

import re
import unicodedata
from collections.abc import Callable

from bot.commands.signature import Matching
from bot.core.text import N_, _, ngettext

_SECONDS: dict[str, int] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "小时", "个小时", "钟头"), 3_600),
    **dict.fromkeys(("d", "day", "days", "天", "日"), 86_400),
    **dict.fromkeys(("w", "week", "weeks", "周", "星期", "个星期"), 604_800),
}
_CHINESE = {
    "半": 0.5,
    "一": 1,
    "两": 2,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_NUMBER = rf"\d{{1,6}}(?:[.,]\d{{1,3}})?|[{''.join(_CHINESE)}十]"
_UNIT = "|".join(sorted(_SECONDS, key=len, reverse=True))
_PART = re.compile(rf"({_NUMBER})\s*({_UNIT})(?![a-z])", re.IGNORECASE)

DURATION = Matching(rf"(?i)(?:(?:{_NUMBER})(?:{_UNIT}))+|\d{{1,6}}", N_("a time such as 10m, 2h or 1d"))
"""One word; a number alone is of the unit that follows, or of minutes."""


def seconds(duration: str, rest: str = "") -> tuple[float, str] | None:
    """The seconds in a word of the form `DURATION`, and what is left of the text after it.

    Args:
        rest: the text that follows: the unit may be its first word, as in "10 minutes".
    """
    word = unicodedata.normalize("NFKC", duration).casefold()
    if word.isdecimal():
        unit, _space, after = rest.strip().partition(" ")
        known = _SECONDS.get(unicodedata.normalize("NFKC", unit).casefold())
        return (float(int(word) * (known or 60)), after.strip() if known else rest)
    parts = _PART.findall(word)
    total = sum(_number(number) * _SECONDS[unit] for number, unit in parts)
    return (total, rest) if total > 0 else None


def spoken(duration_s: float) -> str:
    """A length of time in words, in its two greatest units."""
    left, words = round(duration_s), list[str]()
    units: tuple[tuple[int, Callable[[int], str]], ...] = (
        (86_400, lambda n: ngettext("{n} day", "{n} days", n)),
        (3_600, lambda n: ngettext("{n} hour", "{n} hours", n)),
        (60, lambda n: ngettext("{n} minute", "{n} minutes", n)),
        (1, lambda n: ngettext("{n} second", "{n} seconds", n)),
    )
    for size, named in units:
        count, left = divmod(left, size)
        if count:
            words.append(named(count))
    return " ".join(words[:2]) or _("no time")


def _number(text: str) -> float:
    if text == "十":
        return 10
    return _CHINESE[text] if text in _CHINESE else float(text.replace(",", "."))
