"""Files of messages, which nobody keeps: asked of the platform when they are needed."""

from collections.abc import Sequence
from typing import Protocol

from bot.core.errors import Unsupported
from bot.core.events import Attachment, MessageRef


class Files(Protocol):
    """What platforms tell of files; see `bot.adapters.adapter.Adapter`."""

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """The files of a message as it stands now."""
        ...

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        """The content of a file."""
        ...


class NoFiles:
    """Where nothing has files; see `Files`."""

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """See `Files`."""
        return ()

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        """See `Files`."""
        raise Unsupported("there are no files")
