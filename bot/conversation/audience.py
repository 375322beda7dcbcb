"""What an answer may quote: nothing that its asker, or whoever else reads it, cannot read at this moment."""

import asyncio
import logging

from bot.core.directory import Directory
from bot.core.errors import PlatformError
from bot.core.events import Author, Channel

log = logging.getLogger(__name__)

EVERYBODY = ""
"""What stands for a channel where a document is for the whole community."""

PLATFORM_TIMEOUT_S = 5.0
"""Who waits so long for a platform is answered from what everybody may read."""


async def quotable(directory: Directory, asker: Author, channel: Channel) -> frozenset[str]:
    """The keys of the channels whose words may stand in an answer, `EVERYBODY` among them.

    An answer in a conversation for two may hold whatever the asker reads. One that others see holds what all
    of them can read: documents of the community, this channel, this thread, and channels open to all.
    """
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            readable = {each.key for each in await directory.readable_channels(asker, channel.community)}
            everybodys = (
                readable if channel.private else {each.key for each in await directory.shared_with(channel)}
            )
    except (PlatformError, TimeoutError) as error:
        log.warning("who may read what is unknown: %s", error, extra={"channel": channel.key})
        return frozenset({EVERYBODY})
    here = {channel.parent.key, channel.key} if channel.parent.key in readable else set()
    return frozenset({EVERYBODY, *here, *(readable & everybodys)})
