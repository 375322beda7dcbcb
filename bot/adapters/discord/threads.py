"""Opening threads. A thread on a message has the message's id, so it can be opened only once."""

from contextlib import suppress
from dataclasses import replace

from bot.adapters.discord.calls import AlreadyDone, Calls, whole_characters
from bot.adapters.discord.places import id_of
from bot.core.errors import Unsupported
from bot.core.events import Channel

LONGEST_TITLE = 100
"""Characters of a thread's name (Discord, "Start Thread from Message")."""


async def open_thread(calls: Calls, channel: Channel, message_id: str, title: str) -> Channel:
    """A thread on a message; the one that hangs there, if there is one.

    Raises:
        Unsupported: the place has no threads.
    """
    if channel.private or channel.thread is not None:
        raise Unsupported("threads hang on messages of channels only")
    name = whole_characters(" ".join(title.split()))[:LONGEST_TITLE] or "…"
    with suppress(AlreadyDone):
        await calls.start_thread(id_of(channel), message_id, name)
    return replace(channel, thread=message_id)
