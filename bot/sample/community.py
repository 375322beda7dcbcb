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

    def events(
        self, end: datetime, platform: str = "sample", community: str = COMMUNITY_ID
    ) -> Iterator[Event]:
        """Replay everything in order of time, shifted so that the ninety days end at `end`.

        Ids depend on neither `end` nor the process. Of things of one second, causes come before effects.
        """
        return _Replay(self, end - timedelta(seconds=SPAN_S), platform, community).events()

    def standing(
        self, end: datetime, platform: str = "sample", community: str = COMMUNITY_ID
    ) -> Iterator[Message]:
        """What a newcomer reads at `end`, in order of time: last versions, without what was deleted."""
        return _Replay(self, end - timedelta(seconds=SPAN_S), platform, community).standing()


@dataclass(frozen=True, slots=True)
class _Replay:
    """The community as events of a platform, from a first day on."""

    told: Community
    start: datetime
    platform: str
    community: str

    def events(self) -> Iterator[Event]:
        timeline = [*self._threads(), *self._messages(), *self._reactions()]
        timeline.sort(key=itemgetter(0))
        return (event for _, event in timeline)

    def standing(self) -> Iterator[Message]:
        return (
            self._message(said, said.at, said.final_text)
            for said in self.told.messages.values()
            if said.deleted_at is None
        )

    def _threads(self) -> Iterator[tuple[int, Event]]:
        for thread in self.told.threads.values():
            opened = ThreadOpened(
                self._place(thread.id), self._author(thread.author), thread.title, self._time(thread.at)
            )
            yield thread.at, opened

    def _messages(self) -> Iterator[tuple[int, Event]]:
        for said in self.told.messages.values():
            yield said.at, self._message(said, said.at, said.text)
            for version, edit in enumerate(said.edits, start=1):
                yield edit.at, Edit(self._message(said, edit.at, edit.text), str(version))
            if said.deleted_at is not None:
                yield said.deleted_at, Deletion(self._ref(said), self._time(said.deleted_at))

    def _reactions(self) -> Iterator[tuple[int, Event]]:
        for given in self.told.reactions:
            ref, author = self._ref(self.told.messages[given.message]), self._author(given.author)
            yield given.at, Reaction(ref, author, given.emoji, True, self._time(given.at))
            if given.removed_at is not None:
                yield (
                    given.removed_at,
                    Reaction(ref, author, given.emoji, False, self._time(given.removed_at)),
                )

    def _message(self, said: SampleMessage, at: int, text: str) -> Message:
        locale = "zh-CN" if self.told.members[said.author].language == "zh" else "en"
        author = self._author(said.author)
        return Message(self._ref(said), author, text, self._time(at), reply_to=said.reply_to, locale=locale)

    def _time(self, at: int) -> datetime:
        return self.start + timedelta(seconds=at)

    def _author(self, member: str) -> Author:
        found = self.told.members[member]
        return Author(self.platform, found.id, found.name, found.is_bot)

    def _place(self, thread: str) -> Channel:
        return Channel(self.platform, self.community, self.told.threads[thread].channel, thread)

    def _ref(self, said: SampleMessage) -> MessageRef:
        return MessageRef(self._place(said.thread), said.id)


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
