"""Topics of communities, as moderators keep them, and the archived conversations that may belong to them.

Which topic a conversation has is stored nowhere: it is computed of its passages, so it goes with them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, select
from sqlalchemy import Row as SqlRow

from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import archive, digests, passages, topics
from bot.storage.seal import Seal
from bot.storage.writer import Writer

_AT_ONCE = 500  # SQLite takes 999 bound values in older builds


@dataclass(frozen=True, slots=True)
class Topic:
    """What conversations may be about.

    Attributes:
        key: its name as it is compared, see `key_of`.
        examples: what somebody might write about it.
        at: when it was changed last.
    """

    key: str
    name: str
    examples: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage as part of an archived conversation.

    Attributes:
        seq: number of the passage.
        channel: key of the channel whose readers may see it.
        place: the channel or thread it stands in.
        document: the run of messages it is part of.
    """

    seq: int
    channel: str
    place: str
    document: str

    @property
    def conversation(self) -> str:
        """One name for all runs of a thread; in a channel each run is a conversation."""
        return self.document if self.place == self.channel else self.place


def key_of(name: str) -> str:
    """A name as it is compared: case and spaces do not count."""
    return "-".join(name.casefold().split())


class Topics:
    """Topics by community."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, now: Clock) -> None:
        self._reader, self._writer, self._seal, self._now = reader, writer, seal, now

    async def of(self, community: str) -> Sequence[Topic]:
        """All of a community, by name."""
        rows = await self._reader.rows(select(topics).where(topics.c.community == community))
        return sorted(map(self._topic, rows), key=lambda topic: topic.key)

    async def get(self, community: str, name: str) -> Topic | None:
        """A topic by its name."""
        this = (topics.c.community == community, topics.c.topic == key_of(name))
        row = await self._reader.first(select(topics).where(*this))
        return None if row is None else self._topic(row)

    async def put(self, community: str, name: str, examples: Sequence[str], *, actor: str, most: int) -> bool:
        """Store a topic, in place of one of the same name; durable on return.

        Args:
            actor: pseudonym of the moderator.
            most: so many topics a community may have.

        Returns:
            False if there are as many already; nothing was changed.
        """
        key = key_of(name)
        row = {
            "community": community,
            "topic": key,
            "actor": actor,
            "at": self._now(),
            "payload": self._seal.seal(
                json.dumps({"name": name, "examples": list(examples)}, ensure_ascii=False)
            ),
        }
        insert = insert_for(self._reader.dialect)(topics).values(**row)
        changed = {name: insert.excluded[name] for name in ("actor", "at", "payload")}
        insert = insert.on_conflict_do_update(index_elements=["community", "topic"], set_=changed)
        others = select(func.count()).where(topics.c.community == community, topics.c.topic != key)

        def put(connection: Connection) -> bool:
            if connection.execute(others).scalar_one() >= most:
                return False
            connection.execute(insert)
            return True

        return await self._writer.call(put)

    async def remove(self, community: str, key: str) -> Sequence[int]:
        """Remove a topic unless digests are about it.

        Returns:
            The numbers of those digests; empty if it was removed, or was not there.
        """
        this = (topics.c.community == community, topics.c.topic == key)
        using = select(digests.c.number).where(digests.c.community == community, digests.c.topic == key)

        def removed(connection: Connection) -> Sequence[int]:
            numbers = connection.execute(using.order_by(digests.c.number)).scalars().all()
            if not numbers:
                connection.execute(delete(topics).where(*this))
            return numbers

        return await self._writer.call(removed)

    async def pieces(self, community: str, after: int, most: int) -> Sequence[Piece]:
        """Passages of archived talk that came after one, oldest first."""
        runs = and_(archive.c.community == passages.c.community, archive.c.document == passages.c.document)
        place = select(archive.c.place).where(runs).limit(1).correlate(passages).scalar_subquery()
        query = (
            select(passages.c.seq, passages.c.channel_key, place, passages.c.document)
            .where(passages.c.community == community, passages.c.seq > after, passages.c.author != "")
            .order_by(passages.c.seq)
            .limit(most)
        )
        return [
            Piece(seq, channel, place or "", document)
            for seq, channel, place, document in await self._reader.rows(query)
        ]

    async def numbers(self, community: str, after: int, most: int) -> Sequence[int]:
        """The numbers of a community's passages that came after one, ascending."""
        query = (
            select(passages.c.seq)
            .where(passages.c.community == community, passages.c.seq > after)
            .order_by(passages.c.seq)
            .limit(most)
        )
        return [row[0] for row in await self._reader.rows(query)]

    async def run_of(self, place: str, message: str) -> str | None:
        """The run of messages in which one stands, None if it is not archived."""
        this = (archive.c.place == place, archive.c.message_id == message)
        row = await self._reader.first(select(archive.c.document).where(*this))
        return None if row is None else row[0]

    async def messages(self, community: str, documents: Sequence[str]) -> Sequence[tuple[str, str]]:
        """The messages of some runs: (place, id)."""
        found = list[tuple[str, str]]()
        for at in range(0, len(documents), _AT_ONCE):
            query = select(archive.c.place, archive.c.message_id).where(
                archive.c.community == community, archive.c.document.in_(documents[at : at + _AT_ONCE])
            )
            found += [(place, id) for place, id in await self._reader.rows(query)]
        return found

    def _topic(self, row: SqlRow[tuple[object, ...]]) -> Topic:
        found = row._mapping
        told = json.loads(self._seal.open(found["payload"]))
        return Topic(found["topic"], told["name"], tuple(told["examples"]), found["at"])
