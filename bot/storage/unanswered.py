"""Questions that nobody has answered yet, and how far each has climbed towards somebody who can."""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy import Row as SqlRow

from bot.core.errors import ValueUnreadable
from bot.core.events import Author, Channel, MessageRef
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.helpers import Helper, may_be_asked
from bot.storage.outbox import NewOutboxRow, Outbox
from bot.storage.reader import Reader
from bot.storage.schema import helpers, unanswered
from bot.storage.seal import Seal
from bot.storage.writer import Writer
from bot.storage.writes import Writes

UNANSWERED_DAYS = 30
"""So long a question is known; an older one nobody answers any more."""

Rung = Literal["new", "answer", "helper", "list", "over"]
"""new: it waits. answer, helper, list: so far it got. over: it is answered, gone, or not wanted any more."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One question, by where it stands; its words are read there whenever they are needed.

    Attributes:
        at: when it was asked.
        due: when it climbs on; None where it stays.
        helper: pseudonym of whom it was offered to; "" for nobody.
    """

    number: int
    ref: MessageRef
    asker: Author
    at: datetime
    rung: Rung
    due: datetime | None
    helper: str

    @property
    def community(self) -> str:
        """Where helpers and moderators for it are."""
        return self.ref.channel.community_key


@dataclass(frozen=True, slots=True)
class Open:
    """What is in memory of a question that is not over."""

    number: int
    id: str
    asker: str


