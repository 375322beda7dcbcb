"""Which documents an answer rests on, so that whoever reads it can look; what they say is read then."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from bot.core.events import Channel, MessageRef
from bot.storage.clock import Clock
from bot.storage.reader import Reader
from bot.storage.schema import citations
from bot.storage.writer import Row

CITATION_DAYS = 90
"""As long as what can be pressed below a message is known."""


@dataclass(frozen=True, slots=True)
class Citation:
    """One thing that an answer rests on.

    Attributes:
        number: as the answer cites it.
        said_at: the time of the passage that is cited; others of its document stand around it.
        mark: the passage, see `Passage`; "" in answers of a version that noted only the time.
    """

    number: int
    document: str
    said_at: datetime
    mark: str = ""


class Citations:
    """Citations by answer; writes go through `Store.settle`."""

    def __init__(self, reader: Reader, now: Clock) -> None:
        self._reader, self._now = reader, now

    async def of(self, answer: MessageRef) -> Sequence[Citation]:
        """What an answer rests on, in order; nothing for other messages."""
        query = (
            select(citations.c.number, citations.c.document, citations.c.said_at, citations.c.mark)
            .where(citations.c.channel_key == answer.channel.key, citations.c.message_id == answer.id)
            .order_by(citations.c.number)
        )
        return [Citation(*row) for row in await self._reader.rows(query)]

    async def newest(self, channel: Channel) -> MessageRef | None:
        """The last answer in a place that names sources."""
        query = (
            select(citations.c.message_id)
            .where(citations.c.channel_key == channel.key)
            .order_by(citations.c.at.desc())
            .limit(1)
        )
        return next((MessageRef(channel, row[0]) for row in await self._reader.rows(query)), None)

    def rows(self, cited: Iterable[tuple[MessageRef, Sequence[Citation]]]) -> list[Row]:
        """What answers rest on, for `Writes.cite`."""
        at = self._now()
        return [
            {
                "channel_key": answer.channel.key,
                "message_id": answer.id,
                "number": each.number,
                "document": each.document,
                "said_at": each.said_at,
                "mark": each.mark,
                "at": at,
            }
            for answer, found in cited
            for each in found
        ]
