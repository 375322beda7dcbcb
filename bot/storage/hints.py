"""Hints that a question was answered before: one for each question, and what became of it."""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy import Row as SqlRow

from bot.core.errors import ValueUnreadable
from bot.core.events import Author, Channel, MessageRef
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import hints
from bot.storage.seal import Seal
from bot.storage.writer import Writer

HINT_DAYS = 90
"""How long it is known which hints were right."""

State = Literal["waiting", "said", "approved", "declined", "withdrawn"]
"""waiting: for a moderator. said: without one. approved, declined: by one. withdrawn: the question went."""

STANDING = ("said", "approved")
"""States of hints that members read."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hint:
    """That a question was answered before.

    Attributes:
        question: where it stands.
        asker: who wrote it.
        document: what answers it, by its id in the index.
        helped: what the asker said of it.
        call: the call by which a moderator decided, by which a repeated one is known.
    """

    number: int
    question: MessageRef
    asker: Author
    document: str
    state: State
    helped: bool | None
    call: str


@dataclass(frozen=True, slots=True)
class HintTally:
    """How many hints of a community were in which state, and how many helped, or did not."""

    states: Mapping[str, int]
    helped: int
    unhelpful: int


class Hints:
    """Hints by number and by question; where hints stand is in memory, since every deletion asks."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, now: Clock) -> None:
        """Call `load` before use."""
        self._reader, self._writer, self._seal, self._now = reader, writer, seal, now
        self._numbers: dict[tuple[str, str], int] = {}

    async def load(self) -> None:
        """Learn which questions have a hint."""
        rows = await self._reader.rows(select(hints.c.place, hints.c.message_id, hints.c.number))
        self._numbers = {(place, id): number for place, id, number in rows}

    def number(self, question: MessageRef) -> int | None:
        """The number of the hint to a question, if there is one."""
        return self._numbers.get((question.channel.key, question.id))

    async def add(self, question: MessageRef, asker: Author, document: str, state: State) -> Hint:
        """Store a hint, durable on return; a question that has one keeps it."""
        place = question.channel
        payload = {
            "place": [place.platform, place.community, place.id, place.thread, place.private],
            "author": [asker.platform, asker.id, asker.name],
            "document": document,
        }
        row = {
            "community": place.community_key,
            "place": place.key,
            "message_id": question.id,
            "author": self._seal.pseudonym(asker.identity),
            "at": self._now(),
            "state": state,
            "call": "",
            "payload": self._seal.seal(json.dumps(payload, ensure_ascii=False)),
        }
        insert = insert_for(self._reader.dialect)(hints).values(**row)
        insert = insert.on_conflict_do_nothing(index_elements=["place", "message_id"])
        await self._writer.call(lambda connection: connection.execute(insert).rowcount)
        (hint,) = await self._found(hints.c.place == place.key, hints.c.message_id == question.id)
        self._numbers[place.key, question.id] = hint.number
        return hint

    async def get(self, number: int) -> Hint | None:
        """A hint of any community."""
        found = await self._found(hints.c.number == number)
        return found[0] if found else None

    async def change(self, hint: Hint, state: State, call: str = "") -> bool:
        """Put it into another state, durable on return; False if somebody else was faster."""
        change = update(hints).where(hints.c.number == hint.number, hints.c.state == hint.state)
        change = change.values(state=state, call=call)
        return bool(await self._writer.call(lambda connection: connection.execute(change).rowcount))

    async def rate(self, hint: Hint, *, helped: bool) -> None:
        """Store what the asker says of it; durable on return."""
        change = update(hints).where(hints.c.number == hint.number).values(helped=helped)
        await self._writer.call(lambda connection: connection.execute(change).rowcount)

    async def waiting(self, community: str, most: int) -> list[Hint]:
        """What waits for a moderator, newest first."""
        return await self._found(hints.c.community == community, hints.c.state == "waiting", most=most)

    async def decided(self, community: str, most: int) -> Counter[str]:
        """How many of the newest hints that moderators decided about were approved, and declined."""
        query = (
            select(hints.c.state)
            .where(hints.c.community == community, hints.c.state.in_(("approved", "declined")))
            .order_by(hints.c.number.desc())
            .limit(most)
        )
        return Counter(row[0] for row in await self._reader.rows(query))

    async def tally(self, community: str) -> HintTally:
        """All that is known of a community."""
        query = (
            select(hints.c.state, hints.c.helped, func.count())
            .where(hints.c.community == community)
            .group_by(hints.c.state, hints.c.helped)
        )
        states: Counter[str] = Counter()
        opinions: Counter[bool | None] = Counter()
        for state, helped, count in await self._reader.rows(query):
            states[state] += count
            opinions[None if helped is None else bool(helped)] += count
        return HintTally(states, opinions[True], opinions[False])

    async def _found(self, *where: ColumnElement[bool], most: int = 1) -> list[Hint]:
        query = select(hints).where(*where).order_by(hints.c.number.desc()).limit(most)
        rows = await self._reader.rows(query)
        return [found for found in map(self._opened, rows) if found is not None]

    def _opened(self, row: SqlRow[tuple[object, ...]]) -> Hint | None:
        found = row._mapping
        try:
            payload = json.loads(self._seal.open(found["payload"]))
        except ValueUnreadable as error:
            _log.error("a hint is left out: %s", error)
            return None
        return Hint(
            number=found["number"],
            question=MessageRef(Channel(*payload["place"]), found["message_id"]),
            asker=Author(*payload["author"]),
            document=payload["document"],
            state=found["state"],
            helped=None if found["helped"] is None else bool(found["helped"]),
            call=found["call"],
        )
