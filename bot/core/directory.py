"""What the core may ask a platform. Answers hold for this moment only and are never stored."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.events import Author, Channel, Message, Reaction, ThreadOpened
from bot.core.permissions import Role


@dataclass(frozen=True, slots=True)
class Past:
    """A page of what happened and still stands, oldest first.

    Attributes:
        position: where to go on behind it; opaque.
    """

    events: Sequence[Message | Reaction | ThreadOpened]
    position: str


class Directory(Protocol):
    """Rights, places and history as the platform sees them now; implemented by every adapter."""

    async def role(self, author: Author, channel: Channel) -> Role:
        """The author's role in that channel's community, now. Unknown people are members."""
        ...

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        """The channels of a community the author may read, now."""
        ...

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        """The channel or thread of that id in a community, if the author may read it, now."""
        ...

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        """Open threads that the author may read, now, newest first, with their titles; for suggestions."""
        ...

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        """The channels that everybody who may read this one may read too, now, itself among them.

        What a platform cannot tell for certain is left out.

        Raises:
            PlatformError: it cannot be told now.
        """
        ...

    async def is_shared(self, thread: Channel) -> bool:
        """Whether a thread still stands, and everybody who may read the channel around it may read it, now.

        Raises:
            PlatformError: it cannot be told now.
        """
        ...

    def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        """Messages of a channel from the platform's own history, oldest first, as far as we may read.

        A thread begins with the message it hangs on, which may stand in the channel around it.
        """
        ...

    def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        """What happened in a channel and its threads, from the platform's own history, page by page.

        Where the platform does not tell when somebody reacted, they did when the message was written.

        Args:
            position: of the last page that was read before; "" begins at `since`.
        """
        ...

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        """The threads of a channel in which something was said since, that all its readers may read."""
        ...

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        """Permissions the bot would need in a channel and does not have, by the platform's names."""
        ...

    async def staff_channel(self, channel: Channel) -> Channel | None:
        """Where the operator says that moderators of its community read; None if that is said nowhere."""
        ...

    async def link(self, channel: Channel, message_id: str) -> str | None:
        """A link that opens a message in a member's client, or None where there is no such thing."""
        ...
