"""How much was asked today, for quotas; counted in memory, kept on disk over restarts."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select

from bot.storage.clock import Clock
from bot.storage.reader import Reader
from bot.storage.schema import usage
from bot.storage.writer import Writer
from bot.storage.writes import Writes

_Count = tuple[int, int]


class Usage:
    """Requests and tokens by scope and UTC day.

    A scope is "member:<pseudonym>", "channel:<key>" or "community:<platform>/<id>". Who is forgotten is gone
    from the disk at once, and from this memory when the day ends or the bot restarts: forgetting is no
    way round a quota.
    """

    def __init__(self, reader: Reader, writer: Writer, writes: Writes, now: Clock) -> None:
        self._reader, self._writer, self._writes = reader, writer, writes
        self._now = now
        self._days: dict[date, dict[str, _Count]] = {}

    async def load(self) -> None:
        """Read the counters of the last days."""
        since = self._now().date() - timedelta(days=1)
        query = select(usage.c.day, usage.c.scope, usage.c.requests, usage.c.tokens)
        for day, scope, requests, tokens in await self._reader.rows(query.where(usage.c.day >= since)):
            self._days.setdefault(day, {})[scope] = (requests, tokens)

    def today(self, scope: str, day: date) -> _Count:
        """(requests, tokens) of a scope on a day."""
        return self._days.get(day, {}).get(scope, (0, 0))

    async def add(self, scopes: Sequence[str], day: date, requests: int, tokens: int) -> None:
        """Count for several scopes at once; `today` knows immediately, the disk on return."""
        counts = self._days.setdefault(day, {})
        for old in [known for known in self._days if known < day - timedelta(days=1)]:
            del self._days[old]
        for scope in scopes:
            before = counts.get(scope, (0, 0))
            counts[scope] = (before[0] + requests, before[1] + tokens)
        rows = [{"scope": scope, "day": day, "requests": requests, "tokens": tokens} for scope in scopes]
        await self._writer.write({self._writes.use: rows})
