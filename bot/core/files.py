"""Files of messages, which nobody keeps: asked of the platform when they are needed."""

from collections.abc import Sequence
from typing import Protocol

from bot.core.errors import Gone, Unsupported
from bot.core.events import Attachment, MessageRef


class Files(Protocol):
    """What platforms tell of files; see `bot.adapters.adapter.Adapter`."""

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """The files of a message as it stands now."""
        ...

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        """The content of a file."""
        ...


async def content_of(files: Files, ref: MessageRef, file: Attachment, most_bytes: int) -> bytes:
    """The content of a message's file; by a new address where its own is over, as on Discord after a day."""
    platform = ref.channel.platform
    try:
        return await files.fetch(platform, file, most_bytes)
    except Gone:
        now = [each for each in await files.attached(ref) if each.id == file.id]
        if not now or now[0].url == file.url:
            raise
        return await files.fetch(platform, now[0], most_bytes)


class NoFiles:
    """Where nothing has files; see `Files`."""

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """See `Files`."""
        return ()

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        """See `Files`."""
        raise Unsupported("there are no files")
