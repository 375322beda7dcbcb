"""Members who want to be asked when nobody answers: who they are, how often, and whose turn it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, select
from sqlalchemy import Row as SqlRow

from bot.core.events import Author, Channel, Identity
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import helpers, unanswered
from bot.storage.seal import Seal
from bot.storage.writer import Writer

A_DAY = timedelta(hours=24)
"""A cap counts what was offered in so long, whatever day it is where the helper lives."""


@dataclass(frozen=True, slots=True)
class Helper:
    """A member who may be asked.

    Attributes:
        community: where; `member` is a pseudonym.
        channel: where they said so.
        locale: the language they are asked in.
        most: questions a day.
    """

    community: str
    member: str
    author: Author
    channel: Channel
    locale: str
    most: int


class Helpers:
    """Helpers by community."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, now: Clock) -> None:
        self._reader, self._writer, self._seal, self._now = reader, writer, seal, now

    async def add(self, channel: Channel, author: Author, locale: str, most: int) -> None:
        """From now on somebody may be asked; who may already keeps their turn. Durable on return."""
        payload = {
            "place": [channel.platform, channel.community, channel.id, channel.thread, channel.private],
            "author": [author.platform, author.id, author.name],
            "locale": locale,
        }
        row = {
            "community": channel.community_key,
            "member": self._seal.pseudonym(author.identity),
            "at": self._now(),
            "most": most,
            "payload": self._seal.seal(json.dumps(payload, ensure_ascii=False)),
        }
        insert = insert_for(self._reader.dialect)(helpers).values(**row)
        changed = {"most": insert.excluded.most, "payload": insert.excluded.payload}
        insert = insert.on_conflict_do_update(index_elements=["community", "member"], set_=changed)
        await self._writer.call(lambda connection: connection.execute(insert).rowcount)

    async def remove(self, identity: Identity, community: str | None = None) -> list[Helper]:
        """Ask somebody no more, in one community or in all; where they were asked until now."""
        mine = [helpers.c.member == self._seal.pseudonym(identity)]
        mine += [] if community is None else [helpers.c.community == community]
        found = await self._found(*mine)
        await self._writer.call(lambda connection: connection.execute(delete(helpers).where(*mine)).rowcount)
        return found

    async def get(self, community: str, member: str) -> Helper | None:
        """A helper by their pseudonym."""
        found = await self._found(helpers.c.community == community, helpers.c.member == member)
        return found[0] if found else None

    async def count(self, community: str) -> int:
        """How many there are."""
        query = select(func.count()).where(helpers.c.community == community)
        return int((await self._reader.rows(query))[0][0])

    async def in_turn(self, community: str) -> Sequence[Helper]:
        """Who may be asked now, whoever was asked longest ago first."""
        return await self._found(helpers.c.community == community, _asked_since(self._now()) < helpers.c.most)

    async def _found(self, *where: ColumnElement[bool]) -> list[Helper]:
        turn = (helpers.c.asked_at.is_not(None), helpers.c.asked_at, helpers.c.at, helpers.c.member)
        rows = await self._reader.rows(select(helpers).where(*where).order_by(*turn))
        return [self._opened(row) for row in rows]

    def _opened(self, row: SqlRow[tuple[object, ...]]) -> Helper:
        found = row._mapping
        payload = json.loads(self._seal.open(found["payload"]))
        return Helper(
            community=found["community"],
            member=found["member"],
            author=Author(*payload["author"]),
            channel=Channel(*payload["place"]),
            locale=payload["locale"],
            most=found["most"],
        )


def may_be_asked(connection: Connection, helper: Helper, now: datetime) -> bool:
    """Whether somebody is still a helper, and was not asked often enough within a day."""
    query = select(helpers.c.member).where(
        helpers.c.community == helper.community,
        helpers.c.member == helper.member,
        _asked_since(now) < helpers.c.most,
    )
    return bool(connection.execute(query).all())


def _asked_since(now: datetime) -> ColumnElement[int]:
    """How often a helper was asked within the last day, all their communities together."""
    return (
        select(func.count())
        .where(unanswered.c.helper == helpers.c.member, unanswered.c.offered_at > now - A_DAY)
        .scalar_subquery()
    )
