"""Messages that the classifiers may learn from, with what moderators decided about them."""

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select

from bot.core.errors import ValueUnreadable
from bot.core.events import Identity, MessageRef
from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import examples
from bot.storage.seal import Seal
from bot.storage.writer import Writer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LabelledExample:
    """A message, and whether it is what a score stands for.

    Attributes:
        at: when it was found, from which on it is kept for as long as evidence.
        removed: moderation took it away; otherwise it goes when its author changes or deletes it.
    """

    message: MessageRef
    author: Identity
    text: str
    score: str
    label: bool
    removed: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class LabelledText:
    """What of an example is learned from, and the key of the room it is from."""

    room: str
    text: str
    score: str
    label: bool


class Examples:
    """Examples by message; whether one may be kept is the caller's to know."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal) -> None:
        self._reader, self._writer, self._seal = reader, writer, seal

    async def keep(self, example: LabelledExample) -> None:
        """Keep an example in the place of an earlier one about the message; durable on return."""
        place = example.message.channel
        insert = insert_for(self._reader.dialect)(examples).values(
            place=place.key,
            message_id=example.message.id,
            room=place.parent.key,
            author=self._seal.pseudonym(example.author),
            score=example.score,
            label=example.label,
            removed=example.removed,
            at=example.at,
            text=self._seal.seal(example.text),
        )
        changed = {name: insert.excluded[name] for name in ("score", "label", "removed", "at", "text")}
        kept = insert.on_conflict_do_update(index_elements=["place", "message_id"], set_=changed)
        await self._writer.call(lambda connection: connection.execute(kept).rowcount)

    async def knows(self, message: MessageRef) -> bool:
        """Whether there is an example of that message."""
        query = select(func.count()).select_from(examples).where(*_of(message))
        return bool((await self._reader.rows(query))[0][0])

    async def drop(self, message: MessageRef) -> None:
        """Erase the example of a message, if there is one."""
        gone = delete(examples).where(*_of(message))
        await self._writer.call(lambda connection: connection.execute(gone).rowcount)

    async def end(self, room: str) -> int:
        """Erase all examples of a room (`Channel.key`); returns how many there were."""
        gone = delete(examples).where(examples.c.room == room)
        return await self._writer.call(lambda connection: connection.execute(gone).rowcount)

    async def texts(self) -> list[LabelledText]:
        """All that is kept, in an order that is the same every time."""
        query = select(examples.c.room, examples.c.text, examples.c.score, examples.c.label).order_by(
            examples.c.place, examples.c.message_id
        )
        found = []
        for room, sealed, score, label in await self._reader.rows(query):
            try:
                found.append(LabelledText(room, self._seal.open(sealed), score, bool(label)))
            except ValueUnreadable as error:
                _log.error("an example is left out: %s", error)
        return found


def _of(message: MessageRef) -> tuple[ColumnElement[bool], ...]:
    return examples.c.place == message.channel.key, examples.c.message_id == message.id
