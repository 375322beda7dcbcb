"""Messages of archived channels, each until it is deleted, expires or its author is forgotten.

They are what lasts; passages are made of them, by run, and made again whenever a message of a run changes.
The change itself removes the passages of its run in the same transaction, so nothing outdated is ever found.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, bindparam, delete, func, select, tuple_, update
from sqlalchemy import Row as SqlRow

from bot.core.actions import Severity
from bot.core.errors import ValueUnreadable
from bot.core.events import Attachment, Channel, Message, MessageRef
from bot.storage.attachments import Attachments, forget_some
from bot.storage.passages import Guard
from bot.storage.places import place_of
from bot.storage.reader import Reader
from bot.storage.schema import archive, cases, cursors, faq_name, passages
from bot.storage.seal import Seal
from bot.storage.settlement import Settlement
from bot.storage.writer import Row, Rows, Writer
from bot.storage.writes import Writes

NEW, WORDS, VECTORS = range(3)
"""How far the passages of a message are: not there or outdated, found by words, found by meaning too."""

RUN_GAP = timedelta(minutes=30)
"""In a channel, a longer silence ends a run; a thread is one conversation however slow it is."""
RUN_MESSAGES = 24
"""About as many passages as are read to answer from a document."""

_ARRANGED = 500
_DROPPED = 20  # runs in a transaction: a few milliseconds
_SCOPE = "archive"  # among the cursors, where platforms have their names

_log = logging.getLogger(__name__)

Refuses = Callable[[str, datetime], bool]


@dataclass(frozen=True, slots=True)
class Archived:
    """A message of a run. `author` is a pseudonym, `sealed` the text as it is stored."""

    ref: MessageRef
    author: str
    at: datetime
    text: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """Messages that follow each other, oldest first: what becomes a document.

    Attributes:
        channel_key: whose readers may see it.
    """

    community: str
    document: str
    channel_key: str
    messages: tuple[Archived, ...]


@dataclass(slots=True)
class _Growing:
    """The run that the next message of a place may belong to."""

    document: str
    last: datetime
    count: int
    endless: bool

    def takes(self, at: datetime) -> bool:
        return self.count < RUN_MESSAGES and (self.endless or at - self.last <= RUN_GAP)


class Archive:
    """Archived messages; live ones come in through `Store.settle`, older ones through `add`.

    Attributes:
        attachments: the files of these messages.
        news: set when something may have changed that `changed` tells.
    """

    def __init__(self, reader: Reader, writer: Writer, writes: Writes, seal: Seal, refuses: Refuses) -> None:
        """Args: refuses: whether nothing may be kept of what this person wrote then."""
        self._reader, self._writer, self._writes, self._seal = reader, writer, writes, seal
        self._refuses = refuses
        self._readers = 0
        self._meanwhile: dict[tuple[str, str], bytes | None] = {}
        self._files_meanwhile: dict[tuple[str, str], tuple[Attachment, ...]] = {}
        self.attachments = Attachments(reader, writer, writes, seal)
        self.news = asyncio.Event()
        self.news.set()  # an earlier process may have left something

    # What comes in

    def rows(self, done: Settlement) -> Rows:
        """What a settlement writes here."""
        writes = self._writes
        gone = [_this(ref) for ref in (*done.removed, *done.unarchived)]
        edited = [(_this(ref), self._seal.seal(text)) for ref, text in done.edited]
        if self._readers:
            changes = [*edited, *((each, None) for each in gone)]
            self._meanwhile.update({(each["b_place"], each["b_id"]): body for each, body in changes})
            self._files_meanwhile.update({_key(each.ref): each.attachments for each in done.reattached})
        changed = [*(each for each, _body in edited), *gone]
        return {
            writes.archive: [row for message in done.archived if (row := self._row(message)) is not None],
            writes.rearchive: [{**each, "b_body": body} for each, body in edited],
            writes.reread: changed,
            writes.unshelve: changed,
            writes.unarchive: gone,
            **self.attachments.rows(done),
            writes.unfaq: [_faq(ref) for ref in (*(ref for ref, _text in done.edited), *done.removed)],
        }

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While somebody reads history: what changes meanwhile is known when its old version is added."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers:
                self._meanwhile.clear()
                self._files_meanwhile.clear()

    async def add(self, messages: Iterable[Message], channel: Channel, read_to: str) -> int:
        """Add messages from a platform's history that are not known, and note how far it was read.

        What moderation took away or put into its queue stays out. Returns how many were added.
        """
        rows, files = list[dict[str, object]](), dict[tuple[str, str], Sequence[Row]]()
        for message in messages:
            row, key = self._row(message), _key(message.ref)
            if row is None or self._meanwhile.get(key, b"") is None:
                continue
            rows.append({**row, "body": self._meanwhile.get(key, row["body"])})
            now = self._files_meanwhile.get(key, message.attachments)
            files[key] = self.attachments.given(replace(message, attachments=now))
        mark = {"platform": _SCOPE, "scope": channel.key, "value": read_to}
        added = await self._writer.call(lambda connection: self._add(connection, rows, files, mark))
        if added:
            self.news.set()
            self.attachments.news.set()
        return added

    async def read_to(self, channel: Channel) -> str | None:
        """How far the history of a place was read; what `add` was told last."""
        query = select(cursors.c.value).where(cursors.c.platform == _SCOPE, cursors.c.scope == channel.key)
        found = await self._reader.first(query)
        return None if found is None else found[0]

    # What becomes of it

    async def arrange(self) -> bool:
        """Tell of some new messages which runs they are part of; False when there are none."""
        return await self._writer.call(_arrange)

    async def changed(self, most: int) -> Sequence[Run]:
        """Runs whose passages are not there or outdated."""
        some = select(archive.c.community, archive.c.document).where(
            archive.c.state == NEW, archive.c.document.is_not(None)
        )
        return await self._runs(await self._reader.rows(some.distinct().limit(most)))

    async def without_vectors(self, quiet_since: datetime, most: int) -> Sequence[Run]:
        """Runs that are found by words only, and grow no more."""
        some = (
            select(archive.c.community, archive.c.document)
            .where(archive.c.state == WORDS)
            .group_by(archive.c.community, archive.c.document)
            .having(func.max(archive.c.at) < quiet_since)
            .limit(most)
        )
        return await self._runs(await self._reader.rows(some))

    def shelved(self, runs: Sequence[Run], state: int) -> Guard:
        """For the transaction that stores the passages of runs: notes it, unless a message has changed."""

        def still(connection: Connection) -> bool:
            for run in runs:
                here = (archive.c.community == run.community, archive.c.document == run.document)
                stored = connection.execute(select(archive.c.message_id, archive.c.body).where(*here))
                seen = {(each.ref.id, each.sealed) for each in run.messages}
                if {(id, body) for id, body in stored} != seen:
                    return False
                connection.execute(update(archive).where(*here).values(state=state))
            return True

        return still

    async def count(self, channel: Channel) -> int:
        """How many messages of a channel are archived, with its threads."""
        query = select(func.count()).select_from(archive).where(archive.c.channel_key == channel.parent.key)
        return (await self._reader.rows(query))[0][0]

    async def drop(self, keeps: Callable[[Channel], bool]) -> int:
        """Remove what stands in places that are not archived any more; returns how many messages."""
        query = select(archive.c.community, archive.c.channel_key, archive.c.place).distinct()
        dropped = 0
        for community, channel_key, place in await self._reader.rows(query):
            if not keeps(place_of(community, channel_key, place)):
                while await self._writer.call(partial(forget_some, place=place)):
                    pass
                while some := await self._writer.call(partial(_drop, place=place)):
                    dropped += some
        self.news.set()
        return dropped

    async def forget_reading(self, channel: Channel) -> None:
        """From now on it is as if the history of a place, with its threads, had never been read."""
        below = cursors.c.scope.startswith(f"{channel.key}/", autoescape=True)
        marks = delete(cursors).where(cursors.c.platform == _SCOPE, (cursors.c.scope == channel.key) | below)
        await self._writer.call(lambda connection: connection.execute(marks).rowcount)

    def _row(self, message: Message) -> dict[str, object] | None:
        channel, author = message.ref.channel, self._seal.pseudonym(message.author.identity)
        if self._refuses(author, message.at):
            return None
        return {
            "place": channel.key,
            "message_id": message.ref.id,
            "community": channel.community_key,
            "channel_key": channel.parent.key,
            "author": author,
            "at": message.at,
            "document": None,
            "state": NEW,
            "body": self._seal.seal(message.text),
        }

    def _add(
        self,
        connection: Connection,
        rows: Sequence[Row],
        files: Mapping[tuple[str, str], Sequence[Row]],
        mark: Mapping[str, object],
    ) -> int:
        connection.execute(self._writes.cursor.statement, [mark])
        if not rows:
            return 0
        out = _known(connection, rows) | _moderated(connection, rows)
        wanted = [row for row in rows if (row["place"], row["message_id"]) not in out]
        if wanted:
            connection.execute(self._writes.archive.statement, wanted)
        attached = [file for row in wanted for file in files[str(row["place"]), str(row["message_id"])]]
        if attached:
            connection.execute(self._writes.attach.statement, attached)
        return len(wanted)

    async def _runs(self, named: Sequence[SqlRow[str, str | None]]) -> Sequence[Run]:
        columns = ("community", "document", "channel_key", "place", "message_id", "author", "at", "body")
        query = select(*(archive.c[name] for name in columns)).where(
            tuple_(archive.c.community, archive.c.document).in_([tuple(each) for each in named])
        )
        found: dict[tuple[str, str, str], list[Archived]] = {}
        for community, document, channel_key, place, message_id, author, at, body in await self._reader.rows(
            query.order_by(archive.c.at, archive.c.message_id)
        ):
            ref = MessageRef(place_of(community, channel_key, place), message_id)
            message = Archived(ref, author, at, self._opened(body, place), body)
            found.setdefault((community, document, channel_key), []).append(message)
        return [Run(*key, tuple(messages)) for key, messages in found.items()]

    def _opened(self, body: bytes, place: str) -> str:
        try:
            return self._seal.open(body)
        except ValueUnreadable as error:
            _log.error("an archived message is left out: %s", error, extra={"channel": place})
            return ""


def _this(ref: MessageRef) -> dict[str, str]:
    return {"b_place": ref.channel.key, "b_id": ref.id}


def _key(ref: MessageRef) -> tuple[str, str]:
    return (ref.channel.key, ref.id)


def _faq(ref: MessageRef) -> dict[str, str]:
    """What FAQ documents are called that were made of this question, or of this answer."""
    return {
        "b_community": ref.channel.community_key,
        "b_asked": f"{_escaped(faq_name(ref.channel.key, ref.id, ''))}%",
        "b_answered": f"%/{_escaped(ref.id)}",
    }


def _escaped(text: str) -> str:
    """For LIKE."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _arrange(connection: Connection) -> bool:
    query = (
        select(archive.c.place, archive.c.channel_key, archive.c.message_id, archive.c.at)
        .where(archive.c.state == NEW, archive.c.document.is_(None))
        .order_by(archive.c.place, archive.c.at, archive.c.message_id)
        .limit(_ARRANGED)
    )
    rows, run, before = [], None, ""
    for place, channel_key, message_id, at in connection.execute(query).all():
        if place != before:
            run, before = _growing(connection, place, at, endless=place != channel_key), place
        if run is None or not run.takes(at):
            run = _Growing(f"{place}/{message_id}", at, 0, endless=place != channel_key)
        run.last, run.count = at, run.count + 1
        rows.append({"b_place": place, "b_id": message_id, "b_run": run.document})
    if rows:
        this = (archive.c.place == bindparam("b_place"), archive.c.message_id == bindparam("b_id"))
        connection.execute(update(archive).where(*this).values(document=bindparam("b_run")), rows)
    return bool(rows)


