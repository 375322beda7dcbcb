"""SQLite: how connections are opened, and what its errors mean to an operator."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, NullPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.core.errors import StorageError

T = TypeVar("T")

BUSY_S = 5.0
"""How long a connection waits for another program that writes."""

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit survives loss of power
    "PRAGMA secure_delete=ON",  # deleted rows are overwritten with zeros
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)
_READERS = 4
_VACUUM_IN_MEMORY_BYTES = 64 * 1024 * 1024  # a larger database is rebuilt through a temporary file


def sqlite_error(error: Exception, path: Path) -> StorageError:
    """Say in a sentence what happened to a SQLite file and what to do about it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = str(cause)
    for known, advice in _ADVICE.items():
        if known in said:
            return StorageError(advice.format(path=path))
    return StorageError(f"The database {path} failed: {said}.")


_ADVICE = {
    "database is locked": "The database {path} is in use by another program, perhaps a second LLMOS. "
    "Stop that one and try again.",
    "disk is full": "The disk that holds {path} is full; nothing was written. Free some space and try again.",
    "readonly": "The database {path} cannot be written: the file, its folder or its disk is read-only. "
    "Let the user LLMOS runs as write there.",
    "unable to open": "The database {path} cannot be opened or created. Check that its folder exists and "
    "that the user LLMOS runs as may write there.",
    "disk I/O error": "The disk that holds {path} failed to read or write. Check the disk and its free "
    "space, then restart LLMOS.",
    "not a database": "{path} is not a database, or it is damaged. "
    "Put a backup in its place: llmos restore FILE",
    "malformed": "The database {path} is damaged. Put a backup in its place: llmos restore FILE",
}


def create_file(path: Path) -> None:
    """Make the folder (0700) and an empty file (0600) where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(
            f"The database {path} cannot be opened or created: {error.strerror}. Check that its folder "
            "exists and that the user LLMOS runs as may write there."
        ) from error


class SqliteTransactor:
    """The writer's connection: plain sqlite3 under SQLAlchemy Core, no await per statement."""

    def __init__(self, path: Path, busy_s: float = BUSY_S) -> None:
        """Open the file.

        Raises:
            StorageError: it cannot be opened.
        """
        self._path = path
        url = URL.create("sqlite+pysqlite", database=str(path))
        # opened here, used and closed by the writer's thread alone
        options = {"timeout": busy_s, "check_same_thread": False}
        self._engine = create_engine(url, poolclass=NullPool, connect_args=options)
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        try:
            self._connection = self._engine.connect()
        except SQLAlchemyError as error:
            raise self.explain(error) from error

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """BEGIN IMMEDIATE, work, COMMIT."""
        with self._connection.begin():
            return work(self._connection)

    def scrub(self, thorough: bool) -> None:
        """Copy the write-ahead log into the file and cut it to nothing.

        `secure_delete` zeroes a row where it stands, but SQLite moves rows between pages and leaves their old
        bytes in the unused part of a page; only VACUUM, which writes every page anew, removes these too.
        A reader that still sees an older state blocks the cut; it is waited for as long as for a lock.
        """
        raw = self._connection.connection.cursor()
        try:
            if thorough:
                in_memory = self._path.stat().st_size < _VACUUM_IN_MEMORY_BYTES
                raw.execute(f"PRAGMA temp_store={'MEMORY' if in_memory else 'FILE'}")
                # FTS5 only marks removed words until its parts are merged; before schema 0007 it is not there
                if raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'passage_words'").fetchone():
                    raw.execute("INSERT INTO passage_words(passage_words) VALUES ('optimize')")
                raw.execute("VACUUM")
                raw.execute("PRAGMA temp_store=MEMORY")
            row = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise sqlite_error(error, self._path) from error
        finally:
            raw.close()
        if row is not None and row[0]:
            raise StorageError(
                f"What was deleted is still in the write-ahead log of {self._path}, because another program "
                "reads the database. Close it and try again."
            )

    def explain(self, error: SQLAlchemyError) -> StorageError:
        """See `sqlite_error`."""
        return sqlite_error(error, self._path)

    def close(self) -> None:
        """Close the connection; SQLite then copies the log into the file."""
        self._connection.close()
        self._engine.dispose()


def sqlite_reader(path: Path, busy_s: float = BUSY_S) -> AsyncEngine:
    """The engine for reads: several aiosqlite connections that cannot write."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        pool_size=_READERS,
        max_overflow=0,
        connect_args={"timeout": busy_s},
    )
    event.listen(engine.sync_engine, "connect", _prepare_reader)
    return engine


def _prepare(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _prepare_reader(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
