"""The port between the core and a platform."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.actions import Action, Receipt, Report, no_report
from bot.core.directory import Directory
from bot.core.errors import Unsupported
from bot.core.events import Attachment, Encrypted, Event, MessageRef, Readable
from bot.core.specs import CommandSpec

Cursors = Mapping[str, str]
"""How far each scope (a Matrix account, a Discord channel) was read; the values are opaque."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in order and the cursors that are true once these events are stored."""

    events: tuple[Event, ...]
    cursors: Cursors = field(default_factory=dict)


class Adapter(ABC):
    """One platform account.

    An adapter never sees storage. It yields batches from `events`, is told by `committed` that a
    batch is on disk, performs actions, and answers the questions of `Directory`.
    """

    platform: str
    directory: Directory
    command_prefix: str | None = None
    """What members type before a command here, such as "/"; None for the configured prefix."""
    tells_joins: bool = True
    """Whether it says when somebody joins a community."""
    one_at_a_time: bool = False
    """True where the next batch is taken only when everything that follows from the last one is done."""

    @abstractmethod
    def events(self, since: Cursors) -> AsyncIterator[Batch]:
        """Everything that happened after `since`, then everything that happens, for as long as the bot runs.

        An empty `since` is the first start: nothing old is yielded. Events may come twice (after a
        crash, a reconnect); the inbox drops what it knows. Connection faults are retried with back-off;
        PlatformError is raised only for what an operator has to mend (a wrong token).
        """

    async def committed(self, cursors: Cursors) -> None:
        """The batch with these cursors is stored for good."""

    @abstractmethod
    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        """Carry out an action, once for each `key` however often it is called.

        Args:
            key: idempotency key from the outbox, at most 25 characters (Discord's nonce limit).
            resume: messages an earlier attempt made: they are edited, surplus ones deleted.
            report: told as soon as each message exists, before a stream continues.

        Returns:
            The ids of the messages that now stand for the action, in order.

        Raises:
            Unsupported, Forbidden, Gone, RateLimited, PlatformError: see `bot.core.errors`.
        """

    async def lacking(self, action: Action) -> str | None:
        """What the bot has not got and an action takes, as people of this platform call it, and where.

        Nothing is asked that the platform could refuse.

        Returns:
            None if nothing is known to be missing.

        Raises:
            Unsupported: nobody could ever allow it.
            PlatformError: it cannot be told now.
        """
        return None

    async def rights_changed(self) -> None:
        """Wait until what the bot may do may have changed; for ever, where nobody tells."""
        await asyncio.Event().wait()

    async def open(self, event: Encrypted) -> Readable | None:
        """What an encrypted event of this adapter says; None for what the core has no word for.

        Asked again for the same event it says the same.

        Raises:
            Locked: its key is not here, and may still come.
            PlatformError: it cannot be opened now.
        """
        raise Unsupported(f"{self.platform} encrypts nothing")

    async def fetch(self, attachment: Attachment, most_bytes: int) -> bytes:
        """The content of a file that came with a message.

        Raises:
            Unsupported: this platform, or this attachment, has nothing to fetch.
            TooBig: it has more than `most_bytes`; no more than those were ever held.
            Gone, Forbidden, RateLimited, PlatformError: see `bot.core.errors`.
        """
        raise Unsupported(f"files on {self.platform} cannot be fetched")

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """The files of a message as it stands now; none where the platform cannot tell.

        Raises:
            Gone, Forbidden, RateLimited, PlatformError: see `bot.core.errors`.
        """
        return ()

    async def offer(self, commands: tuple[CommandSpec, ...]) -> None:
        """Register commands where the platform has a menu of them; called once before `events`."""

    def trouble(self) -> str | None:
        """What keeps it from its work now, in a sentence for whoever asks how the bot is doing."""
        return None

    async def close(self) -> None:
        """Leave politely: finish nothing, lose nothing."""
