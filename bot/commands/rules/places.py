"""The channel somebody names: a mention, a name, an alias or an id, among those that they may read."""

import asyncio
import re

from bot.commands.command import PLATFORM_TIMEOUT_S, Context
from bot.commands.conversion import shown
from bot.commands.rules.book import readable
from bot.core.errors import PlatformError, UserError
from bot.core.events import Channel
from bot.core.permissions import Role
from bot.core.text import _

_MENTION = re.compile(r"<#(\d{1,20})>")
_LINK = re.compile(r"https://matrix\.to/#/([^/?\s]{2,255})")
_LONGEST = 255


async def channel_named(context: Context, text: str) -> Channel:
    """The channel meant, here or in another community of the platform that the caller moderates too.

    Raises:
        UserError: there is none that the caller may read, which is all that is ever said.
    """
    name = _id(text)
    for channel in (await readable(context)) if name else ():
        if channel.id in (name, name.removeprefix("#")):
            return channel
    found = await _elsewhere(context, name) if name else None
    if found is None:
        raise UserError(
            _(
                "I know no channel “{name}” that you and I can read. Mention it, or give its id.",
                name=shown(text.strip()),
            )
        )
    return found


def _id(text: str) -> str:
    """What stands in a mention or a link; "" for what is too long to be any."""
    text = text.strip()
    mention = _MENTION.fullmatch(text) or _LINK.match(text)
    name = text if mention is None else mention[1].replace("%23", "#").replace("%3A", ":").replace("%21", "!")
    return name if len(name) <= _LONGEST and name.isprintable() else ""


async def _elsewhere(context: Context, name: str) -> Channel | None:
    """A room that is a community of its own, as on Matrix: only its moderators may have cards there."""
    directory = context.services.directory
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            for channel in await directory.readable_channels(context.caller, name):
                alone = channel.id == channel.community
                if alone and await directory.role(context.caller, channel) >= Role.MODERATOR:
                    return channel
    except (PlatformError, TimeoutError):
        return None
    return None
