"""The database as the rest of the bot sees it."""

import asyncio
from pathlib import Path

from sqlalchemy import select

from bot.core.errors import StorageError, ValueUnreadable
from bot.storage.appeals import Appeals
from bot.storage.archive import Archive
from bot.storage.audit import Audit, audit_row
from bot.storage.cases import Cases
from bot.storage.citations import Citations
from bot.storage.clock import Clock, utc_now
from bot.storage.controls import Controls
from bot.storage.database import open_database
from bot.storage.dialects import insert_for
from bot.storage.digests import Digests
from bot.storage.examples import Examples
from bot.storage.helpers import Helpers
from bot.storage.hints import Hints
from bot.storage.inbox import Inbox
from bot.storage.journal import JOURNAL_FILE_NAME, Journal
from bot.storage.location import SqliteFile, locate
from bot.storage.messages import Messages
from bot.storage.outbox import Outbox
from bot.storage.passages import Passages
from bot.storage.policies import Policies
from bot.storage.privacy import Privacy
from bot.storage.ratings import Ratings
from bot.storage.reader import Reader
from bot.storage.rulebooks import Rulebooks
from bot.storage.schema import meta
from bot.storage.seal import Seal
from bot.storage.settlement import Settlement
from bot.storage.sqlite import BUSY_S
from bot.storage.strikes import Strikes
from bot.storage.threads import Threads
from bot.storage.topics import Topics
from bot.storage.unanswered import Unanswered
from bot.storage.usage import Usage
from bot.storage.writer import Rows, Writer
from bot.storage.writes import writes_for

_KEY_CHECK = "key_check"
_KNOWN_TEXT = "llmos"


