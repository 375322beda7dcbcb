"""Events on their way in: durable before anybody acts on them, each taken once."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlalchemy import Connection, select

from bot.core.events import Event, author_of
from bot.storage.clock import Clock
from bot.storage.codec import decode_event, encode_event
from bot.storage.reader import Reader
from bot.storage.schema import cursors, inbox
from bot.storage.seal import Seal
from bot.storage.writer import Row, Writer
from bot.storage.writes import Writes

_KEYS_IN_MEMORY = 4_096  # an event is handled soon after it was taken


class Inbox:
    """What arrived, until it is handled; its keys stay longer, so that nothing is taken twice."""

    def __init__(self, reader: Reader, writer: Writer, writes: Writes, seal: Seal, now: Clock) -> None:
        self._reader, self._writer, self._writes, self._seal = reader, writer, writes, seal
        self._now = now
        self.key = lru_cache(_KEYS_IN_MEMORY)(seal.fingerprint)
        """What the database calls an event: a keyed hash, for event keys may name a member."""

    async def take(
        self, platform: str, events: Sequence[Event], cursors: Mapping[str, str]
    ) -> tuple[Event, ...]:
        """Store new events and the cursors that go with them, in one transaction.

        Returns:
            The events that were not known, in order; they are durable now.
        """
        by_key = {
            self.key(event.key): event for event in reversed(events)
        }  # of two with a key the first counts
        rows = {key: self._row(platform, key, event) for key, event in reversed(by_key.items())}
        marks = [{"platform": platform, "scope": scope, "value": value} for scope, value in cursors.items()]
        if not rows and not marks:
            return ()
        new = await self._writer.call(lambda connection: self._store(connection, list(rows.values()), marks))
        return tuple(by_key[key] for key in rows if key in new)

    async def pending(self, platform: str) -> tuple[Event, ...]:
        """What was taken and not handled, oldest first: to be handled again after a crash.

        Raises:
            ValueUnreadable: the key file does not fit, or a row is damaged.
        """
        query = select(inbox.c.payload).where(inbox.c.platform == platform, inbox.c.payload.is_not(None))
        found = await self._reader.rows(query.order_by(inbox.c.seq))
        return tuple(decode_event(self._seal.open(payload)) for (payload,) in found)

    async def cursors(self, platform: str) -> dict[str, str]:
        """How far each scope of a platform was read."""
        query = select(cursors.c.scope, cursors.c.value).where(cursors.c.platform == platform)
        return {scope: value for scope, value in await self._reader.rows(query)}

    def _row(self, platform: str, key: str, event: Event) -> Row:
        author = author_of(event)
        return {
            "key": key,
            "platform": platform,
            "author": "" if author is None else self._seal.pseudonym(author.identity),
            "taken_at": self._now(),
            "payload": self._seal.seal(encode_event(event)),
        }

    def _store(self, connection: Connection, rows: Sequence[Row], marks: Sequence[Row]) -> set[str]:
        """Returns the keys that were new."""
        new = set(connection.execute(self._writes.take.statement, rows).scalars()) if rows else set()
        if marks:
            connection.execute(self._writes.cursor.statement, marks)
        return new
