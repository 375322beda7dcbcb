"""Files of archived messages: found by name, author and time at once, by what they say when they were read.

A file goes with its message, and when a new version of that no longer has it; its passages go in the same
transaction. What is kept of one is what the platform says about it, and its text.
"""

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, delete, select, tuple_, update
from sqlalchemy import Row as SqlRow

from bot.core.errors import ValueUnreadable
from bot.core.events import Attachment, Message, MessageRef
from bot.storage.passages import FILE, Guard
from bot.storage.places import place_of
from bot.storage.reader import Reader
from bot.storage.schema import attachments, passages
from bot.storage.seal import Seal
from bot.storage.settlement import Settlement
from bot.storage.writer import Row, Rows, Writer
from bot.storage.writes import Writes

NEW, WORDS, VECTORS = range(3)
"""How far the passages of a file are, as those of messages are."""

MOST_FILES = 10
"""Of a message; Discord takes no more (Discord, "Create Message")."""

_DROPPED = 5  # in a transaction: each may have hundreds of passages

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Filed:
    """A file of an archived message.

    Attributes:
        file: which one of its message.
        channel_key: whose readers may see it.
        author: a pseudonym.
        tries: how often it could not be read so far.
        text: what it says; "" if that is not known.
        body: the same as it is stored.
    """

    ref: MessageRef
    file: str
    community: str
    channel_key: str
    document: str
    author: str
    at: datetime
    tries: int
    about: Attachment
    text: str
    body: bytes | None = field(repr=False)


class Attachments:
    """Files of archived messages; they come in with those.

    Attributes:
        news: set when there may be files to read.
    """

    def __init__(self, reader: Reader, writer: Writer, writes: Writes, seal: Seal) -> None:
        self._reader, self._writer, self._writes, self._seal = reader, writer, writes, seal
        self.news = asyncio.Event()
        self.news.set()  # an earlier process may have left something

    # What comes in

    def rows(self, done: Settlement) -> Rows:
        """What a settlement writes here."""
        writes = self._writes
        gone = [
            *(self._kept(message.ref, message.attachments) for message in done.reattached),
            *(self._kept(ref, ()) for ref in (*done.removed, *done.unarchived)),
        ]
        return {
            writes.attach: [
                row for message in (*done.archived, *done.reattached) for row in self.given(message)
            ],
            writes.unfile: gone,
            writes.detach: gone,
        }

    def given(self, message: Message) -> list[Row]:
        """The files of a message for `Writes.attach`."""
        channel = message.ref.channel
        return [
            {
                "place": channel.key,
                "message_id": message.ref.id,
                "file": (key := self._key(file)),
                "community": channel.community_key,
                "channel_key": channel.parent.key,
                "author": self._seal.pseudonym(message.author.identity),
                "at": message.at,
                "document": f"{FILE}{channel.key}/{message.ref.id}/{key}",
                "state": NEW,
                "due": message.at,
                "tries": 0,
                "payload": self._seal.seal(json.dumps(asdict(file), ensure_ascii=False)),
                "body": None,
            }
            for file in message.attachments[:MOST_FILES]
        ]

    # What becomes of it

    async def due(self, now: datetime, most: int) -> Sequence[Filed]:
        """Files that are to be read now, the newest first: those are asked about."""
        query = select(attachments).where(attachments.c.due <= now)
        return await self._files(query.order_by(attachments.c.due.desc()).limit(most))

    async def read(self, file: Filed, text: str) -> bool:
        """Keep what a file says, and read it no more; returns False if it is gone meanwhile."""
        if not text:
            return await self._change(file, {"due": None})
        return await self._change(file, {"body": self._seal.seal(text), "due": None, "state": NEW})

    async def later(self, file: Filed, due: datetime) -> bool:
        """Read a file at another time; returns False if it is gone meanwhile."""
        return await self._change(file, {"due": due, "tries": file.tries + 1})

    async def changed(self, most: int) -> Sequence[Filed]:
        """Files whose passages are not there or outdated."""
        query = select(attachments).where(attachments.c.state == NEW)
        return await self._files(query.limit(most))

    async def without_vectors(self, most: int) -> Sequence[Filed]:
        """Files that are found by words only, and are read as far as they ever will be."""
        query = select(attachments).where(attachments.c.state == WORDS, attachments.c.due.is_(None))
        return await self._files(query.limit(most))

    def shelved(self, files: Sequence[Filed], state: int) -> Guard:
        """For the transaction that stores the passages of files: notes it, unless one has changed."""

        def still(connection: Connection) -> bool:
            for file in files:
                found = connection.execute(select(attachments.c.body).where(*_this(file))).first()
                if found is None or found[0] != file.body:
                    return False
                connection.execute(update(attachments).where(*_this(file)).values(state=state))
            return True

        return still

    async def _change(self, file: Filed, values: dict[str, object]) -> bool:
        change = update(attachments).where(*_this(file)).values(**values)
        return await self._writer.call(lambda connection: connection.execute(change).rowcount) > 0

    async def _files(self, query: Select[*tuple[object, ...]]) -> Sequence[Filed]:
        return [self._filed(row) for row in await self._reader.rows(query)]

    def _filed(self, row: SqlRow[*tuple[object, ...]]) -> Filed:
        """A file as it is stored; without a name and a text if nobody can read what is stored."""
        about, text = Attachment("", "", "", 0, ""), ""
        try:
            about = Attachment(**json.loads(self._seal.open(row.payload)))
            text = "" if row.body is None else self._seal.open(row.body)
        except ValueUnreadable as error:
            _log.error("a file of an archived message is left out: %s", error, extra={"channel": row.place})
        return Filed(
            ref=MessageRef(place_of(row.community, row.channel_key, row.place), row.message_id),
            file=row.file,
            community=row.community,
            channel_key=row.channel_key,
            document=row.document,
            author=row.author,
            at=row.at,
            tries=row.tries,
            about=about,
            text=text,
            body=row.body,
        )

    def _kept(self, ref: MessageRef, files: Iterable[Attachment]) -> Row:
        kept = " ".join(map(self._key, files))
        return {"b_place": ref.channel.key, "b_id": ref.id, "b_kept": kept}

    def _key(self, file: Attachment) -> str:
        """Which file it is; the part of its address that changes from day to day does not count."""
        return self._seal.fingerprint(f"file\0{file.id}\0{file.url.partition('?')[0]}\0{file.name}")


def forget_some(connection: Connection, place: str) -> int:
    """Remove some files of a place, with what is found of them; returns how many, 0 when none is left."""
    some = select(*attachments.primary_key.columns).where(attachments.c.place == place).limit(_DROPPED)
    these = tuple_(*attachments.primary_key.columns).in_(connection.execute(some).all())
    documents = select(attachments.c.community, attachments.c.document).where(these)
    connection.execute(
        delete(passages).where(tuple_(passages.c.community, passages.c.document).in_(documents))
    )
    return connection.execute(delete(attachments).where(these)).rowcount


def _this(file: Filed) -> tuple[ColumnElement[bool], ...]:
    return (
        attachments.c.place == file.ref.channel.key,
        attachments.c.message_id == file.ref.id,
        attachments.c.file == file.file,
    )