class Store:
    """One open database. Everything it says is written is durable when the call returns."""

    def __init__(
        self, reader: Reader, writer: Writer, seal: Seal, journal: Journal, now: Clock, file: Path | None
    ) -> None:
        """Use `open`."""
        self._reader, self._writer, self._writes = reader, writer, writes_for(reader.dialect)
        self.seal = seal
        self.inbox = Inbox(reader, writer, self._writes, seal, now)
        self.outbox = Outbox(reader, writer, self._writes, seal, now)
        self.messages = Messages(reader, seal)
        self.policies = Policies(reader, writer)
        self.usage = Usage(reader, writer, self._writes, now)
        self.audit = Audit(reader)
        self.rulebooks = Rulebooks(reader, writer, now)
        self.cases = Cases(reader, writer, seal, now)
        self.strikes = Strikes(reader, writer, seal, now)
        self.appeals = Appeals(reader, writer, seal, now)
        self.controls = Controls(reader, now)
        self.citations = Citations(reader, now)
        self.ratings = Ratings(reader, writer, seal, now)
        self.digests = Digests(reader, writer, self._writes, self.outbox, seal, now)
        self.hints = Hints(reader, writer, seal, now)
        self.unanswered = Unanswered(reader, writer, self._writes, self.outbox, seal, now)
        self.helpers = Helpers(reader, writer, seal, now)
        self.topics = Topics(reader, writer, seal, now)
        self.examples = Examples(reader, writer, seal)
        self.privacy = Privacy(reader, writer, seal, journal, now, file)
        self.passages = Passages(reader, writer, seal, self.privacy.refuses)
        self.archive = Archive(reader, writer, self._writes, seal, self.privacy.refuses)
        self.privacy.when_erased(self.hints.load)
        self.privacy.when_erased(self.unanswered.load)
        self.threads = Threads(reader, writer, self._writes, seal, self.privacy.refuses)

    @classmethod
    async def open(cls, url: str, key_file: Path, *, busy_s: float = BUSY_S, now: Clock = utc_now) -> "Store":
        """Open a database, and make or migrate it first where needed.

        Args:
            url: `sqlite:///file` or `postgresql://user@host/name`.
            key_file: made if there is no database yet; `privacy.jsonl` stands beside it.
            busy_s: how long to wait for another program that uses the database.

        Raises:
            StorageError: with what happened and what to do; exit code 1.
        """
        location = locate(url)
        file = location.path if isinstance(location, SqliteFile) else None
        transactor, reader = await open_database(location, busy_s)
        writer = Writer(transactor)
        try:
            seal = await _unlock(reader, writer, key_file)
            store = cls(reader, writer, seal, Journal(key_file.with_name(JOURNAL_FILE_NAME)), now, file)
            await store._load()
        except BaseException:
            await writer.close()
            await reader.close()
            raise
        return store

    async def close(self) -> None:
        """Finish what is being written, then close."""
        await self._writer.close()
        await self._reader.close()

    async def settle(self, settlement: Settlement) -> None:
        """Write all of a settlement in one transaction; durable on return.

        Raises:
            StorageError: nothing of it was written.
        """
        await self._writer.write(self._rows(settlement))
        if settlement.archived or settlement.edited or settlement.removed or settlement.unarchived:
            self.archive.news.set()
        if settlement.archived or settlement.reattached:
            self.archive.attachments.news.set()

    def _rows(self, done: Settlement) -> Rows:
        writes, messages = self._writes, self.messages
        return {
            **self.archive.rows(done),
            writes.handled: [{"b_key": self.inbox.key(key)} for key in done.handled],
            writes.hear: [
                row
                for message, outcome in done.messages
                if (row := messages.row(message, outcome, self.privacy.refuses)) is not None
            ],
            writes.say: [messages.own_row(said, self.privacy.refuses) for said in done.said],
            writes.open: [self.outbox.row(new) for new in done.opened],
            writes.finish: [{"b_key": key} for key in done.finished],
            writes.wait: [{"b_key": key, "b_at": since} for key, since in done.waiting],
            writes.audit: [audit_row(entry) for entry in done.audit],
            writes.outcome: [messages.outcome_row(ref, outcome) for ref, outcome in done.outcomes],
            writes.case: [self.cases.row(case) for case in done.cases],
            writes.strike: [self.strikes.row(*struck) for struck in done.struck],
            writes.offer: self.controls.rows(done.offered),
            writes.cite: self.citations.rows(done.cited),
            writes.edit: [messages.edit_row(ref, text) for ref, text in done.edited],
            writes.remove: [messages.remove_row(ref) for ref in done.removed],
            writes.unteach: [
                messages.remove_row(ref) for ref in (*done.removed, *(ref for ref, _text in done.edited))
            ],
            **(self.threads.rows(done.noted) if done.noted else {}),
        }

    async def _load(self) -> None:
        for part in (
            self.messages,
            self.policies,
            self.rulebooks,
            self.cases,
            self.strikes,
            self.controls,
            self.usage,
            self.hints,
            self.unanswered,
            self.privacy,
        ):
            await part.load()


async def _unlock(reader: Reader, writer: Writer, key_file: Path) -> Seal:
    """The seal of this database's key; a new database gets a new key."""
    found = await reader.first(select(meta.c.value).where(meta.c.name == _KEY_CHECK))
    if found is not None and not await asyncio.to_thread(key_file.exists):
        raise StorageError(
            f"The key file {key_file} is missing, and without it the database cannot be read. Put your copy "
            "of it there; to start anew without the old data, move the database away."
        )
    seal = await asyncio.to_thread(Seal.from_file, key_file)
    if found is None:
        check = {"name": _KEY_CHECK, "value": seal.seal(_KNOWN_TEXT)}
        insert = insert_for(reader.dialect)(meta).values(**check).on_conflict_do_nothing()
        await writer.call(lambda connection: connection.execute(insert).rowcount)
        return seal
    try:
        seal.open(found[0])
    except ValueUnreadable as error:
        raise StorageError(
            f"The key file {key_file} does not belong to this database. Put the key file there that the "
            "database was written with."
        ) from error
    return seal
