"""What is stored about a person: shown, exported, forgotten, and kept no longer than declared."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import func, select

from bot.core.errors import StorageError, ValueEnded
from bot.core.events import Identity
from bot.storage.backup import expire_copies
from bot.storage.clock import Clock
from bot.storage.envelope import reveal
from bot.storage.erasing import erase, mark_next, mark_obeyed, obey, opt_in, opt_out, purge_slice, unobeyed
from bot.storage.journal import Entry, Journal, Wish
from bot.storage.personal import DECLARATIONS, Condition, Declaration, Expiry, Impersonal, Keep, personal
from bot.storage.reader import Reader
from bot.storage.schema import optouts
from bot.storage.seal import Seal
from bot.storage.writer import Writer

_log = logging.getLogger(__name__)

_UNREADABLE = frozenset({"seq", "vector"})
"""Columns that tell a person nothing: a number of ours, and what a model computed from the text beside it."""

_JSON = frozenset({("appeals", "body"), ("digests", "reader")})
"""Sealed columns that hold JSON, besides every `payload`."""

Listener = Callable[[], Awaitable[None]]


class Privacy:
    """The rights of members over what the bot keeps; see `personal.py` for what that is."""

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        seal: Seal,
        journal: Journal,
        now: Clock,
        database: Path | None = None,
    ) -> None:
        """Args: database: the SQLite file, whose old copies expire as well."""
        self.clean = True
        """False while remains of what was forgotten, sealed, are still in unused parts of the files."""
        self._reader, self._writer, self._seal, self._journal, self._now = reader, writer, seal, journal, now
        self._database = database
        self._wishes = asyncio.Lock()  # one at a time, so that memory, journal and database agree
        self._opted_out: set[str] = set()
        self._forgetting: list[Callable[[Identity], None]] = []
        self._forgotten: dict[str, datetime] = {}
        self._listeners: list[Listener] = []

    async def load(self) -> None:
        """Read who opted out and who was forgotten; obey what the database has not obeyed yet."""
        async with self._wishes:
            entries, before = await asyncio.to_thread(self._journal.entries), self.withdrawn()
            await self._obey(entries)
            self._opted_out = {row[0] for row in await self._reader.rows(select(optouts.c.pseudonym))}
            self._forgotten = {entry.pseudonym: entry.at for entry in entries if entry.wish is Wish.FORGET}
            if self.withdrawn() != before:
                await self._tell()

    def forgets(self, forget: Callable[[Identity], None]) -> None:
        """From now on this is told of everybody who is to be forgotten: whoever else remembers members."""
        self._forgetting.append(forget)

    def when_erased(self, listener: Listener) -> None:
        """Tell what holds copies in memory whenever something was erased or expired, before that returns.

        Also when somebody opted out or in: what may be used of them is something else then.
        """
        self._listeners.append(listener)

    def opted_out(self, identity: Identity) -> bool:
        """Nothing of this member may be kept."""
        return bool(self._opted_out) and self._seal.pseudonym(identity) in self._opted_out

    def refuses(self, pseudonym: str, at: datetime) -> bool:
        """What this person wrote then may not be kept: they opted out, or were forgotten since."""
        if pseudonym in self._opted_out:
            return True
        forgotten = self._forgotten.get(pseudonym)
        return forgotten is not None and at <= forgotten

    def withdrawn(self) -> Mapping[str, datetime | None]:
        """The pseudonyms of which nothing may be kept, or nothing up to a time."""
        return {**self._forgotten, **dict.fromkeys(self._opted_out)}

    async def opt_out(self, identity: Identity) -> None:
        """Keep nothing of a member from now on; what was kept stays until `forget`, but the archive."""
        who, at = self._seal.pseudonym(identity), self._now()
        async with self._wishes:
            count = await self._note(Entry(Wish.OPT_OUT, who, at))
            self._opted_out.add(who)
            await self._writer.call(lambda connection: opt_out(connection, who, at))
            await self._tell()
            await self._writer.call(lambda connection: mark_next(connection, count))

    async def opt_in(self, identity: Identity) -> None:
        """Take `opt_out` back."""
        who = self._seal.pseudonym(identity)
        async with self._wishes:
            count = await self._note(Entry(Wish.OPT_IN, who, self._now()))
            await self._writer.call(lambda connection: opt_in(connection, who))
            await self._writer.call(lambda connection: mark_next(connection, count))
            self._opted_out.discard(who)
            await self._tell()

    async def show(self, identity: Identity) -> dict[str, int]:
        """Rows per table that are about a member; tables without any are left out."""
        who = self._seal.pseudonym(identity)
        counts: Counter[str] = Counter()
        for entry in personal():
            query = select(func.count()).select_from(entry.table).where(entry.mine(who))
            counts[entry.table.name] += (await self._reader.rows(query))[0][0]
        return {table: count for table, count in counts.items() if count}

    async def export(self, identity: Identity) -> dict[str, object]:
        """Everything kept about a member, bodies opened, ready for JSON."""
        who = self._seal.pseudonym(identity)
        tables: dict[str, list[dict[str, object]]] = {}
        for entry in personal():
            for row in await self._reader.rows(select(entry.table).where(entry.mine(who))):
                tables.setdefault(entry.table.name, []).append(
                    self._readable(entry.table.name, row._asdict())
                )
        return {
            "platform": identity[0],
            "user": identity[1],
            "pseudonym": who,
            "exported_at": self._now().isoformat(),
            "opted_out": who in self._opted_out,
            "kept": tables,
        }

    async def forget(self, identity: Identity) -> int:
        """Erase what is kept about a member, from the files too; returns how many rows that were.

        Older messages do not come back from a platform's history or from a backup. If the files cannot be
        cleaned now, `clean` is False and the next retention does it.
        """
        who, at = self._seal.pseudonym(identity), self._now()
        async with self._wishes:
            count = await self._note(Entry(Wish.FORGET, who, at))
            self._forgotten[who] = at
            for forget in self._forgetting:
                forget(identity)
            erased = await self._writer.call(lambda connection: erase(connection, who))
            await self._tell()
            if await self._scrub(thorough=True):
                await self._writer.call(lambda connection: mark_next(connection, count))
        return erased

    async def purge(
        self,
        now: datetime,
        context_hours: float,
        audit_days: float = 365,
        evidence_days: float = 30,
        archive_days: float = 365,
        half_life_days: float = 90,
    ) -> int:
        """Apply retention; returns rows deleted or blanked. Other writers get in between the slices."""
        keep = Keep(context_hours, audit_days, evidence_days, archive_days, half_life_days)
        purged = 0
        for entry in DECLARATIONS:
            for expiry in entry.expiries:
                purged += await self._purge(entry, expiry, expiry.rows(now, keep))
        if purged:
            await self._tell()
            await self._scrub(thorough=False)
        if self._database is not None:
            await asyncio.to_thread(expire_copies, self._database, now)
        await self.load()  # wishes that were written by the command line meanwhile
        return purged

    async def _tell(self) -> None:
        for listener in self._listeners:
            await listener()

    async def _note(self, entry: Entry) -> int:
        return await asyncio.to_thread(self._journal.append, entry)

    async def _obey(self, entries: Sequence[Entry]) -> None:
        """Carry out what the database has not; called again at every retention until all of it is done."""
        if not entries:
            return
        left = await self._writer.call(lambda connection: unobeyed(connection, entries))
        if not left:
            return
        await self._writer.call(lambda connection: obey(connection, left))
        await self._tell()
        if await self._scrub(thorough=any(entry.wish is Wish.FORGET for entry in left)):
            await self._writer.call(lambda connection: mark_obeyed(connection, len(entries)))

    async def _scrub(self, thorough: bool) -> bool:
        """Clean the files; the bot lives on when it cannot, such as while a backup reads the old state."""
        try:
            await self._writer.scrub(thorough=thorough)
        except StorageError as error:
            _log.warning(
                "what was deleted is not gone from the files yet, the next retention tries: %s", error
            )
            self.clean = self.clean and not thorough
            return False
        self.clean = self.clean or thorough
        return True

    async def _purge(self, entry: Declaration | Impersonal, expiry: Expiry, rows: Condition) -> int:
        purged, more = 0, True
        while more:
            done, more = await self._writer.call(
                lambda connection: purge_slice(connection, entry, expiry, rows)
            )
            purged += done
        return purged

    def _readable(self, table: str, row: Mapping[str, object]) -> dict[str, object]:
        return {
            name: self._plain(value, is_json=name == "payload" or (table, name) in _JSON)
            for name, value in row.items()
            if name not in _UNREADABLE
        }

    def _plain(self, value: object, *, is_json: bool) -> object:
        if isinstance(value, bytes):
            try:
                text = self._seal.open(value)
            except ValueEnded:
                return None  # nobody can read it any more
            if not is_json:
                return text
            found = json.loads(text)
            return reveal(self._seal, found) if isinstance(found, dict) else found
        return value.isoformat() if isinstance(value, datetime | date) else value
