"""Threads worth reading in words: each with its link, and why it is shown, the weightiest reason first."""

from collections.abc import Sequence

from bot.conversation.sourced import one_line
from bot.core.directory import Directory
from bot.core.text import _, ngettext
from bot.recommend.worth import Reason, ThreadRef, Worth

TITLE_CHARS = 80
MOST_REASONS = 3

_HOUR_S, _DAY_S = 3600, 86_400
_NEW_DAYS = 14
"""An older thread is not shown for being new, whatever its share."""


async def listed(directory: Directory, found: Sequence[Worth]) -> str:
    """Numbered, two lines each; nobody is named."""
    return "\n".join([await _entry(directory, place, each) for place, each in enumerate(found, start=1)])


async def _entry(directory: Directory, place: int, worth: Worth) -> str:
    why = because(worth, [await titled(directory, thread) for thread in worth.beside])
    line = f"{place}. {await titled(directory, worth.thread)}"
    return f"{line}\n   {why}" if why else line


async def titled(directory: Directory, thread: ThreadRef) -> str:
    """A thread as people know it: its title and its link, or whichever there is."""
    title = one_line(thread.title, TITLE_CHARS)
    link = await directory.link(thread.place, thread.first_message or thread.id)
    if link is None:
        place = _("in #{channel}", channel=thread.place.id)
        return (
            f"“{title}” ({place})"
            if title
            else _("thread {id} in #{channel}", id=thread.id, channel=thread.place.id)
        )
    return f"“{title}” <{link}>" if title else f"<{link}>"


def because(worth: Worth, beside: Sequence[str]) -> str:
    """The largest contributions to a score in words, in their order.

    Args:
        beside: the threads that share readers with it, as people know them.
    """
    told = [_reason(reason, beside) for reason in worth.reasons]
    return " · ".join([words for words in told if words][:MOST_REASONS])


def _reason(reason: Reason, beside: Sequence[str]) -> str:
    match reason.cause:
        case "recency":
            return _age(reason.age_s or 0.0)
        case "reactions":
            members = reason.members or 0
            return (
                ngettext("{n} person reacted or answered", "{n} people reacted or answered", members)
                if members
                else ""
            )
        case "readers":
            if not beside:
                return _("shares readers with threads you touched")
            return _("shares readers with {threads}", threads=", ".join(beside))


def _age(age_s: float) -> str:
    if age_s < _HOUR_S:
        return _("new this hour")
    if age_s < _DAY_S:
        return _("new today")
    days = int(age_s // _DAY_S)
    return ngettext("{n} day old", "{n} days old", days) if days <= _NEW_DAYS else ""
