"""Appeals: what members say against a case of theirs."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, select, update

from bot.core.errors import ValueUnreadable
from bot.core.events import Author, Channel, Identity, MessageRef
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.envelope import disclose, enclose
from bot.storage.reader import Reader
from bot.storage.schema import appeals
from bot.storage.seal import Seal
from bot.storage.writer import Writer

AppealState = Literal["open", "upheld", "overturned"]
"""upheld: the decision stays. overturned: the member was right."""


Making = Literal["made", "again", "too many"]
"""What became of an appeal that somebody wants to make; again: there is one against this case already."""


@dataclass(frozen=True, slots=True)
class Appeal:
    """One appeal; a case has at most one.

    Attributes:
        call: the call that made it, by which a repeated one is known.
        to: where that call can be answered.
        decided_by: the name of the moderator who decided, and `decided_in` the call that did.
    """

    case: int
    text: str
    at: datetime
    to: MessageRef
    call: str
    state: AppealState = "open"
    decided_by: str = ""
    decided_in: str = ""


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

    async def make(
        self, community: str, member: Identity, appeal: Appeal, most: int, since: datetime
    ) -> Making:
        """Store an appeal, unless the member has made `most` in this community since then."""
        who = self._seal.pseudonym(member)
        row = {
            "case_number": appeal.case,
            "community": community,
            "author": who,
            "state": appeal.state,
            "actor": "",
            "at": appeal.at,
            "body": self._body(appeal),
        }
        insert = insert_for(self._reader.dialect)(appeals).values(**row)
        same = select(func.count()).where(appeals.c.case_number == appeal.case)
        made = select(func.count()).where(
            appeals.c.community == community, appeals.c.author == who, appeals.c.at >= since
        )

        def store(connection: Connection) -> Making:
            if connection.execute(same).scalar_one():
                return "again"
            if connection.execute(made).scalar_one() >= most:
                return "too many"
            connection.execute(insert)
            return "made"

        return await self._writer.call(store)

    async def decide(self, appeal: Appeal, state: AppealState, by: Author, call: str) -> Appeal | None:
        """Decide an open appeal; None if somebody else was faster."""
        decided = replace(appeal, state=state, decided_by=by.name, decided_in=call)
        statement = (
            update(appeals)
            .where(appeals.c.case_number == appeal.case, appeals.c.state == "open")
            .values(state=state, actor=self._seal.pseudonym(by.identity), body=self._body(decided))
        )

        def store(connection: Connection) -> int:
            return connection.execute(statement).rowcount

        return decided if await self._writer.call(store) else None

    def _body(self, appeal: Appeal) -> bytes:
        place = appeal.to.channel
        facts = {
            "place": [
                place.platform,
                place.community,
                place.id,
                place.thread,
                place.private,
                place.encrypted,
            ],
            "to": appeal.to.id,
            "call": appeal.call,
            "decided_by": appeal.decided_by,
            "decided_in": appeal.decided_in,
        }
        return enclose(self._seal, facts, {"text": appeal.text}, fleeting=place.encrypted)

    async def _found(self, *where: ColumnElement[bool], limit: int = 50) -> list[Appeal]:
        query = select(appeals.c.case_number, appeals.c.body, appeals.c.state, appeals.c.at)
        found = []
        for case, body, state, at in await self._reader.rows(
            query.where(*where, appeals.c.body.is_not(None)).order_by(appeals.c.at).limit(limit)
        ):
            try:
                kept = disclose(self._seal, body)
            except ValueUnreadable:
                continue
            to = MessageRef(Channel(*kept["place"]), kept["to"])
            found.append(
                Appeal(
                    case,
                    kept.get("text", ""),
                    at,
                    to,
                    kept["call"],
                    state,
                    kept["decided_by"],
                    kept["decided_in"],
                )
            )
        return found
