"""`digest import`: threads and reactions from before the bot came, read from the platform's own history."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Annotated

from bot.commands.command import Context, Doc, OwnWords, Range, command
from bot.commands.rules.book import readable
from bot.conversation.running import Handle, Stopped
from bot.core.actions import Chunk, Status
from bot.core.errors import PlatformError, UserError
from bot.core.events import Channel
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.recommend.importing import Imported


@command(
    "digest import",
    role=Role.MODERATOR,
    slow=True,
    examples=(N_("digest import"), N_("digest import 180")),
)
async def imports(
    context: Context,
    days: Annotated[int, Range(1, 365), Doc("How many days back, 1 to 365.")] = 90,
) -> OwnWords:
    """Read past threads and reactions in the channels you can read; `stop` ends it, a later call goes on."""
    if context.channel.private:
        raise UserError(_("Ask me that in a channel of your community: I recommend what is said there."))
    places = {channel.parent.key: channel.parent for channel in await readable(context)}
    await context.audit("digest import", f"{len(places)} channels, {days} days")
    return OwnWords(context.stream(lambda handle: _imported(context, tuple(places.values()), days, handle)))


async def _imported(
    context: Context, places: Sequence[Channel], days: int, handle: Handle
) -> AsyncIterator[Chunk]:
    services = context.services
    since, told = services.now() - timedelta(days=days), Imported(len(places))
    reading = services.importing.read(places, since)
    handle.outcome = "command"
    try:
        while (further := await handle.unless_stopped(anext(reading, None))) is not None:
            told = further
            yield Status(
                _(
                    "Reading the past: {done} of {of} channels, {events} messages and reactions. "
                    "`stop` ends it.",
                    done=told.done,
                    of=told.of,
                    events=told.events,
                )
            )
    except Stopped:
        yield _("Stopped. ") + _learned(told) + " " + _goes_on(context)
    except (PlatformError, TimeoutError):
        yield _("The platform failed. ") + _learned(told) + " " + _goes_on(context)
    else:
        yield _learned(told) + _left(context, told)


def _learned(told: Imported) -> str:
    return _(
        "I read {events} messages and reactions in {done} of {of} channels, and learned of {threads} threads "
        "and {touches} votes.",
        events=told.events,
        done=told.done,
        of=told.of,
        threads=told.threads,
        touches=told.touches,
    )


def _left(context: Context, told: Imported) -> str:
    left = ""
    if told.left_out:
        left += " " + ngettext("{n} channel I may not read.", "{n} channels I may not read.", told.left_out)
    return left + (" " + _goes_on(context) if told.cut else "")


def _goes_on(context: Context) -> str:
    return _("`{prefix}digest import` goes on where it ended.", prefix=context.prefix)
