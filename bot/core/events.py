"""What can happen on a platform, in words all platforms share.

Every id is a string as the platform gives it and every time is an aware UTC datetime. An identity is
(platform, id), never a display name. `key` names an event for ever: the inbox takes each key once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

Identity = tuple[str, str]
"""(platform, id) of a member."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A place where people talk: a channel, a thread in it, or a private conversation.

    Attributes:
        community: the guild, space or server the channel belongs to; rights never cross it.
        thread: id of the thread inside the channel, or None for the channel itself.
        private: True where only the bot and one member can read.
        encrypted: True where what is said is encrypted from end to end: it is nobody's to keep in the clear.
        hidden: a thread that only some of those who read the channel may read.
    """

    platform: str
    community: str
    id: str
    thread: str | None = None
    private: bool = False
    encrypted: bool = False
    hidden: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """One string per place, thread included: the unit of order and of locks."""
        place = f"{self.community_key}/{self.id}"
        return place if self.thread is None else f"{place}/{self.thread}"

    @property
    def community_key(self) -> str:
        """One string per community: what rules, strikes and settings of a whole community are kept under."""
        return f"{self.platform}/{self.community}"

    @property
    def parent(self) -> "Channel":
        """The channel around a thread; a channel is its own parent."""
        return replace(self, thread=None, hidden=False)


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote or did something; `name` is for people to read and is never sent to a model.

    Attributes:
        since: when the account was made, where the platform tells that.
    """

    platform: str
    id: str
    name: str
    is_bot: bool = False
    since: datetime | None = field(default=None, compare=False, repr=False)

    @property
    def identity(self) -> Identity:
        """(platform, id)."""
        return (self.platform, self.id)


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands."""

    channel: Channel
    id: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message; it is fetched only when a feature needs it.

    Attributes:
        secret: how its adapter decrypts it; "" for a plain file.
    """

    id: str
    name: str
    content_type: str
    size_bytes: int
    url: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Quote:
    """A message that the platform sent along with another; it is kept no longer than what it came with."""

    author: Author
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message somebody wrote.

    Attributes:
        text: exactly as posted; evidence offsets point into it.
        addressed: what is said to the bot, its mention removed; None when the bot is not addressed.
        reply_to: id of the message it replies to.
        notice: marked by its platform as machine-made (Matrix `m.notice`); never answered.
        locale: the language the author's client uses, if the platform tells ("en", "zh-CN").
        quoted: the message it replies to, where the platform sends it along.
    """

    ref: MessageRef
    author: Author
    text: str
    at: datetime
    addressed: str | None = None
    reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()
    notice: bool = False
    locale: str | None = None
    quoted: Quote | None = None

    @property
    def key(self) -> str:
        """Message ids are unique in a channel."""
        return f"message:{self.ref.channel.key}:{self.ref.id}"


@dataclass(frozen=True, slots=True)
class Edit:
    """A message has a new text; `message` is the whole new version, `version` names the edit."""

    message: Message
    version: str

    @property
    def key(self) -> str:
        """One per version of the message."""
        return f"edit:{self.message.ref.channel.key}:{self.message.ref.id}:{self.version}"


@dataclass(frozen=True, slots=True)
class Deletion:
    """A message was removed (Discord delete, Matrix redaction)."""

    ref: MessageRef
    at: datetime

    @property
    def key(self) -> str:
        """A message is deleted once."""
        return f"deletion:{self.ref.channel.key}:{self.ref.id}"


@dataclass(frozen=True, slots=True)
class Reaction:
    """Somebody added an emoji to a message, or took it back (`added` False)."""

    ref: MessageRef
    author: Author
    emoji: str
    added: bool
    at: datetime

    @property
    def key(self) -> str:
        """The same emoji can come and go, so the time is part of the key."""
        sign = "+" if self.added else "-"
        place = f"{self.ref.channel.key}:{self.ref.id}"
        return f"reaction:{place}:{self.author.id}:{sign}{self.emoji}:{self.at.timestamp()}"


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody joined a community; `channel` is where the bot may speak of it."""

    channel: Channel
    author: Author
    at: datetime

    @property
    def key(self) -> str:
        """A member can join again, so the time is part of the key."""
        return f"join:{self.channel.key}:{self.author.id}:{self.at.timestamp()}"


@dataclass(frozen=True, slots=True)
class ThreadOpened:
    """A thread or forum post was opened; `channel.thread` is its id."""

    channel: Channel
    author: Author
    title: str
    at: datetime

    @property
    def key(self) -> str:
        """A thread is opened once."""
        return f"thread:{self.channel.key}"


@dataclass(frozen=True, slots=True)
class ThreadClosed:
    """A thread was locked, or (`closed` False) members may write in it again."""

    channel: Channel
    closed: bool
    at: datetime

    @property
    def key(self) -> str:
        """It can be closed and opened many times, so the time is part of the key."""
        return f"closed:{self.channel.key}:{self.closed}:{self.at.timestamp()}"


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command called with typed arguments (a slash command, a button, a menu).

    Attributes:
        id: the platform's id of the call.
        command: name path, such as ("privacy", "forget").
        arguments: by parameter name, already of the declared types.
        target: the message a menu command was used on, or below which something was pressed.
        silent: it was a reaction: what can be seen anyway need not be said.
        quoted: the target, where the platform sends it along.
        attachments: files given with the call.
    """

    id: str
    channel: Channel
    author: Author
    command: tuple[str, ...]
    at: datetime
    arguments: Mapping[str, object] = field(default_factory=dict)
    target: MessageRef | None = None
    locale: str | None = None
    silent: bool = False
    quoted: Quote | None = None
    attachments: tuple[Attachment, ...] = ()

    @property
    def key(self) -> str:
        """A call has its own id on its platform."""
        return f"invocation:{self.channel.key}:{self.id}"


@dataclass(frozen=True, slots=True)
class Encrypted:
    """Something that only its adapter can read; nothing more is stored of it than the platform sent.

    Attributes:
        id: the platform's id of the event.
        raw: the event as the platform sent it.
    """

    channel: Channel
    author: Author
    id: str
    at: datetime
    raw: str

    @property
    def key(self) -> str:
        """Event ids are unique in a channel."""
        return f"encrypted:{self.channel.key}:{self.id}"


Readable = Message | Edit | Deletion | Reaction | Join | ThreadOpened | ThreadClosed | Invocation
Event = Readable | Encrypted


def place_of(event: Event) -> Channel:
    """The channel (or thread) in which an event happened: events of one place keep their order."""
    match event:
        case Message(ref=ref) | Deletion(ref=ref) | Reaction(ref=ref):
            return ref.channel
        case Edit(message=message):
            return message.ref.channel
        case Join() | ThreadOpened() | ThreadClosed() | Invocation() | Encrypted():
            return event.channel


def author_of(event: Event) -> Author | None:
    """Who caused an event; platforms do not say who deleted a message or locked a thread."""
    match event:
        case Deletion() | ThreadClosed():
            return None
        case Edit(message=message):
            return message.author
        case Message() | Reaction() | Join() | ThreadOpened() | Invocation() | Encrypted():
            return event.author