def _growing(connection: Connection, place: str, at: datetime, *, endless: bool) -> _Growing | None:
    """The run of the message before a moment."""
    here = (archive.c.place == place, archive.c.document.is_not(None))
    before = select(archive.c.document, archive.c.at).where(*here, archive.c.at <= at)
    found = connection.execute(before.order_by(archive.c.at.desc()).limit(1)).first()
    if found is None:
        return None
    size = select(func.count()).where(archive.c.place == place, archive.c.document == found[0])
    return _Growing(found[0], found[1], connection.execute(size).scalar_one(), endless)


def _known(connection: Connection, rows: Sequence[Row]) -> set[tuple[str, str]]:
    query = select(archive.c.place, archive.c.message_id).where(
        tuple_(archive.c.place, archive.c.message_id).in_([(row["place"], row["message_id"]) for row in rows])
    )
    return {(place, message_id) for place, message_id in connection.execute(query)}


def _moderated(connection: Connection, rows: Sequence[Row]) -> set[tuple[str, str]]:
    """Messages that moderation took away or put into its queue, and that nobody said may stay."""
    query = select(cases.c.channel_key, cases.c.message_id).where(
        tuple_(cases.c.channel_key, cases.c.message_id).in_(
            [(row["place"], row["message_id"]) for row in rows]
        ),
        ~cases.c.shadow,
        cases.c.severity >= Severity.QUEUE,
        cases.c.state.not_in(("kept", "false alarm")),
    )
    return {(place, message_id) for place, message_id in connection.execute(query)}


def _drop(connection: Connection, place: str) -> int:
    """Remove some runs of a place; returns how many messages that were, 0 when none is left."""
    some = select(archive.c.community, archive.c.document).where(archive.c.place == place)
    dropped = 0
    for community, document in connection.execute(some.distinct().limit(_DROPPED)).all():
        of = (passages.c.community == community, passages.c.document == document)
        connection.execute(delete(passages).where(*of))
        run = archive.c.document.is_(None) if document is None else archive.c.document == document
        dropped += connection.execute(delete(archive).where(archive.c.place == place, run)).rowcount
    return dropped
