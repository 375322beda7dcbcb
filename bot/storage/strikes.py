"""Strikes: what counts against members, in memory, for as long as it counts at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from bot.core.events import Identity
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import strikes
from bot.storage.seal import Seal
from bot.storage.writer import Row, Writer

STRIKE_DAYS = 180
"""With a half-life of thirty days less than a sixtieth of it is left then."""


@dataclass(frozen=True, slots=True)
class Strike:
    """Something that counts against a member for a while.

    Attributes:
        case: number of the case it comes from.
    """

    at: datetime
    weight: float = 1.0
    case: int = 0


class Strikes:
    """Strikes by community and member."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, now: Clock) -> None:
        """Call `load` before use."""
        self._reader, self._writer, self._seal, self._now = reader, writer, seal, now
        self._known: dict[tuple[str, str], list[Strike]] = {}

    async def load(self) -> None:
        """Read all that still count."""
        since = self._now() - timedelta(days=STRIKE_DAYS)
        query = select(
            strikes.c.community, strikes.c.author, strikes.c.at, strikes.c.weight, strikes.c.case_number
        )
        for community, author, at, weight, case in await self._reader.rows(
            query.where(strikes.c.at > since).order_by(strikes.c.seq)
        ):
            self._known.setdefault((community, author), []).append(Strike(at, weight, case))

    def of(self, community: str, member: Identity) -> Sequence[Strike]:
        """What counts against a member, oldest first."""
        return tuple(self._known.get((community, self._seal.pseudonym(member)), ()))

    async def cancel(self, community: str, member: Identity, case: int) -> None:
        """Take the strikes of a case back; durable on return."""
        statement = delete(strikes).where(strikes.c.community == community, strikes.c.case_number == case)
        await self._writer.call(lambda connection: connection.execute(statement).rowcount)
        kept = self._known.get((community, self._seal.pseudonym(member)), [])
        kept[:] = [strike for strike in kept if strike.case != case]

    async def give(self, community: str, member: Identity, strike: Strike) -> None:
        """Count one more; durable on return."""
        row = self.row(community, member, strike)
        insert = insert_for(self._reader.dialect)(strikes).values(**row)

        def store(connection: Connection) -> int:
            return connection.execute(insert).rowcount

        await self._writer.call(store)

    def row(self, community: str, member: Identity, strike: Strike) -> Row:
        """A strike for `Writes.strike`; `of` knows it at once."""
        author = self._seal.pseudonym(member)
        self._known.setdefault((community, author), []).append(strike)
        return {
            "community": community,
            "author": author,
            "case_number": strike.case,
            "weight": strike.weight,
            "at": strike.at,
        }
