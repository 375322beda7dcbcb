"""A synthetic community, written for this project, that ends "now".

The files in `data` hold members, channels, threads, messages and reactions as JSON lines; times in them are
seconds since the first day. `Community.events` replays all of it as core events, so that the memory platform,
the console and benchmarks meet a community of ninety days instead of an empty room.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from operator import attrgetter, itemgetter
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ConfigDict, TypeAdapter

from bot.core.events import (
    Author,
    Channel,
    Deletion,
    Edit,
    Event,
    Message,
    MessageRef,
    Reaction,
    ThreadOpened,
)
from bot.core.permissions import Role

COMMUNITY_ID = "lamplight"
SPAN_S = 90 * 86_400
"""Length of the recorded time; everything lies in 0..SPAN_S."""

_Item = TypeVar("_Item")
_NamedRole = Annotated[Role, BeforeValidator(lambda name: Role[name.upper()])]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the community.

    Attributes:
        joined: seconds since the first day; negative for those who were there before.
        tastes: how much each topic draws them, 0..1; absent topics hardly do.
    """

    id: str
    name: str
    language: str
    role: _NamedRole
    joined: int
    about: str
    tastes: Mapping[str, float]
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class SampleChannel:
    """A channel; `role` is the least role that may read it."""

    id: str
    name: str
    topic: str
    role: _NamedRole


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread; its opening post is its first message.

    Attributes:
        kind: "technical" (a question with general knowledge as answer), "house" (only this community knows),
            "talk", "unanswered" or "spam".
        topics: what it is about, in the words of `Member.tastes`.
    """

    id: str
    channel: str
    author: str
    at: int
    language: str
    kind: str
    title: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleEdit:
    """A later text of a message."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class SampleMessage:
    """A message as first posted.

    Attributes:
        labels: of "spam", "rude", "low_effort", "answers" (it answers the message it replies to).
        duplicate_of: id of the earlier thread in which this question was already asked.
        edits: later texts, oldest first.
        deleted_at: when it was removed, or None.
    """

    id: str
    thread: str
    channel: str
    author: str
    at: int
    text: str
    reply_to: str | None = None
    labels: frozenset[str] = frozenset()
    duplicate_of: str | None = None
    edits: tuple[SampleEdit, ...] = ()
    deleted_at: int | None = None

    @property
    def final_text(self) -> str:
        """The text after all edits."""
        return self.edits[-1].text if self.edits else self.text


@dataclass(frozen=True, slots=True)
class SampleReaction:
    """An emoji on a message; `removed_at` when its author took it back."""

    message: str
    author: str
    emoji: str
    at: int
    removed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Community:
    """Everything, each collection in order of time where it has one."""

    members: Mapping[str, Member]
    channels: Mapping[str, SampleChannel]
    threads: Mapping[str, Thread]
    messages: Mapping[str, SampleMessage]
    reactions: tuple[SampleReaction, ...]

    def readable_channels(self, member: str) -> tuple[SampleChannel, ...]:
        """The channels a member may read; people from outside read what a plain member reads."""
        role = self.members[member].role if member in self.members else Role.MEMBER
        return tuple(channel for channel in self.channels.values() if channel.role <= role)

    def messages_of(self, thread: str) -> tuple[SampleMessage, ...]:
        """The messages of a thread, the opening post first."""
        return tuple(message for message in self.messages.values() if message.thread == thread)

    def events(self, end: datetime, platform: str = "sample") -> Iterator[Event]:
        """Replay everything in order of time, shifted so that the ninety days end at `end`.

        Ids depend on neither `end` nor the process. Of things of one second, causes come before effects.
        """
        start = end - timedelta(seconds=SPAN_S)
        timeline = [*self._thread_events(start, platform), *self._message_events(start, platform)]
        timeline.extend(self._reaction_events(start, platform))
        timeline.sort(key=itemgetter(0))
        return (event for _, event in timeline)

    def author(self, member: str, platform: str = "sample") -> Author:
        """A member as the core sees them."""
        found = self.members[member]
        return Author(platform, found.id, found.name, found.is_bot)

    def place(self, thread: str, platform: str = "sample") -> Channel:
        """A thread as the core sees it."""
        return Channel(platform, COMMUNITY_ID, self.threads[thread].channel, thread)

    def ref(self, message: str, platform: str = "sample") -> MessageRef:
        """Where a message stands."""
        return MessageRef(self.place(self.messages[message].thread, platform), message)

    def _thread_events(self, start: datetime, platform: str) -> Iterator[tuple[int, Event]]:
        for thread in self.threads.values():
            place, author = self.place(thread.id, platform), self.author(thread.author, platform)
            yield thread.at, ThreadOpened(place, author, thread.title, start + timedelta(seconds=thread.at))

    def _message_events(self, start: datetime, platform: str) -> Iterator[tuple[int, Event]]:
        for said in self.messages.values():
            ref, author = self.ref(said.id, platform), self.author(said.author, platform)
            locale = "zh-CN" if self.members[said.author].language == "zh" else "en"
            at = start + timedelta(seconds=said.at)
            yield said.at, Message(ref, author, said.text, at, reply_to=said.reply_to, locale=locale)
            for version, edit in enumerate(said.edits, start=1):
                edited_at = start + timedelta(seconds=edit.at)
                newer = Message(ref, author, edit.text, edited_at, reply_to=said.reply_to, locale=locale)
                yield edit.at, Edit(newer, str(version))
            if said.deleted_at is not None:
                yield said.deleted_at, Deletion(ref, start + timedelta(seconds=said.deleted_at))

    def _reaction_events(self, start: datetime, platform: str) -> Iterator[tuple[int, Event]]:
        for given in self.reactions:
            ref, author = self.ref(given.message, platform), self.author(given.author, platform)
            at = start + timedelta(seconds=given.at)
            yield given.at, Reaction(ref, author, given.emoji, True, at)
            if given.removed_at is not None:
                gone = start + timedelta(seconds=given.removed_at)
                yield given.removed_at, Reaction(ref, author, given.emoji, False, gone)


@dataclass(frozen=True, slots=True)
class _Given:
    """A line of reactions.jsonl: author, emoji, when, and when it was taken back, of one message."""

    message: str
    given: tuple[tuple[str, str, int] | tuple[str, str, int, int], ...]


@cache
def load() -> Community:
    """Read the community; once for each process."""
    by_time = attrgetter("at")
    channels = _lines("channels.jsonl", SampleChannel)
    messages = [said for channel in channels for said in _lines(f"{channel.id}.jsonl", SampleMessage)]
    reactions = [
        SampleReaction(row.message, *given)
        for row in _lines("reactions.jsonl", _Given)
        for given in row.given
    ]
    return Community(
        members={member.id: member for member in _lines("members.jsonl", Member)},
        channels={channel.id: channel for channel in channels},
        threads={thread.id: thread for thread in sorted(_lines("threads.jsonl", Thread), key=by_time)},
        messages={said.id: said for said in sorted(messages, key=by_time)},
        reactions=tuple(sorted(reactions, key=by_time)),
    )


def _lines(name: str, kind: type[_Item]) -> list[_Item]:
    text = (files(__package__) / "data" / name).read_text(encoding="utf-8")
    rows: TypeAdapter[list[_Item]] = TypeAdapter(list[kind], config=ConfigDict(extra="forbid"))  # type: ignore[valid-type]
    return rows.validate_json("[" + ",".join(text.splitlines()) + "]")
