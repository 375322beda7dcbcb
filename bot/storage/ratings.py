"""What members thought of answers: one opinion each, the last one counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, case, func, select

from bot.core.events import Identity, MessageRef
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import messages, ratings
from bot.storage.seal import Seal
from bot.storage.writer import Writer


@dataclass(frozen=True, slots=True)
class Opinion:
    """How many members found an answer, or all answers since a time, helpful and how many did not."""

    helpful: int
    unhelpful: int


class Ratings:
    """Opinions by answer and member."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, now: Clock) -> None:
        self._reader, self._writer, self._seal, self._now = reader, writer, seal, now

    async def rate(self, answer: MessageRef, by: Identity, *, helpful: bool) -> None:
        """Store an opinion; durable on return."""
        row = {
            "channel_key": answer.channel.key,
            "message_id": answer.id,
            "author": self._seal.pseudonym(by),
            "helpful": helpful,
            "at": self._now(),
        }
        await self._writer.call(lambda connection: self._store(connection, row))

    async def since(self, community: str, at: datetime) -> Opinion:
        """All opinions about answers in a community since a time.

        Args:
            community: "platform/community".
        """
        query = (
            select(ratings.c.helpful, func.count())
            .where(ratings.c.channel_key.startswith(f"{community}/", autoescape=True), ratings.c.at >= at)
            .group_by(ratings.c.helpful)
        )
        counts = {bool(helpful): count for helpful, count in await self._reader.rows(query)}
        return Opinion(counts.get(True, 0), counts.get(False, 0))

    async def liked(self, community: str, most: int) -> Sequence[tuple[int, str, str]]:
        """Answers whose text is kept, that somebody found helpful and nobody unhelpful, newest first.

        Args:
            community: "platform/community".

        Returns:
            (number of the message, key of its place, id).
        """
        this = (
            messages.c.channel_key == ratings.c.channel_key,
            messages.c.message_id == ratings.c.message_id,
        )
        query = (
            select(messages.c.seq, messages.c.channel_key, messages.c.message_id)
            .select_from(ratings.join(messages, and_(*this)))
            .where(
                messages.c.channel_key.startswith(f"{community}/", autoescape=True),
                messages.c.ours,
                messages.c.body.is_not(None),
            )
            .group_by(messages.c.seq, messages.c.channel_key, messages.c.message_id)
            .having(func.sum(case((ratings.c.helpful, 0), else_=1)) == 0)
            .order_by(messages.c.seq.desc())
            .limit(most)
        )
        return [(seq, place, id) for seq, place, id in await self._reader.rows(query)]

    def _store(self, connection: Connection, row: dict[str, object]) -> None:
        insert = insert_for(self._reader.dialect)(ratings).values(**row)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["channel_key", "message_id", "author"],
                set_={"helpful": insert.excluded.helpful, "at": insert.excluded.at},
            )
        )
