"""Actions on their way out: opened before the work begins, finished when the platform has done them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, select, update
from sqlalchemy import Row as SqlRow

from bot.core.actions import Action, Ban, Kick, Post, Receipt, Reply, StreamedReply, Timeout, Unban, Update
from bot.core.errors import StorageError
from bot.core.events import Author, Channel, Edit, Event, Message, MessageRef, author_of
from bot.storage.clock import Clock
from bot.storage.codec import Work, decode_receipt, decode_work, encode_receipt, encode_work
from bot.storage.reader import Reader
from bot.storage.schema import outbox
from bot.storage.seal import Seal
from bot.storage.writer import Row, Writer
from bot.storage.writes import Writes

KEY_CHARS = 25
"""Longest idempotency key: Discord's limit for a nonce (Create Message)."""

_Found = SqlRow[str, bytes, str, datetime, int, datetime | None]
_SELECT = select(
    outbox.c.key,
    outbox.c.payload,
    outbox.c.receipt,
    outbox.c.opened_at,
    outbox.c.attempts,
    outbox.c.waiting_since,
).where(outbox.c.payload.is_not(None))


@dataclass(frozen=True, slots=True)
class NewOutboxRow:
    """Something to do: an action, or an event whose answer is still to be written."""

    key: str
    channel: Channel
    event: Event | None = None
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Something begun and not finished.

    Attributes:
        event: what is answered, to be generated again after a crash; None for a plain action.
        action: a plain action, never a stream; None while only the event is known.
        receipt: the messages known so far.
        waiting_since: when a permission for it was first missed; None if none is known to be missing.
    """

    key: str
    channel: Channel
    event: Event | None
    action: Action | None
    receipt: Receipt
    opened_at: datetime
    attempts: int
    waiting_since: datetime | None = None


class Outbox:
    """Rows open through `Store.settle` and finish through it; between, they learn what exists already."""

    def __init__(self, reader: Reader, writer: Writer, writes: Writes, seal: Seal, now: Clock) -> None:
        self._reader, self._writer, self._writes, self._seal = reader, writer, writes, seal
        self._now = now

    async def unfinished(self, platform: str) -> tuple[OutboxRow, ...]:
        """What is open on a platform, oldest first.

        Raises:
            ValueUnreadable: the key file does not fit, or a row is damaged.
        """
        found = await self._reader.rows(_SELECT.where(outbox.c.platform == platform).order_by(outbox.c.seq))
        return tuple(map(self._open, found))

    async def knows(self, key: str) -> bool:
        """Whether this was opened, finished or not, in the last days."""
        return await self._reader.first(select(outbox.c.seq).where(outbox.c.key == key)) is not None

    async def report(self, key: str, receipt: Receipt) -> None:
        """Remember which messages exist by now."""
        await self._writer.write(
            {self._writes.report: [{"b_key": key, "b_receipt": encode_receipt(receipt)}]}
        )

    async def attempt(self, key: str) -> int:
        """Count one more attempt; returns how many there were with this one, 0 for an unknown key."""
        count = update(outbox).where(outbox.c.key == key).values(attempts=outbox.c.attempts + 1)
        return await self._writer.call(
            lambda connection: connection.execute(count.returning(outbox.c.attempts)).scalar() or 0
        )

    async def forget_event(self, ref: MessageRef) -> tuple[OutboxRow, ...]:
        """Drop the answers to a message that is gone; returns them, for their messages have to go too."""
        query = _SELECT.where(
            outbox.c.channel_key == ref.channel.key, outbox.c.message_id == ref.id, outbox.c.answer
        )
        return tuple(
            map(self._open, await self._writer.call(lambda connection: self._drop(connection, query)))
        )

    def row(self, new: NewOutboxRow) -> Row:
        """A new row for `Writes.open`.

        Raises:
            StorageError: the key is too long for a platform, or the action is a stream.
        """
        if len(new.key) > KEY_CHARS:
            raise StorageError(f"An outbox key may have {KEY_CHARS} characters, this has {len(new.key)}.")
        if isinstance(new.action, StreamedReply):
            raise StorageError("A stream cannot be stored; the outbox takes the event it answers instead.")
        question = _question(new)
        author = _author(new)
        return {
            "key": new.key,
            "platform": new.channel.platform,
            "channel_key": new.channel.key if question is None else question.channel.key,
            "message_id": None if question is None else question.id,
            "author": "" if author is None else self._seal.pseudonym(author.identity),
            "answer": _is_answer(new),
            "opened_at": self._now(),
            "attempts": 0,
            "receipt": "[]",
            "payload": self._seal.seal(encode_work(Work(new.channel, new.event, new.action))),
        }

    def _drop(
        self, connection: Connection, query: Select[str, bytes, str, datetime, int, datetime | None]
    ) -> Sequence[_Found]:
        found = connection.execute(query).all()
        if found:
            connection.execute(self._writes.finish.statement, [{"b_key": row.key} for row in found])
        return found

    def _open(self, found: _Found) -> OutboxRow:
        key, payload, receipt, opened_at, attempts, since = found
        work = decode_work(self._seal.open(payload))
        known = decode_receipt(receipt)
        return OutboxRow(key, work.channel, work.event, work.action, known, opened_at, attempts, since)


def _is_answer(new: NewOutboxRow) -> bool:
    """Moderation is not an answer: a member cannot make the bot forget it."""
    return new.event is not None or isinstance(new.action, Reply | Post | Update)


def _question(new: NewOutboxRow) -> MessageRef | None:
    match new.event, new.action:
        case (Message(ref=ref) | Edit(message=Message(ref=ref)), _) | (None, Reply(to=ref)):
            return ref
        case _:
            return None


def _author(new: NewOutboxRow) -> Author | None:
    match new.action:
        case Reply() | Timeout() | Kick() | Ban() | Unban():
            return new.action.author
        case Post(to=Author() as reader):
            return reader
        case _:
            return None if new.event is None else author_of(new.event)
