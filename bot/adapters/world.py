"""A platform inside the process: channels, members, messages and everything a bot may do with them.

Tests, replays and benchmarks play the members (`say`, `edit`, `react`, …) and read what the bot did. Like a
real platform it answers a repeated key with the message it made before; its events can be read again from any
point.
"""

import asyncio
import mimetypes
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from bot.adapters.news import News
from bot.adapters.pacing import Window
from bot.core.actions import (
    Alert,
    Archive,
    Ban,
    Delete,
    File,
    Hide,
    Kick,
    Lock,
    Moderation,
    Pin,
    Purge,
    React,
    SlowMode,
    Timeout,
    Unban,
    target_of,
)
from bot.core.errors import Closed, Forbidden, Gone, PlatformError, RateLimited, TooBig, Unsupported
from bot.core.events import (
    Attachment,
    Author,
    Channel,
    Deletion,
    Edit,
    Event,
    Identity,
    Invocation,
    Join,
    Message,
    MessageRef,
    Reaction,
    ThreadClosed,
    ThreadOpened,
    place_of,
)
from bot.core.permissions import Role

E = TypeVar("E", bound=Event)

Act = Moderation | React | Alert
"""Actions that make no message."""

TAKES: Mapping[type[Act], str] = {
    Delete: "manage messages",
    Hide: "manage messages",
    Timeout: "time out members",
    Kick: "kick members",
    Ban: "ban members",
    Unban: "ban members",
    Purge: "manage messages",
    Lock: "manage channels",
    SlowMode: "manage channels",
    Archive: "manage threads",
    Pin: "pin messages",
    React: "add reactions",
}
"""The permission that an action takes; `World.take_away` takes it from the bot."""


@dataclass(slots=True)
class Posted:
    """A message as it stands; `texts` are all its versions, the last one is shown."""

    message: Message
    texts: list[str]
    key: str | None = None
    private_to: str | None = None
    deleted: bool = False
    hidden: bool = False
    pinned: bool = False
    file: File | None = None
    reactions: set[tuple[str, str]] = field(default_factory=set)

    @property
    def text(self) -> str:
        """What is shown now."""
        return self.texts[-1]


@dataclass(slots=True)
class Faults:
    """What goes wrong.

    Attributes:
        refuse: raised by the next calls, one each, before anything is done.
        refuse_files: the same for files.
        lose_answers: share of calls that are carried out and then fail, as when a connection breaks.
        slow_s: how long every call takes.
        limit: makes the rate limit of one channel; a call too many raises RateLimited.
    """

    refuse: list[PlatformError] = field(default_factory=list)
    refuse_files: list[PlatformError] = field(default_factory=list)
    lose_answers: float = 0.0
    slow_s: float = 0.0
    limit: Callable[[], Window] | None = None
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - decides about faults only


