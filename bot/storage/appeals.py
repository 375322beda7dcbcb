"""Appeals: what members say against a case of theirs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, select, update

from bot.core.errors import ValueUnreadable
from bot.core.events import Identity
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import appeals
from bot.storage.seal import Seal
from bot.storage.writer import Writer

AppealState = Literal["open", "upheld", "overturned"]
"""upheld: the decision stays. overturned: the member was right."""


@dataclass(frozen=True, slots=True)
class Appeal:
    """One appeal; a case has at most one."""

    case: int
    text: str
    state: AppealState
    at: datetime


class Appeals:
    """Appeals by case."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, now: Clock) -> None:
        self._reader, self._writer, self._seal, self._now = reader, writer, seal, now

    async def get(self, case: int) -> Appeal | None:
        """The appeal against a case."""
        found = await self._found(appeals.c.case_number == case)
        return found[0] if found else None

    async def waiting(self, community: str, limit: int) -> list[Appeal]:
        """What waits for a moderator, oldest first."""
        return await self._found(appeals.c.community == community, appeals.c.state == "open", limit=limit)

    async def made_since(self, community: str, member: Identity, since: datetime) -> int:
        """How many appeals a member made since a time."""
        query = select(func.count()).where(
            appeals.c.community == community,
            appeals.c.author == self._seal.pseudonym(member),
            appeals.c.at >= since,
        )
        return int((await self._reader.rows(query))[0][0])

    async def make(self, community: str, member: Identity, case: int, text: str) -> bool:
        """Store an appeal; False if there is one against this case already."""
        row = {
            "case_number": case,
            "community": community,
            "author": self._seal.pseudonym(member),
            "state": "open",
            "actor": "",
            "at": self._now(),
            "body": self._seal.seal(text),
        }
        insert = insert_for(self._reader.dialect)(appeals).values(**row)
        statement = insert.on_conflict_do_nothing(index_elements=["case_number"])

        def store(connection: Connection) -> int:
            return connection.execute(statement).rowcount

        return bool(await self._writer.call(store))

    async def decide(self, case: int, state: AppealState, by: Identity) -> bool:
        """Decide an open appeal; False if somebody else was faster."""
        statement = (
            update(appeals)
            .where(appeals.c.case_number == case, appeals.c.state == "open")
            .values(state=state, actor=self._seal.pseudonym(by))
        )

        def store(connection: Connection) -> int:
            return connection.execute(statement).rowcount

        return bool(await self._writer.call(store))

    async def _found(self, *where: ColumnElement[bool], limit: int = 50) -> list[Appeal]:
        query = select(appeals.c.case_number, appeals.c.body, appeals.c.state, appeals.c.at)
        found = []
        for case, body, state, at in await self._reader.rows(
            query.where(*where).order_by(appeals.c.at).limit(limit)
        ):
            try:
                text = "" if body is None else self._seal.open(body)
            except ValueUnreadable:
                continue
            found.append(Appeal(case, text, state, at))
        return found
