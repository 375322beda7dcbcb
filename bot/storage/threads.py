"""Threads of communities and who touched them: openings, replies, reactions.

No text of a message is kept here but the title of a thread, sealed; a person is a pseudonym. One row stands
for each single touch, so that it can go alone when its reaction is taken back or its message deleted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, ColumnElement, Text, and_, or_, select, type_coerce
from sqlalchemy import Row as SqlRow

from bot.core.errors import ValueUnreadable
from bot.core.events import Channel
from bot.storage.messages import Refuses
from bot.storage.reader import Reader
from bot.storage.schema import interactions, threads
from bot.storage.seal import Seal
from bot.storage.writer import Row, Write, Writer
from bot.storage.writes import Writes

TouchKind = Literal["opening", "reply", "reaction"]
"""A member opened the thread, wrote in it, reacted to a message of it, followed a link of ours to it."""

FADED_AFTER = 4
"""Half-lives after which a touch says a sixteenth of what it said, and is deleted."""


@dataclass(frozen=True, slots=True)
class ThreadRef:
    """A thread: one of the platform's, or a message of a channel with what refers to it.

    Attributes:
        community: "platform/community".
        channel: key of the channel it stands in.
        id: the platform's id of the thread, or of that message; unique in the channel.
        first_message: its opening, None while unknown.
        title: "" where it has none.
        author: pseudonym of who opened it, "" if unknown.
        in_channel: it is a message of the channel itself.
        fleeting: the title comes from an encrypted room and ends with this process.
        closed: nobody can write in it any more.
    """

    community: str
    channel: str
    id: str
    opened_at: datetime
    first_message: str | None = None
    title: str = ""
    author: str = ""
    in_channel: bool = False
    fleeting: bool = False
    closed: bool = False

    @property
    def key(self) -> str:
        """One string per thread."""
        return f"{self.channel}/{self.id}"

    @property
    def platform(self) -> str:
        """The platform it stands on."""
        return self.community.partition("/")[0]

    @property
    def place(self) -> Channel:
        """Where its messages stand."""
        platform, _slash, community = self.community.partition("/")
        channel = self.channel.removeprefix(f"{self.community}/")
        return Channel(platform, community, channel, None if self.in_channel else self.id)


@dataclass(frozen=True, slots=True)
class Touch:
    """A member touched a thread.

    Attributes:
        channel, thread: which one, see `ThreadRef`.
        member: pseudonym.
        message: id of the message that was written or reacted to.
        emoji: of a reaction, else "".
    """

    channel: str
    thread: str
    member: str
    kind: TouchKind
    at: datetime
    message: str = ""
    emoji: str = ""

    @property
    def thread_key(self) -> str:
        """See `ThreadRef.key`."""
        return f"{self.channel}/{self.thread}"

    @property
    def name(self) -> tuple[str, str, str, str, str, str]:
        """What tells it from every other touch; the time does not."""
        return (self.channel, self.thread, self.member, self.kind, self.message, self.emoji)


@dataclass(frozen=True, slots=True)
class Noted:
    """What some events say about threads.

    Attributes:
        threads: that there are, or of which more is known now.
        touched, untouched: touches that came, and that were taken back.
        gone: (channel, id) of threads that were deleted; everything about them goes.
    """

    threads: tuple[ThreadRef, ...] = ()
    touched: tuple[Touch, ...] = ()
    untouched: tuple[Touch, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.threads or self.touched or self.untouched or self.gone)


NOTHING_NOTED = Noted()

Count = tuple[int, str, str, str, int]
"""(number of a thread, member, kind, emoji, microseconds since 1970)."""


class Threads:
    """Threads and touches. What events say comes in through `Store.settle`."""

    def __init__(self, reader: Reader, writer: Writer, writes: Writes, seal: Seal, refuses: Refuses) -> None:
        """Args: refuses: whether nothing may be kept of what this person did then."""
        self._reader, self._writer, self._writes = reader, writer, writes
        self._seal, self._refuses = seal, refuses

    async def write(self, noted: Noted) -> None:
        """Store what is known otherwise than from events; durable on return.

        Raises:
            StorageError: nothing of it was written.
        """
        await self._writer.write(self.rows(noted))

    # What there is

    async def known(self, channel: str, ids: Collection[str]) -> Sequence[ThreadRef]:
        """The threads of a channel that have these ids or begin with these messages."""
        either = or_(threads.c.thread.in_(ids), threads.c.first_message.in_(ids))
        return await self._found(threads.c.channel_key == channel, either)

    async def of(self, community: str, after: int, most: int) -> Sequence[tuple[int, ThreadRef]]:
        """So many threads of a community with their numbers, which ascend, behind a number."""
        query = select(threads).where(threads.c.community == community, threads.c.seq > after)
        rows = await self._reader.rows(query.order_by(threads.c.seq).limit(most))
        return [(row._mapping["seq"], self._thread(row)) for row in rows]

    async def communities(self) -> Sequence[str]:
        """Those that have threads."""
        rows = await self._reader.rows(select(threads.c.community).distinct())
        return [row[0] for row in rows]

    async def counts(self, community: str, first: int, last: int) -> Sequence[Count]:
        """All touches of the threads of a community whose numbers lie between two."""
        joined = threads.join(
            interactions,
            and_(
                threads.c.channel_key == interactions.c.channel_key,
                threads.c.thread == interactions.c.thread,
            ),
        )
        query = (
            select(
                threads.c.seq,
                type_coerce(interactions.c.member, Text),
                type_coerce(interactions.c.kind, Text),
                interactions.c.emoji,
                type_coerce(interactions.c.at, BigInteger),
            )
            .select_from(joined)  # plain types above: a million values are read without being looked at
            .where(threads.c.community == community, threads.c.seq.between(first, last))
        )
        return await self._reader.rows(query)

    async def touches(self, channel: str, messages: Collection[str]) -> Sequence[Touch]:
        """What touches are about messages of a channel."""
        about = interactions.c.message_id.in_(messages)
        return await self._touched(interactions.c.channel_key == channel, about)

    async def between(self, member: str, thread: ThreadRef) -> Sequence[Touch]:
        """The touches of one member and thread."""
        return await self._touched(
            interactions.c.channel_key == thread.channel,
            interactions.c.thread == thread.id,
            interactions.c.member == member,
        )

    async def by(self, member: str) -> Sequence[Touch]:
        """All touches of a member, in all communities."""
        return await self._touched(interactions.c.member == member)

    # What is written

    def rows(self, noted: Noted) -> dict[Write, list[Row]]:
        """Rows for the writer, without what may not be kept."""
        writes = self._writes
        touched = [touch for touch in noted.touched if not self._refuses(touch.member, touch.at)]
        gone: list[Row] = [{"b_channel": channel, "b_thread": thread} for channel, thread in noted.gone]
        return {
            writes.open_thread: [self._row(self.keepable(thread)) for thread in noted.threads],
            writes.touch: [_touch_row(touch) for touch in touched],
            writes.untouch: [_name_row(touch) for touch in noted.untouched],
            writes.untouch_all: gone,
            writes.end_thread: gone,
        }

    def keepable(self, thread: ThreadRef) -> ThreadRef:
        """What may be kept of a thread: neither who opened it nor its title, if they were forgotten since."""
        if thread.author and self._refuses(thread.author, thread.opened_at):
            return replace(thread, author="", title="")
        return thread

    def _row(self, thread: ThreadRef) -> Row:
        title = self._seal.seal(thread.title, fleeting=thread.fleeting) if thread.title else None
        return {
            "community": thread.community,
            "channel_key": thread.channel,
            "thread": thread.id,
            "first_message": thread.first_message,
            "title": title,
            "author": thread.author,
            "opened_at": thread.opened_at,
            "in_channel": thread.in_channel,
            "closed": thread.closed,
        }

    async def _found(self, *where: ColumnElement[bool]) -> list[ThreadRef]:
        return [self._thread(row) for row in await self._reader.rows(select(threads).where(*where))]

    def _thread(self, row: SqlRow[tuple[object, ...]]) -> ThreadRef:
        found = row._mapping
        return ThreadRef(
            community=found["community"],
            channel=found["channel_key"],
            id=found["thread"],
            opened_at=found["opened_at"],
            first_message=found["first_message"],
            title=self._title(found["title"]),
            author=found["author"],
            in_channel=bool(found["in_channel"]),
            closed=bool(found["closed"]),
        )

    def _title(self, sealed: bytes | None) -> str:
        try:
            return "" if sealed is None else self._seal.open(sealed)
        except ValueUnreadable:  # it ended with the process that heard it, or was damaged: a link is left
            return ""

    async def _touched(self, *where: ColumnElement[bool]) -> list[Touch]:
        query = select(
            interactions.c.channel_key,
            interactions.c.thread,
            interactions.c.member,
            interactions.c.kind,
            interactions.c.at,
            interactions.c.message_id,
            interactions.c.emoji,
        ).where(*where)
        return [Touch(*row) for row in await self._reader.rows(query)]


def _name_row(touch: Touch) -> Row:
    names = ("b_channel", "b_thread", "b_member", "b_kind", "b_message", "b_emoji")
    return dict(zip(names, touch.name, strict=True))


def _touch_row(touch: Touch) -> Row:
    return {
        "channel_key": touch.channel,
        "thread": touch.thread,
        "member": touch.member,
        "kind": touch.kind,
        "message_id": touch.message,
        "emoji": touch.emoji,
        "at": touch.at,
    }