class World:
    """One platform with one bot on it; `log` holds every event, its index is the cursor."""

    def __init__(
        self,
        platform: str = "memory",
        community: str = "town",
        bot_name: str = "llmos",
        message_limit: int = 2000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.platform, self.community, self.message_limit = platform, community, message_limit
        self.bot = Author(platform, "bot", bot_name, is_bot=True)
        self.now = now
        self.faults = Faults()
        self.log: list[Event] = []
        self.messages: dict[MessageRef, Posted] = {}
        self.channels: dict[str, Channel] = {}
        self.acts: list[Act] = []
        self.roles: dict[tuple[str, str], Role] = {}
        self.readers: dict[str, set[str]] = {}
        self.unreachable: set[str] = set()
        self.lacking: dict[str, tuple[str, ...]] = {}
        self.locked: set[str] = set()
        self.archived: set[str] = set()
        self.slow_s: dict[str, int] = {}
        self.files: dict[str, bytes] = {}
        self.fetched: list[str] = []
        self._in_channel: dict[str, list[Posted]] = {}
        self._by_key: dict[str, MessageRef] = {}
        self._threads: dict[str, Channel] = {}
        self._done: set[str] = set()
        self._muted_until: dict[Identity, datetime] = {}
        self._outside: set[Identity] = set()
        self._limits: dict[str, Window] = {}
        self._next_id = 0
        self._news = asyncio.Event()
        self._rights = News()
        self.refusals = 0

    # Members and places

    def channel(
        self,
        name: str = "general",
        *,
        thread: str | None = None,
        private: bool = False,
        community: str | None = None,
    ) -> Channel:
        """A place by name, made when it is first asked for."""
        place = Channel(self.platform, community or self.community, name, thread, private)
        return self.channels.setdefault(place.key, place)

    def member(self, name: str, role: Role = Role.MEMBER, *, is_bot: bool = False) -> Author:
        """A person (or bot) by name; the role holds in the world's own community."""
        self.roles[(self.community, name)] = role
        return Author(self.platform, name, name, is_bot)

    def close_to_all_but(self, channel: Channel, *readers: Author) -> None:
        """From now on only these members may read a channel."""
        self.readers[channel.key] = {reader.id for reader in readers}

    def take_away(self, channel: Channel, *permissions: str) -> None:
        """From now on the bot lacks these there, and no others."""
        self.lacking[channel.key] = permissions
        self._rights.tell()

    def may_write(self, author: Author, channel: Channel | None = None) -> bool:
        """False while timed out, after a kick or ban, and where it is locked; nothing else enforces it."""
        until = self._muted_until.get(author.identity)
        shut = channel is not None and channel.key in self.locked
        return not shut and author.identity not in self._outside and (until is None or until <= self.now())

    # What members do

    def say(
        self,
        author: Author,
        channel: Channel,
        text: str,
        *,
        addressed: str | None = None,
        reply_to: str | None = None,
        notice: bool = False,
        locale: str | None = None,
        at: datetime | None = None,
        files: Sequence[tuple[str, bytes]] = (),
    ) -> Message:
        """A member writes. `@<bot's name>` addresses the bot, and so does every private message.

        Args:
            files: names and contents of what is attached.
        """
        if addressed is None:
            addressed = self._addressed(text, private=channel.private)
        ref = MessageRef(channel, self._new_id())
        attached = tuple(self._attach(name, content) for name, content in files)
        message = Message(
            ref, author, text, at or self.now(), addressed, reply_to, attached, notice=notice, locale=locale
        )
        self._keep(Posted(message, [text]))
        self._happened(message)
        return message

    def edit(self, message: Message, text: str, files: Sequence[Attachment] | None = None) -> Edit:
        """The author writes another text in the place of a message, and keeps all files of it, or these."""
        posted = self.messages[message.ref]
        addressed = self._addressed(text, private=message.ref.channel.private)
        posted.message = replace(posted.message, text=text, addressed=addressed)
        if files is not None:
            posted.message = replace(posted.message, attachments=tuple(files))
        posted.texts.append(text)
        return self._happened(Edit(posted.message, version=str(len(posted.texts))))

    def delete(self, ref: MessageRef) -> Deletion:
        """Somebody removes a message."""
        self.messages[ref].deleted = True
        return self._happened(Deletion(ref, self.now()))

    def react(self, author: Author, ref: MessageRef, emoji: str, *, added: bool = True) -> Reaction:
        """A member adds an emoji or takes it back."""
        reactions = self.messages[ref].reactions
        (reactions.add if added else reactions.discard)((author.id, emoji))
        return self._happened(Reaction(ref, author, emoji, added, self.now()))

    def join(self, author: Author, channel: Channel) -> Join:
        """Somebody comes into the community."""
        self._outside.discard(author.identity)
        return self._happened(Join(channel, author, self.now()))

    def open_thread(self, author: Author, channel: Channel, title: str) -> ThreadOpened:
        """A member opens a thread; its place is in the event."""
        place = self.channel(
            channel.id, thread=self._new_id(), private=channel.private, community=channel.community
        )
        return self._happened(ThreadOpened(place, author, title, self.now()))

    def close_thread(self, thread: Channel, *, closed: bool = True) -> ThreadClosed:
        """A moderator locks a thread, or opens it again."""
        return self._happened(ThreadClosed(thread, closed, self.now()))

    def invoke(
        self,
        author: Author,
        channel: Channel,
        *command: str,
        arguments: Mapping[str, object] | None = None,
        target: MessageRef | None = None,
        locale: str | None = None,
    ) -> Invocation:
        """A member calls a command from the platform's menu."""
        call = Invocation(
            self._new_id(), channel, author, command, self.now(), dict(arguments or {}), target, locale
        )
        return self._happened(call)

    # What people can see

    def shown(self, channel: Channel) -> list[Posted]:
        """Messages that stand in a channel, oldest first."""
        return [p for p in self._in_channel.get(channel.key, ()) if not p.deleted and not p.hidden]

    def answers(self, channel: Channel) -> list[str]:
        """The texts of the bot that stand in a channel, oldest first."""
        return [p.text for p in self.shown(channel) if p.message.author == self.bot]

    async def changed(self) -> None:
        """Wait for the next event, message, edit or act."""
        await self._news.wait()

    # What the bot's connection does

    async def head(self) -> int:
        """The cursor after everything that happened so far."""
        return len(self.log)

    async def read(self, cursor: int, most: int) -> Sequence[Event]:
        """Events after a cursor, as soon as there is one, at most `most`."""
        while cursor >= len(self.log):
            await self._news.wait()
        return self.log[cursor : cursor + most]

    async def send(
        self, channel: Channel, text: str, key: str, reply_to: str | None, private_to: str | None
    ) -> str:
        """Post a message; a key that was used before gives the id of the message it made."""
        await self._arrive(channel)
        if not text.strip() or len(text) > self.message_limit:
            raise PlatformError(f"a message has 1 to {self.message_limit} characters, not {len(text)}")
        ref = self._by_key.get(key)
        if ref is None:
            ref = MessageRef(channel, self._new_id())
            message = Message(ref, self.bot, text, self.now(), reply_to=reply_to)
            self._by_key[key] = ref
            self._keep(Posted(message, [text], key, private_to))
            self._tell()
        self._answer()
        return ref.id

    async def send_file(self, channel: Channel, file: File, key: str, private_to: str | None) -> str:
        """Post a message with a file, of which `text` says what it shows."""
        sent = await self.send(channel, file.alt, key, None, private_to)
        self.messages[MessageRef(channel, sent)].file = file
        return sent

    async def find(self, key: str) -> str | None:
        """The id of the message that a key made."""
        ref = self._by_key.get(key)
        return None if ref is None or self.messages[ref].deleted else ref.id

    async def rewrite(self, ref: MessageRef, text: str) -> None:
        """Give one of the bot's messages a new text."""
        await self._arrive(ref.channel)
        posted = self.messages.get(ref)
        if posted is None or posted.deleted:
            raise Gone(f"no message {ref.id}")
        if not text.strip() or len(text) > self.message_limit:
            raise PlatformError(f"a message has 1 to {self.message_limit} characters, not {len(text)}")
        if posted.message.author != self.bot:
            raise Forbidden("only the author edits a message")
        posted.texts.append(text)
        posted.message = replace(posted.message, text=text)
        self._tell()
        self._answer()

    async def act(self, action: Act, key: str) -> None:
        """Carry out an action that makes no message, once for each key."""
        channel = _place(action)
        await self._arrive(channel)
        if (lacks := await self.hindrance(action)) is not None:
            self.refusals += 1
            raise Forbidden(lacks)
        if key not in self._done:
            self._carry_out(action)
            self._done.add(key)
            self.acts.append(action)
            self._tell()
        self._answer()

    async def begin_thread(self, channel: Channel, title: str, key: str, on: str | None) -> Channel:
        """Open a thread of the bot's, on a message or not; a key that was used before gives the same."""
        await self._arrive(channel)
        if on is not None and self.messages.get(MessageRef(channel, on)) is None:
            raise Gone(f"no message {on}")
        if key not in self._threads:
            place = replace(channel, thread=on or self._new_id())
            self._threads[key] = self.channels.setdefault(place.key, place)
            self._happened(ThreadOpened(place, self.bot, title, self.now()))
        self._answer()
        return self._threads[key]

    async def open_private(self, member: Author) -> Channel:
        """The private conversation with a member, unless they are among the `unreachable`."""
        if member.id in self.unreachable:
            raise Closed(f"{member.id} takes no private messages")
        return self.channel(member.id, private=True)

    async def role(self, author: Author, channel: Channel) -> Role:
        """The author's role in the channel's community."""
        return self.roles.get((channel.community, author.id), Role.MEMBER)

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        """Channels of a community that are open, or open to the author."""
        return [
            channel
            for channel in self.channels.values()
            if channel.community == community
            and not channel.private
            and author.id in self.readers.get(channel.parent.key, {author.id})
        ]

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        """The channel or thread of that id, if it is open to the author."""
        readable = await self.readable_channels(author, community)
        return next((place for place in readable if id == (place.thread or place.id)), None)

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        """Threads that are open to the author, and their titles, newest first."""
        readable = {channel.key for channel in await self.readable_channels(author, community)}
        opened = (event for event in reversed(self.log) if isinstance(event, ThreadOpened))
        return [(each.channel, each.title) for each in opened if each.channel.key in readable]

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        """Channels that everybody may read who may read this one."""
        readers = self.readers.get(channel.parent.key)
        return [
            each
            for each in self.channels.values()
            if each.community == channel.community
            and not (each.private or each.thread)
            and (
                each.key not in self.readers
                or (readers is not None and readers <= self.readers[each.key])
                or each == channel.parent
            )
        ]

    async def is_shared(self, thread: Channel) -> bool:
        """Whether a thread stands and was not closed to some."""
        return thread.key in self.channels and (thread.thread is None or thread.key not in self.readers)

    async def history(self, channel: Channel, since: datetime, after: int, most: int) -> Sequence[Message]:
        """A page of a channel's messages that stand, oldest first: at most `most` after the first `after`."""
        root = self.messages.get(MessageRef(channel.parent, channel.thread or ""))
        shown = [
            *([root] if root is not None and not (root.deleted or root.hidden) else []),
            *self.shown(channel),
        ]
        standing = [p.message for p in shown if p.message.at > since]
        return standing[after : after + most]

    async def past(self, channel: Channel, since: datetime, after: int, most: int) -> Sequence[Event]:
        """A page of what happened in a channel and its threads and still stands, oldest first."""
        events = [
            event
            for event in self.log
            if place_of(event).parent.key == channel.parent.key and self._stands(event, since)
        ]
        return events[after : after + most]

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        """The threads of a channel in which something was said since."""
        return [
            place
            for place in self.channels.values()
            if place.thread is not None
            and place.parent.key == channel.key
            and await self.is_shared(place)
            and any(posted.message.at > since for posted in self.shown(place))
        ]

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        """What the bot may not do there."""
        return self.lacking.get(channel.key, ())

    async def hindrance(self, action: Act) -> str | None:
        """The permission that the bot lacks for an action, and where."""
        channel, takes = _place(action), TAKES.get(type(action))
        return f"“{takes}” in #{channel.id}" if takes in self.lacking.get(channel.key, ()) else None

    async def rights_changed(self) -> None:
        """Return when the bot got permissions, or lost some."""
        await self._rights.wait()

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """The files of a message that stands."""
        posted = self.messages.get(ref)
        if posted is None or posted.deleted:
            raise Gone(f"no message {ref.id}")
        return posted.message.attachments

    async def fetch(self, file: Attachment, most_bytes: int) -> bytes:
        """The content of a file."""
        await asyncio.sleep(self.faults.slow_s)
        self.fetched.append(file.name)
        if self.faults.refuse_files:
            raise self.faults.refuse_files.pop(0)
        if file.url not in self.files:
            raise Gone(f"no file {file.url}")
        if len(self.files[file.url]) > most_bytes:
            raise TooBig(f"the file has more than {most_bytes} bytes")
        return self.files[file.url]

    # Inside

    def _attach(self, name: str, content: bytes) -> Attachment:
        id = self._new_id()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = Attachment(id, name, kind, len(content), f"{self.platform}://files/{id}/{name}")
        self.files[file.url] = content
        return file

    def _stands(self, event: Event, since: datetime) -> bool:
        match event:
            case Message(ref=ref, at=at):
                return at > since and not self.messages[ref].deleted
            case Reaction(ref=ref, author=author, emoji=emoji, added=added, at=at):
                posted = self.messages[ref]
                return added and at > since and not posted.deleted and (author.id, emoji) in posted.reactions
            case ThreadOpened(at=at):
                return at > since
            case _:
                return False

    def _addressed(self, text: str, *, private: bool) -> str | None:
        mention = re.compile(rf"@{re.escape(self.bot.name)}\b[:,]?\s*")
        if mention.search(text):
            return mention.sub("", text).strip()
        return text if private else None

    def _new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id)

    def _keep(self, posted: Posted) -> None:
        self.channels.setdefault(posted.message.ref.channel.key, posted.message.ref.channel)
        self.messages[posted.message.ref] = posted
        self._in_channel.setdefault(posted.message.ref.channel.key, []).append(posted)

    def _happened(self, event: E) -> E:
        self.log.append(event)
        self._tell()
        return event

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _arrive(self, channel: Channel) -> None:
        await asyncio.sleep(self.faults.slow_s)
        if self.faults.refuse:
            raise self.faults.refuse.pop(0)
        if self.faults.limit is not None:
            limit = self._limits.setdefault(channel.key, self.faults.limit())
            now = asyncio.get_running_loop().time()
            if limit.ready_at(now) > now:
                raise RateLimited(limit.ready_at(now) - now)
            limit.take(now)

    def _answer(self) -> None:
        if self.faults.random.random() < self.faults.lose_answers:
            raise PlatformError("the connection broke before the answer")

    def _carry_out(self, action: Act) -> None:
        match action:
            case Delete(ref=ref) | Hide(ref=ref) | React(ref=ref) | Pin(ref=ref):
                self._change(action, ref)
            case Purge(channel=channel, message_ids=ids):
                for message_id in ids:
                    posted = self.messages.get(MessageRef(channel, message_id))
                    if posted is not None and not posted.deleted:
                        self.delete(posted.message.ref)
            case Timeout() | Kick() | Ban() | Unban():
                self._change_member(action)
            case Lock() | SlowMode() | Archive():
                self._change_place(action)
            case Alert():
                pass

    def _change_member(self, action: Timeout | Kick | Ban | Unban) -> None:
        match action:
            case Timeout(author=author, duration_s=duration_s):
                self._muted_until[author.identity] = self.now() + timedelta(seconds=duration_s)
            case Kick(author=author) | Ban(author=author):
                self._outside.add(author.identity)
            case Unban(author=author):
                self._outside.discard(author.identity)

    def _change_place(self, action: Lock | SlowMode | Archive) -> None:
        match action:
            case Lock(channel=channel, locked=locked):
                (self.locked.add if locked else self.locked.discard)(channel.key)
                if channel.thread is not None:
                    self.close_thread(channel, closed=locked)
            case SlowMode(channel=channel, seconds=seconds):
                self.slow_s[channel.key] = seconds
            case Archive(channel=channel):
                if channel.thread is None:
                    raise Unsupported("only a thread can be archived")
                self.archived.add(channel.key)

    def _change(self, action: Delete | Hide | React | Pin, ref: MessageRef) -> None:
        posted = self.messages.get(ref)
        if posted is None or posted.deleted:
            raise Gone(f"no message {ref.id}")
        match action:
            case Delete():
                self.delete(ref)
            case Hide():
                posted.hidden = True
            case Pin(pinned=pinned):
                posted.pinned = pinned
            case React(emoji=emoji):
                posted.reactions.add((self.bot.id, emoji))


def _place(action: Act) -> Channel:
    return action.channel if isinstance(action, Alert) else target_of(action)