class Unanswered:
    """Questions by number and by place; where open ones stand is in memory, since every message asks."""

    def __init__(
        self, reader: Reader, writer: Writer, writes: Writes, outgoing: Outbox, seal: Seal, now: Clock
    ) -> None:
        """Call `load` before use."""
        self._reader, self._writer, self._writes = reader, writer, writes
        self._outgoing, self._seal, self._now = outgoing, seal, now
        self._open: defaultdict[str, list[Open]] = defaultdict(list)

    async def load(self) -> None:
        """Learn where open questions stand."""
        columns = (unanswered.c.place, unanswered.c.number, unanswered.c.message_id, unanswered.c.author)
        query = select(*columns).where(unanswered.c.rung != "over").order_by(unanswered.c.number)
        found: defaultdict[str, list[Open]] = defaultdict(list)
        for place, number, id, asker in await self._reader.rows(query):
            found[place].append(Open(number, id, asker))
        self._open = found

    def open_in(self, place: Channel) -> Sequence[Open]:
        """The questions of a place that are not over, oldest first."""
        return tuple(self._open.get(place.key, ()))

    async def add(self, question: MessageRef, asker: Author, at: datetime, due: datetime) -> None:
        """Store a question, durable on return; one that is known stays as it is."""
        place = question.channel
        payload = {
            "place": [place.platform, place.community, place.id, place.thread, place.private],
            "author": [asker.platform, asker.id, asker.name],
        }
        row = {
            "community": place.community_key,
            "place": place.key,
            "message_id": question.id,
            "author": self._seal.pseudonym(asker.identity),
            "at": at,
            "rung": "new",
            "due": due,
            "helper": "",
            "payload": self._seal.seal(json.dumps(payload, ensure_ascii=False)),
        }
        insert = insert_for(self._reader.dialect)(unanswered).values(**row)
        insert = insert.on_conflict_do_nothing(index_elements=["place", "message_id"])
        await self._writer.call(lambda connection: connection.execute(insert).rowcount)
        found = await self.of(question)
        known = {each.number for each in self.open_in(place)}
        if found is not None and found.rung != "over" and found.number not in known:
            self._open[place.key].append(Open(found.number, question.id, str(row["author"])))

    async def get(self, number: int) -> Question | None:
        """A question of any community."""
        found = await self._found(unanswered.c.number == number)
        return found[0] if found else None

    async def of(self, question: MessageRef) -> Question | None:
        """The question that a message is."""
        place, id = unanswered.c.place == question.channel.key, unanswered.c.message_id == question.id
        found = await self._found(place, id)
        return found[0] if found else None

    async def due(self, now: datetime, most: int) -> list[Question]:
        """What climbs on now, what waited longest first."""
        return await self._found(
            unanswered.c.due <= now, unanswered.c.rung != "over", order=unanswered.c.due, most=most
        )

    async def listed(self, community: str, most: int) -> list[Question]:
        """What is left to the moderators, oldest first."""
        return await self._found(
            unanswered.c.community == community, unanswered.c.rung == "list", order=unanswered.c.at, most=most
        )

    async def climb(
        self,
        question: Question,
        rung: Rung,
        due: datetime | None,
        said: NewOutboxRow | None = None,
        helper: Helper | None = None,
    ) -> bool:
        """Put it on another rung together with what is said there, in one transaction.

        Args:
            helper: whom it is offered to; who was asked often enough meanwhile is not asked again.

        Returns:
            Whether it was done; False if something happened to the question, or the helper, meanwhile.
        """
        row = None if said is None else self._outgoing.row(said)
        now, who = self._now(), "" if helper is None else helper.member
        due_as_known = (
            unanswered.c.due.is_(None) if question.due is None else unanswered.c.due == question.due
        )
        change = (
            update(unanswered)
            .where(unanswered.c.number == question.number, unanswered.c.rung == question.rung, due_as_known)
            .values(rung=rung, due=due, helper=who or question.helper)
        )

        def climbed(connection: Connection) -> bool:
            if helper is not None and not may_be_asked(connection, helper, now):
                return False
            if not connection.execute(change).rowcount:
                return False
            if helper is not None:
                _ask(connection, helper, question, now)
            if row is not None:
                connection.execute(self._writes.open.statement, [row])
            return True

        done = await self._writer.call(climbed)
        if done and rung == "over":
            self._close(question)
        return done

    async def put_off(self, question: Question, until: datetime) -> None:
        """Look at it again later, or sooner; durable on return."""
        change = (
            update(unanswered)
            .where(unanswered.c.number == question.number, unanswered.c.rung == question.rung)
            .values(due=until)
        )
        await self._writer.call(lambda connection: connection.execute(change).rowcount)

    async def end(self, question: Question) -> None:
        """It climbs no further; durable on return."""
        change = update(unanswered).where(unanswered.c.number == question.number)
        change = change.values(rung="over", due=None)
        await self._writer.call(lambda connection: connection.execute(change).rowcount)
        self._close(question)

    def _close(self, question: Question) -> None:
        place = question.ref.channel.key
        left = [each for each in self._open.get(place, ()) if each.number != question.number]
        if left:
            self._open[place] = left
        else:
            self._open.pop(place, None)

    async def _found(
        self, *where: ColumnElement[bool], order: ColumnElement[datetime] | None = None, most: int = 1
    ) -> list[Question]:
        by = unanswered.c.number if order is None else order
        rows = await self._reader.rows(
            select(unanswered).where(*where).order_by(by, unanswered.c.number).limit(most)
        )
        return [found for found in map(self._opened, rows) if found is not None]

    def _opened(self, row: SqlRow[tuple[object, ...]]) -> Question | None:
        found = row._mapping
        try:
            payload = json.loads(self._seal.open(found["payload"]))
        except ValueUnreadable as error:
            _log.error("a question is left out: %s", error)
            return None
        return Question(
            number=found["number"],
            ref=MessageRef(Channel(*payload["place"]), found["message_id"]),
            asker=Author(*payload["author"]),
            at=found["at"],
            rung=found["rung"],
            due=found["due"],
            helper=found["helper"],
        )


def _ask(connection: Connection, helper: Helper, question: Question, now: datetime) -> None:
    """Note that a helper is asked, and when: their turn comes again when all others had theirs."""
    mine = (helpers.c.community == helper.community, helpers.c.member == helper.member)
    connection.execute(update(helpers).where(*mine).values(asked_at=now))
    this = update(unanswered).where(unanswered.c.number == question.number)
    connection.execute(this.values(offered_at=now))
