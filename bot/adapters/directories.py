"""Every platform's directory behind one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from bot.adapters.adapter import Adapter
from bot.core.directory import Directory, Past
from bot.core.errors import Unsupported
from bot.core.events import Attachment, Author, Channel, Message, MessageRef
from bot.core.permissions import Role


class Directories:
    """The directory of every platform behind one: each question goes to the platform it is about."""

    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self._adapters = adapters

    async def role(self, author: Author, channel: Channel) -> Role:
        """See `Directory`; somebody of another platform has no rights here."""
        if author.platform != channel.platform:
            return Role.MEMBER
        return await self._of(channel).role(author, channel)

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        """See `Directory`."""
        return await self._adapters[author.platform].directory.readable_channels(author, community)

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        """See `Directory`."""
        return await self._adapters[author.platform].directory.place(author, community, id)

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        """See `Directory`."""
        return await self._adapters[author.platform].directory.threads(author, community)

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        """See `Directory`."""
        return await self._of(channel).shared_with(channel)

    async def is_shared(self, thread: Channel) -> bool:
        """See `Directory`."""
        return await self._of(thread).is_shared(thread)

    def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        """See `Directory`."""
        return self._of(channel).history(channel, since)

    def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        """See `Directory`."""
        return self._of(channel).happened(channel, since, position)

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        """See `Directory`."""
        return await self._of(channel).threads_with(channel, since)

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        """See `Directory`."""
        return await self._of(channel).missing_permissions(channel)

    async def staff_channel(self, channel: Channel) -> Channel | None:
        """See `Directory`."""
        return await self._of(channel).staff_channel(channel)

    async def link(self, channel: Channel, message_id: str) -> str | None:
        """See `Directory`; where a platform is not connected any more, nothing is linked."""
        if channel.platform not in self._adapters:
            return None
        return await self._of(channel).link(channel, message_id)

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """See `bot.core.files.Files`."""
        return await self._adapter(ref.channel.platform).attached(ref)

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        """See `bot.core.files.Files`."""
        return await self._adapter(platform).fetch(attachment, most_bytes)

    def _adapter(self, platform: str) -> Adapter:
        if platform not in self._adapters:
            raise Unsupported(f"{platform} is not connected any more")
        return self._adapters[platform]

    def _of(self, channel: Channel) -> Directory:
        return self._adapters[channel.platform].directory
