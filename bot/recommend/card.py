"""What a digest says: threads with their links, and why each of them is there. No member is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from babel.dates import format_timedelta

from bot.core.actions import Post
from bot.core.controls import Control
from bot.core.events import Author, Channel
from bot.core.text import N_, _, current_locale, ngettext
from bot.recommend.reason import Reason
from bot.recommend.worth import Worth
from bot.storage.digests import LESS, MORE

TITLE_CHARS = 100
"""Discord's limit of a thread's title (Discord, "Start Thread without Message")."""
LEAST_SHARE = 0.1
"""What speaks less for a thread than this is not worth a word."""
MOST_REASONS = 2
LINE_CHARS = 200
LONGEST = 3_800
"""Characters of a digest with lines about its threads. Source: 4,096 in a card (Discord, "Embed Limits")."""

FEEDBACK = ("digest", "feedback")
"""The command behind what is pressed below a digest."""

_FORMATTING = frozenset("`*_~|[]()<>#\\")
_JOINER = "\u200d"  # part of many emojis


@dataclass(frozen=True, slots=True)
class Linked:
    """A thread worth reading.

    Attributes:
        link: where a click on it leads; None where the platform has no links.
        line: what it is about, in a model's words; "" for none.
        topic: what its topic is called; "" for none.
    """

    worth: Worth
    link: str | None
    line: str = ""
    topic: str = ""


def card(channel: Channel, threads: Sequence[Linked], key: str, reader: Author | None = None) -> Post:
    """The post of a digest.

    Args:
        key: by which what is pressed below it tells what it is about.
        reader: whom it is for alone.
    """
    text = _text(threads, reader)
    title = ngettext("A thread worth reading", "{n} threads worth reading", len(threads))
    if reader is None:
        return Post(channel, text, title, controls(key))
    title = ngettext("A thread for you", "{n} threads for you", len(threads))
    return Post(channel, text, title, own_controls(key), to=reader, private=True)


def controls(key: str) -> tuple[Control, ...]:
    """What can be pressed below a digest."""
    return (
        *_opinions(key),
        _control("🙈", N_("Hide"), "hide", key, grave=True),
        _control("⏹️", N_("Stop"), "stop", key, grave=True),
    )


def own_controls(key: str) -> tuple[Control, ...]:
    """What can be pressed below a digest for one member."""
    return (*_opinions(key), _control("⏹️", N_("Stop"), "stop", key))


def _opinions(key: str) -> tuple[Control, ...]:
    return (
        _control(MORE, N_("More like this"), "more", key),
        _control(LESS, N_("Less like this"), "less", key),
    )


def _control(emoji: str, label: str, verdict: str, key: str, *, grave: bool = False) -> Control:
    return Control(emoji, _(label), FEEDBACK, {"verdict": verdict, "post": key}, grave=grave)


def _text(threads: Sequence[Linked], reader: Author | None) -> str:
    """All entries, with lines by a model as far as there is room for them."""
    entries = [_entry(number, each, reader) for number, each in enumerate(threads, 1)]
    note = _("🤖 = in the words of a language model, which may be wrong")
    room, noted = LONGEST - len(note) - sum(len(entry) + 1 for entry in entries), False
    for at, each in enumerate(threads):
        line = f"\n   🤖 {plain(each.line, LINE_CHARS)}" if each.line else ""
        if line and len(line) <= room:
            entries[at], room, noted = entries[at] + line, room - len(line), True
    return "\n".join([*entries, note] if noted else entries)


def _entry(number: int, thread: Linked, reader: Author | None) -> str:
    title = plain(thread.worth.thread.title) or _("a thread without a title")
    name = f"**{title}**" if thread.link is None else f"[**{title}**]({thread.link})"
    name += f" · {plain(thread.topic)}" if thread.topic else ""
    return f"{number}. {name}\n   {because(thread.worth.reasons, reader)}"


def because(reasons: Sequence[Reason], reader: Author | None = None) -> str:
    """Why a thread is worth reading, the weightiest first: "12 members reacted; opened 3 hours ago"."""
    telling = [reason for reason in reasons if reason.share >= LEAST_SHARE] or reasons[:1]
    return "; ".join(_said(reason, reader) for reason in telling[:MOST_REASONS])


def _said(reason: Reason, reader: Author | None) -> str:
    match reason.cause:
        case "recency":
            age = timedelta(seconds=-(reason.age_s or 0.0))
            locale = current_locale().replace("-", "_")
            return _("opened {ago}", ago=format_timedelta(age, add_direction=True, locale=locale))
        case "reactions":
            return ngettext("{n} member took part", "{n} members took part", reason.members or 0)
        case "readers" if reader is not None:
            return _("shares readers with threads you touched")
        case "readers":
            return _("read by those who read what is read here")


def plain(words: str, most: int = TITLE_CHARS) -> str:
    """The words of others inside ours: no formatting, no mention, no second line, not too long."""
    flat = " ".join(words.split())
    flat = flat if len(flat) <= most else f"{flat[: most - 1]}…"
    seen = (sign for sign in flat if sign.isprintable() or sign == _JOINER)
    escaped = "".join(f"\\{sign}" if sign in _FORMATTING else sign for sign in seen)
    return escaped.replace("@", "@\u200b")
