"""What a digest says: threads with their links, and why each of them is there. No member is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from babel.dates import format_timedelta

from bot.core.actions import Post
from bot.core.events import Channel
from bot.core.text import _, current_locale, ngettext
from bot.recommend.reason import Reason
from bot.recommend.worth import Worth

TITLE_CHARS = 100
"""Discord's limit of a thread's title (Discord, "Start Thread without Message")."""
LEAST_SHARE = 0.1
"""What speaks less for a thread than this is not worth a word."""
MOST_REASONS = 2

_FORMATTING = frozenset("`*_~|[]()<>#\\")
_JOINER = "\u200d"  # part of many emojis


@dataclass(frozen=True, slots=True)
class Linked:
    """A thread worth reading, and where a click on it leads; None where the platform has no links."""

    worth: Worth
    link: str | None


def card(channel: Channel, threads: Sequence[Linked]) -> Post:
    """The post of a digest."""
    text = "\n".join(_entry(number, each) for number, each in enumerate(threads, 1))
    return Post(channel, text, ngettext("A thread worth reading", "{n} threads worth reading", len(threads)))


def _entry(number: int, thread: Linked) -> str:
    title = plain(thread.worth.thread.title) or _("a thread without a title")
    name = f"**{title}**" if thread.link is None else f"[**{title}**]({thread.link})"
    return f"{number}. {name}\n   {because(thread.worth.reasons)}"


def because(reasons: Sequence[Reason]) -> str:
    """Why a thread is worth reading, the weightiest first: "12 members reacted; opened 3 hours ago"."""
    telling = [reason for reason in reasons if reason.share >= LEAST_SHARE] or reasons[:1]
    return "; ".join(_said(reason) for reason in telling[:MOST_REASONS])


def _said(reason: Reason) -> str:
    match reason.cause:
        case "recency":
            age = timedelta(seconds=-(reason.age_s or 0.0))
            locale = current_locale().replace("-", "_")
            return _("opened {ago}", ago=format_timedelta(age, add_direction=True, locale=locale))
        case "reactions":
            return ngettext("{n} member took part", "{n} members took part", reason.members or 0)
        case "readers":
            return _("read by those who read what is read here")


def plain(words: str) -> str:
    """A member's words inside a link of ours: no formatting, no mention, no second line, not too long."""
    flat = " ".join(words.split())
    flat = flat if len(flat) <= TITLE_CHARS else f"{flat[: TITLE_CHARS - 1]}…"
    seen = (sign for sign in flat if sign.isprintable() or sign == _JOINER)
    escaped = "".join(f"\\{sign}" if sign in _FORMATTING else sign for sign in seen)
    return escaped.replace("@", "@\u200b")
