"""Who did what, without bodies."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import select

from bot.storage.reader import Reader
from bot.storage.schema import audit
from bot.storage.writer import Row


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done.

    Attributes:
        actor: pseudonym of a member, or "bot".
        detail: what exactly; never a message's text.
        subject: pseudonym of the member it was done to, or "".
    """

    at: datetime
    platform: str
    community: str
    channel_key: str
    actor: str
    verb: str
    detail: str
    subject: str = ""


_NAMES = tuple(field.name for field in fields(AuditEntry))
_COLUMNS = tuple(audit.c[name] for name in _NAMES)


class Audit:
    """Reads of the log; entries come in through `Store.settle`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def recent(self, platform: str, community: str, limit: int) -> list[AuditEntry]:
        """The last entries of a community, newest first."""
        query = select(*_COLUMNS).where(audit.c.platform == platform, audit.c.community == community)
        found = await self._reader.rows(query.order_by(audit.c.seq.desc()).limit(limit))
        return [AuditEntry(*row) for row in found]


def audit_row(entry: AuditEntry) -> Row:
    """An entry for `Writes.audit`."""
    return {name: getattr(entry, name) for name in _NAMES}
