"""The one writer: callers wait until their rows are durable, and callers that wait together share a commit.

SQLite makes 335 durable single-row commits a second, and 20,000 rows when 64 callers share commits. So a
thread takes everything that waits, merges rows of the same statement into one executemany, and commits once.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar, cast

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot.core.errors import BotError, StorageError

T = TypeVar("T")
Row = Mapping[str, object]

GROUP_ROWS = 4_000
"""A group stops growing here, so that no caller waits for a giant transaction."""


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """A statement for many rows. In a group lower `order` runs first: inserts, then updates, then deletes."""

    statement: Executable
    order: int


Rows = Mapping[Write, Sequence[Row]]


class Transactor(Protocol):
    """A database connection that belongs to the writer's thread."""

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` and commit; roll back and raise if it fails."""
        ...

    def scrub(self, thorough: bool) -> None:
        """Remove what deleted rows left behind in the database's files; thoroughly: every byte of it."""
        ...

    def explain(self, error: SQLAlchemyError) -> StorageError:
        """What happened and what an operator can do."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class _Job:
    """Something to do inside a transaction, or after it (`scrub`: thoroughly or not), and whom to tell."""

    def __init__(
        self,
        rows: Rows | None = None,
        call: Callable[[Connection], object] | None = None,
        scrub: bool | None = None,
    ) -> None:
        self.rows, self.call, self.scrub = rows, call, scrub
        self.size = sum(map(len, rows.values())) if rows else 1
        self.result: object = None
        self.error: BotError | None = None
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Writer:
    """Group commit over one connection, in a thread of its own."""

    def __init__(self, transactor: Transactor) -> None:
        """Start the thread; call it inside the event loop that will wait for it."""
        self._transactor = transactor
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="storage-writer", daemon=True)
        self._thread.start()

    async def write(self, rows: Rows) -> None:
        """Write rows; they are durable on return. Rows of callers that wait together are merged by statement.

        Raises:
            StorageError: nothing of this call was written.
        """
        if any(rows.values()):
            await self._submit(_Job(rows))

    async def call(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction, after all rows submitted before it; durable on return.

        `work` may run twice if the transaction it shared with others had to be rolled back.

        Raises:
            StorageError: nothing of this call was written.
        """
        job = _Job(call=work)
        await self._submit(job)
        return cast(T, job.result)

    async def scrub(self, *, thorough: bool) -> None:
        """Remove what deleted rows left behind in the files.

        Args:
            thorough: every byte of it. That writes the database anew, so others wait: about a second for
                100 MB. Otherwise the write-ahead log goes, and stray sealed bytes stay in unused parts of
                pages until these are used again.

        Raises:
            StorageError: they are still there; what was written before stays written.
        """
        await self._submit(_Job(scrub=thorough))

    async def close(self) -> None:
        """Finish what was submitted, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def _submit(self, job: _Job) -> None:
        if self._closed:
            raise StorageError("The database is closed.")
        self._queue.put(job)
        await job.future

    def _run(self) -> None:
        group: list[_Job] = []
        open_for_more = True
        try:
            while open_for_more and (first := self._queue.get()) is not None:
                group = [first]
                open_for_more = self._gather(group)
                self._commit(group)
                self._tell(group)
        finally:  # also on a defect of ours: nobody may wait for ever
            self._closed = True
            self._abandon(group)
            self._transactor.close()

    def _gather(self, group: list[_Job]) -> bool:
        """Add what waits already; False when the queue's end was reached."""
        size = group[0].size
        while size < GROUP_ROWS:
            try:
                job = self._queue.get_nowait()
            except Empty:
                return True
            if job is None:
                return False
            group.append(job)
            size += job.size
        return True

    def _commit(self, group: Sequence[_Job]) -> None:
        try:
            self._transactor.transaction(lambda connection: _work(connection, group))
        except BotError as error:
            self._fail(group, error, apart=True)
        except SQLAlchemyError as error:  # an OperationalError is about the database, others about one row
            self._fail(group, self._transactor.explain(error), apart=not isinstance(error, OperationalError))
        else:
            self._scrub([job for job in group if job.scrub is not None])

    def _scrub(self, jobs: Sequence[_Job]) -> None:
        """One scrub for all who asked; the others' rows are written, whatever becomes of it."""
        if not jobs:
            return
        try:
            self._transactor.scrub(any(job.scrub for job in jobs))
        except BotError as error:
            for job in jobs:
                job.error = error
        except SQLAlchemyError as error:
            for job in jobs:
                job.error = self._transactor.explain(error)

    def _fail(self, group: Sequence[_Job], error: BotError, apart: bool) -> None:
        if apart and len(group) > 1:
            for job in group:
                self._commit([job])
        else:
            for job in group:
                job.error = error

    def _tell(self, group: list[_Job]) -> None:
        with suppress(RuntimeError):  # the loop is gone, and with it everyone who waited
            self._loop.call_soon_threadsafe(_resolve, tuple(group))
        group.clear()

    def _abandon(self, group: list[_Job]) -> None:
        while True:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is not None:
                group.append(job)
        for job in group:
            job.error = job.error or StorageError("The database's writer has stopped; restart LLMOS.")
        self._tell(group)


def _resolve(group: Iterable[_Job]) -> None:
    for job in group:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(None)
        else:
            job.future.set_exception(job.error)


def _work(connection: Connection, group: Sequence[_Job]) -> None:
    merged: dict[Write, list[Row]] = {}
    for job in group:
        if job.call is not None:
            _flush(connection, merged)
            job.result = job.call(connection)
        for write, rows in (job.rows or {}).items():
            merged.setdefault(write, []).extend(rows)
    _flush(connection, merged)


def _flush(connection: Connection, merged: dict[Write, list[Row]]) -> None:
    for write in sorted(merged, key=lambda write: write.order):
        if merged[write]:
            connection.execute(write.statement, merged[write])
    merged.clear()
