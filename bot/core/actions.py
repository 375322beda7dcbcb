"""What the bot can do on a platform, in words all platforms share.

A `Receipt` is what the outbox remembers of an action: the ids of the messages it made, so that a restart
edits them instead of posting again.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from bot.core.below import Below, Entry, nothing
from bot.core.controls import Control
from bot.core.events import Author, Channel, MessageRef


@dataclass(frozen=True, slots=True)
class Status:
    """A line about progress, shown only until the first text of an answer arrives."""

    text: str


Chunk = str | Status
"""A piece of a streamed answer: text to append, or what to show while there is no text yet."""


@dataclass(frozen=True, slots=True)
class File:
    """Something to look at beside a text, such as a chart.

    Attributes:
        name: with the ending that its kind has.
        media_type: such as `image/png`.
        encoded: its bytes in base64, so that an action can be written down; see `of` and `content`.
        alt: what it shows, in words, for who cannot see it; a console shows nothing else.
    """

    name: str
    media_type: str
    encoded: str
    alt: str

    @classmethod
    def of(cls, name: str, media_type: str, content: bytes, alt: str) -> Self:
        """A file from its bytes."""
        return cls(name, media_type, b64encode(content).decode(), alt)

    @property
    def content(self) -> bytes:
        """Its bytes."""
        return b64decode(self.encoded)


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished answer to a message.

    Attributes:
        private: only the asker should see it, where the platform can easily do that.
        personal: it holds what is stored about the asker, so nobody else may ever read it.
        notice: output of a command rather than talk; platforms that can mark it do.
        controls: what can be pressed below it.
        sources: what it rests on.
        file: shown in a message of its own, behind the text.
    """

    to: MessageRef
    author: Author
    text: str
    private: bool = False
    notice: bool = False
    personal: bool = False
    controls: tuple[Control, ...] = ()
    sources: tuple[Entry, ...] = ()
    file: File | None = None


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """An answer that grows while the model writes it; the asker is told once.

    Attributes:
        meanwhile: what can be pressed while it grows.
        afterwards: what stands below it when it is complete; asked then.
        personal: nobody but the asker may ever read it, as with a `Reply`.
    """

    to: MessageRef
    author: Author
    chunks: AsyncIterator[Chunk]
    meanwhile: tuple[Control, ...] = ()
    afterwards: Callable[[], Below] = nothing
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """A message that answers nobody, in any channel.

    Attributes:
        title: set where the message is a card, which stands out from talk.
        controls: what readers can press below it.
        to: whom it is for; they are named and told.
        private: only they may read it: it stands in a private conversation with them, which is opened if
            there is none; `channel` says only what it comes from.
        file: shown in a message of its own, behind the text.
    """

    channel: Channel
    text: str
    title: str | None = None
    controls: tuple[Control, ...] = ()
    to: Author | None = None
    private: bool = False
    file: File | None = None

    @property
    def reader(self) -> Author | None:
        """The only one who may read it."""
        return self.to if self.private else None


@dataclass(frozen=True, slots=True)
class Update:
    """A new text, title and controls for one of the bot's own messages."""

    ref: MessageRef
    text: str
    title: str | None = None
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a message for good."""

    ref: MessageRef
    reason: str


@dataclass(frozen=True, slots=True)
class Hide:
    """Take a message out of sight; its text went to the moderators' queue before."""

    ref: MessageRef
    reason: str


@dataclass(frozen=True, slots=True)
class Purge:
    """Remove many messages of one place for good, oldest first."""

    channel: Channel
    message_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Timeout:
    """A member may not write for a while; with a duration of 0 they may again."""

    channel: Channel
    author: Author
    duration_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Kick:
    """A member has to leave, and may come back."""

    channel: Channel
    author: Author
    reason: str


@dataclass(frozen=True, slots=True)
class Ban:
    """A member has to leave, and may not come back."""

    channel: Channel
    author: Author
    reason: str


@dataclass(frozen=True, slots=True)
class Unban:
    """Somebody who was banned may come back."""

    channel: Channel
    author: Author
    reason: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Only moderators may write in a place, or everybody as before; opened is only what was locked so."""

    channel: Channel
    locked: bool
    reason: str


@dataclass(frozen=True, slots=True)
class SlowMode:
    """Members wait so many seconds between two messages; 0 for no wait."""

    channel: Channel
    seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class Archive:
    """Put a thread away; whoever writes in it brings it back."""

    channel: Channel
    reason: str


@dataclass(frozen=True, slots=True)
class Pin:
    """Keep a message at hand for everybody, or no longer."""

    ref: MessageRef
    pinned: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OpenThread:
    """Open a thread on a message, or on a new message in a channel; the `Receipt` says where it is."""

    at: MessageRef | Channel
    title: str

    @property
    def channel(self) -> Channel:
        """Where it hangs."""
        return self.at if isinstance(self.at, Channel) else self.at.channel


@dataclass(frozen=True, slots=True)
class React:
    """Add an emoji to a message."""

    ref: MessageRef
    emoji: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell the moderators of a community something; the adapter knows where they read."""

    channel: Channel
    text: str


Moderation = Delete | Hide | Purge | Timeout | Kick | Ban | Unban | Lock | SlowMode | Archive | Pin
"""What keeps a community in order: it waits for a permission that is missing, where words are dropped."""

Action = Reply | StreamedReply | Post | Update | React | Alert | OpenThread | Moderation


def target_of(action: Moderation | React) -> Channel:
    """Where it takes effect."""
    match action:
        case Delete(ref=ref) | Hide(ref=ref) | Pin(ref=ref) | React(ref=ref):
            return ref.channel
        case Purge() | Timeout() | Kick() | Ban() | Unban() | Lock() | SlowMode() | Archive():
            return action.channel


class Severity(IntEnum):
    """How strong an action is; of several verdicts the strongest wins."""

    NONE = 0
    LOG = 1
    REACT = 2
    HINT = 3
    QUEUE = 4
    HIDE = 5
    DELETE = 6
    TIMEOUT = 7
    KICK = 8
    BAN = 9


@dataclass(frozen=True, slots=True)
class Receipt:
    """The messages an action made, in order; empty for actions that make none.

    Attributes:
        channel: where they stand, if not where the action was aimed at (an answer that opened a thread).
        head: if not None, so many of the first stand where the action was aimed at in any case: the answer
            outgrew that place, and goes on in `channel` or in a file.
        file: the last of them holds the `File` of the action.
    """

    message_ids: tuple[str, ...] = ()
    channel: Channel | None = None
    head: int | None = None
    file: bool = False

    def refs(self, aimed_at: Channel) -> tuple[MessageRef, ...]:
        """The messages and where each stands."""
        elsewhere, head = self.channel or aimed_at, self.head or 0
        return tuple(
            MessageRef(aimed_at if n < head else elsewhere, message_id)
            for n, message_id in enumerate(self.message_ids)
        )


Report = Callable[[Receipt], Awaitable[None]]
"""Called by an adapter as soon as a message of an action exists, so that a restart can find it."""


async def no_report(receipt: Receipt) -> None:
    """For actions that nobody resumes."""
