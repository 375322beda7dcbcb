"""`knowledge read`: take the past of an archived channel in, from the platform's own history."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from bot.commands.command import Context, Doc, OwnWords, Range, command
from bot.commands.knowledge.archive import READ_DAYS, check
from bot.conversation.policy import channel_policy
from bot.conversation.running import Handle, Stopped
from bot.core.actions import Chunk, Status
from bot.core.errors import PlatformError, UserError
from bot.core.events import Channel, Message
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

_SAME_WISH = timedelta(days=1)
"""So much later an earlier reading may have begun, and this one goes on where that ended."""


class _NoMore(Exception):
    """The place is not archived any more."""


class _Enough(Exception):
    """As much is read as one call may."""


@dataclass(slots=True)
class Progress:
    """How far the past of a channel is read.

    Attributes:
        days: how far back.
        until: when it began, so what is newer comes in anyway.
        places: the channel and its threads; `done` of them are read, and `share` of the next.
        read, kept: messages.
    """

    days: int
    until: datetime
    places: Sequence[Channel] = ()
    done: int = 0
    share: float = 0.0
    read: int = 0
    kept: int = 0

    @property
    def since(self) -> datetime:
        """Where the past begins."""
        return self.until - timedelta(days=self.days)

    @property
    def percent(self) -> int:
        """How much of it is read, as if every place had as much to read."""
        return int(100 * (self.done + self.share) / max(len(self.places), 1))


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
    """Read the past of this archived channel, so that it can be found; `stop` ends it."""
    place = _place(context)
    check(context, place)
    if not _archived(context, place):
        raise UserError(
            _(
                "This place is not archived. `{prefix}channel set archive yes` changes that, and tells "
                "everybody here.",
                prefix=context.prefix,
            )
        )
    progress = Progress(min(days, int(context.services.archive_days)), context.services.now())
    return OwnWords(context.stream(lambda handle: _read(context, place, progress, handle)))


def _place(context: Context) -> Channel:
    """Here; in a thread of an archived channel all of that, for nothing can be called in a forum itself."""
    parent = context.channel.parent
    return parent if _archived(context, parent) else context.channel


async def _read(context: Context, here: Channel, progress: Progress, handle: Handle) -> AsyncIterator[Chunk]:
    why = ""
    with context.services.store.archive.reading():
        yield Status(_so_far(progress))
        try:
            progress.places = (here, *await _threads(context, here, progress, handle))
            for place in progress.places:
                async for _stored in _read_place(context, place, progress, handle):
                    yield Status(_so_far(progress))
                progress.done, progress.share = progress.done + 1, 0.0
        except _Enough:
            why = _("That was enough for once: `{prefix}knowledge read` goes on.", prefix=context.prefix)
        except Stopped:
            why = _("You stopped it: `{prefix}knowledge read` goes on.", prefix=context.prefix)
        except _NoMore:
            why = _("Meanwhile this place is not archived any more, so I kept nothing.")
        except (PlatformError, TimeoutError):
            why = _(
                "The platform did not give me the rest: `{prefix}knowledge read` tries again from there.",
                prefix=context.prefix,
            )
    handle.outcome = "command"
    done = f"{here.key} {progress.read} messages, {progress.kept} new"
    await context.audit("knowledge read", done)
    yield "\n".join(filter(None, (_report(progress), why)))


async def _threads(context: Context, here: Channel, progress: Progress, handle: Handle) -> Sequence[Channel]:
    async with asyncio.timeout(PAGE_TIMEOUT_S):
        threads = context.services.directory.threads_with(here, progress.since)
        found = await handle.unless_stopped(threads)
    return [thread for thread in found if _archived(context, thread)]


async def _read_place(
    context: Context, place: Channel, progress: Progress, handle: Handle
) -> AsyncIterator[int]:
    """Read one channel or thread from where an earlier call ended; tells each time that it stored some."""
    archive, since = context.services.store.archive, progress.since
    mark = await archive.read_to(place)
    at = since
    if mark is not None:
        began, reached = map(datetime.fromisoformat, mark.split())
        if began <= since + _SAME_WISH:
            since, at = began, max(began, reached)
    history = context.services.directory.history(place, at - _OVERLAP)
    complete = False
    while not complete:
        if progress.read >= MOST:
            raise _Enough
        some = await handle.unless_stopped(_some(history))
        if not _archived(context, place):
            raise _NoMore
        complete = len(some) < STORED_AT_ONCE
        at = progress.until if complete else max(at, some[-1].at)
        wanted = [message for message in some if context.services.archives(message)]
        kept = await archive.add(wanted, place, f"{since.isoformat()} {at.isoformat()}")
        progress.read += sum(
            message.ref.channel == place for message in some
        )  # a thread's root is the channel's
        progress.kept += kept
        progress.share = (at - since) / max(progress.until - since, timedelta(seconds=1))
        if not complete:
            yield kept


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


def _archived(context: Context, place: Channel) -> bool:
    return channel_policy(context.services.store.policies, place).archive


def _so_far(progress: Progress) -> str:
    return _(
        "Reading the past: {percent} %, {read} messages, {kept} of them new. `stop` ends it.",
        percent=progress.percent,
        read=progress.read,
        kept=progress.kept,
    )


def _report(progress: Progress) -> str:
    text = ngettext(
        "Of the last {days} days I read {n} message, and archived {kept} that I did not have.",
        "Of the last {days} days I read {n} messages, and archived {kept} that I did not have.",
        progress.read,
        days=progress.days,
        kept=progress.kept,
    )
    threads = len(progress.places) - 1
    if threads < 1:
        return text
    return text + " " + ngettext("{n} thread is among it.", "{n} threads are among it.", threads)
