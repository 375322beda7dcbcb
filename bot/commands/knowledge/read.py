"""`knowledge read`: take the past of an archived channel in, from the platform's own history."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from bot.commands.command import Context, Doc, OwnWords, Range, command
from bot.commands.knowledge.archive import READ_DAYS, check
from bot.conversation.policy import channel_policy
from bot.conversation.running import Handle, Stopped
from bot.core.actions import Chunk, Status
from bot.core.errors import PlatformError, UserError
from bot.core.events import Message
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext

MOST = 20_000
"""Messages of one call; another one goes on from there."""

STORED_AT_ONCE = 100
"""Messages between two marks of how far it was read, and between two lines of progress."""

PAGE_TIMEOUT_S = 60.0
"""A platform that asks for patience gets this much."""

_OVERLAP = timedelta(seconds=1)
"""Read once more: messages can have the same time, and what is known is not doubled."""


@dataclass(slots=True)
class Progress:
    """How far a history is read: from `since` on, up to `at`; `until` is when it began."""

    since: datetime
    at: datetime
    until: datetime
    read: int = 0
    kept: int = 0

    @property
    def mark(self) -> str:
        """What the next call goes on from."""
        return f"{self.since.isoformat()} {self.at.isoformat()}"

    @property
    def percent(self) -> int:
        """The share of the time that is read."""
        return int(100 * (self.at - self.since) / max(self.until - self.since, timedelta(seconds=1)))


@command(
    "knowledge read",
    role=Role.MODERATOR,
    slow=True,
    examples=(N_("knowledge read"), N_("knowledge read 30")),
)
async def read(
    context: Context,
    days: Annotated[int, Range(1, READ_DAYS), Doc("How many days back.")] = READ_DAYS,
) -> OwnWords:
    """Read the history of this archived channel, so that it can be found; `stop` ends it."""
    check(context, context.channel)
    if not channel_policy(context.services.store.policies, context.channel).archive:
        raise UserError(
            _(
                "This place is not archived. `{prefix}channel set archive yes` changes that, and tells "
                "everybody here.",
                prefix=context.prefix,
            )
        )
    progress = await _beginning(context, days)
    return OwnWords(context.stream(lambda handle: _read(context, progress, handle)))


async def _beginning(context: Context, days: int) -> Progress:
    """Where to begin: where an earlier call ended, if it began as early."""
    now = context.services.now()
    since = now - timedelta(days=min(days, context.services.archive_days))
    mark = await context.services.store.archive.read_to(context.channel)
    if mark is not None:
        began, at = map(datetime.fromisoformat, mark.split())
        if began <= since + timedelta(days=1):  # the same wish, some hours later
            return Progress(began, max(began, at), now)
    return Progress(since, since, now)


async def _read(context: Context, progress: Progress, handle: Handle) -> AsyncIterator[Chunk]:
    archive, place = context.services.store.archive, context.channel
    why = ""
    with archive.reading():
        history = context.services.directory.history(place, progress.at - _OVERLAP)
        yield Status(_so_far(progress))
        try:
            while progress.read < MOST:
                some = await handle.unless_stopped(_some(history))
                if not channel_policy(context.services.store.policies, place).archive:
                    why = _("Meanwhile this place is not archived any more, so I kept nothing.")
                    break
                if some:
                    progress.at = max(progress.at, some[-1].at)
                    progress.read += len(some)
                wanted = [message for message in some if context.services.archives(message)]
                if len(some) < STORED_AT_ONCE:
                    progress.at = max(progress.at, progress.until)
                progress.kept += await archive.add(wanted, place, progress.mark)
                if len(some) < STORED_AT_ONCE:
                    break
                yield Status(_so_far(progress))
            else:
                why = _("That was enough for once: `{prefix}knowledge read` goes on.", prefix=context.prefix)
        except Stopped:
            why = _("You stopped it: `{prefix}knowledge read` goes on.", prefix=context.prefix)
        except (PlatformError, TimeoutError):
            why = _(
                "The platform did not give me the rest: `{prefix}knowledge read` tries again from there.",
                prefix=context.prefix,
            )
    handle.outcome = "command"
    await context.audit("knowledge read", f"{place.key} {progress.read} messages, {progress.kept} new")
    yield "\n".join(filter(None, (_report(progress), why)))


async def _some(history: AsyncIterator[Message]) -> list[Message]:
    """The next messages; fewer than asked for at the end."""
    some: list[Message] = []
    while len(some) < STORED_AT_ONCE:
        async with asyncio.timeout(PAGE_TIMEOUT_S):
            message = await anext(history, None)
        if message is None:
            break
        some.append(message)
    return some


def _so_far(progress: Progress) -> str:
    return _(
        "Reading the history: {percent} %, {read} messages, {kept} of them new. `stop` ends it.",
        percent=progress.percent,
        read=progress.read,
        kept=progress.kept,
    )


def _report(progress: Progress) -> str:
    days = max(round((progress.until - progress.since).total_seconds() / 86_400), 1)
    return ngettext(
        "Of the last {days} days I read {n} message, and archived {kept} that I did not have.",
        "Of the last {days} days I read {n} messages, and archived {kept} that I did not have.",
        progress.read,
        days=days,
        kept=progress.kept,
    )
