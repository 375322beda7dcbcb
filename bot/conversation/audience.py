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


async def readable(directory: Directory, reader: Author, channel: Channel) -> frozenset[str]:
    """The keys of the channels that somebody may read here, `EVERYBODY` and this thread among them."""
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            keys = {each.key for each in await directory.readable_channels(reader, channel.community)}
    except (PlatformError, TimeoutError) as error:
        log.warning("who may read what is unknown: %s", error, extra={"channel": channel.key})
        return frozenset({EVERYBODY})
    return frozenset({EVERYBODY, *keys, *({channel.key} if channel.parent.key in keys else ())})


async def quotable(directory: Directory, asker: Author, channel: Channel) -> frozenset[str]:
    """The keys of the channels whose words may stand in an answer, `EVERYBODY` among them.

    An answer in a conversation for two may hold whatever the asker reads. One that others see holds what all
    of them can read: documents of the community, this channel, this thread, and channels open to all.
    """
    keys = await readable(directory, asker, channel)
    if channel.private or keys == {EVERYBODY}:
        return keys
    return keys & await everybodys(directory, channel)


async def everybodys(directory: Directory, channel: Channel) -> frozenset[str]:
    """The keys of the channels that everybody who reads a channel may read, `EVERYBODY` among them."""
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            shared = {each.key for each in await directory.shared_with(channel)}
    except (PlatformError, TimeoutError) as error:
        log.warning("which channels are open is unknown: %s", error, extra={"channel": channel.key})
        shared = set()
    return frozenset({EVERYBODY, channel.parent.key, channel.key, *shared})
