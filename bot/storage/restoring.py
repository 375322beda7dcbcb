"""Putting a backup in place of the database, in an order in which nothing can get lost."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import StorageError, ValueUnreadable
from bot.storage.copying import copy_database
from bot.storage.erasing import mark_obeyed, obey, unobeyed
from bot.storage.files import sync
from bot.storage.journal import JOURNAL_FILE_NAME, Journal
from bot.storage.migrating import migrate_sqlite
from bot.storage.schema import meta
from bot.storage.seal import Seal
from bot.storage.sqlite import BUSY_S, SqliteTransactor, sqlite_error

_LOGS = ("-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: where the old database is now, and how many rows were erased again."""

    moved_to: Path | None
    erased: int


def restore_database(
    backup: Path, path: Path, key_file: Path, now: datetime, busy_s: float = BUSY_S
) -> Restored:
    """Check a backup, bring it up to date, obey what people asked for since, and put it in place.

    The database in place is moved aside, never deleted. Until the last step nothing of it changes.

    Raises:
        StorageError: the backup is damaged, too new or of another key, or the database is in use.
    """
    if not backup.is_file():
        raise StorageError(f"There is no backup {backup}. Give the path of a file that llmos backup wrote.")
    if path.exists() and backup.samefile(path):
        raise StorageError(f"{backup} is the database itself. Give the path of a backup.")
    draft = path.with_name(f"{path.name}.restoring")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove(draft)  # of a restore that was killed
        copy_database(backup, draft)
        _refuse_empty(draft, backup)
        migrated_from = migrate_sqlite(draft)
        if migrated_from is not None:
            migrated_from.unlink()  # the backup itself is that copy
        erased = _obey(draft, key_file, busy_s)
        _make_single(draft, busy_s)
        moved_to = _keep_aside(path, now, busy_s)
        draft.replace(path)
        sync(path.parent)
        return Restored(moved_to, erased)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be replaced: {error.strerror}. Its folder must be writable."
        ) from error
    finally:
        _remove(draft)


def _refuse_empty(draft: Path, backup: Path) -> None:
    with closing(sqlite3.connect(draft)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise StorageError(f"{backup} is empty. Give the path of a file that llmos backup wrote.")


def _obey(draft: Path, key_file: Path, busy_s: float) -> int:
    """Forget again whom the journal names; returns the rows changed."""
    transactor = SqliteTransactor(draft, busy_s)
    try:
        transactor.transaction(lambda connection: _check_key(connection, key_file))
        entries = Journal(key_file.with_name(JOURNAL_FILE_NAME)).entries()
        erased = transactor.transaction(lambda connection: obey(connection, unobeyed(connection, entries)))
        transactor.scrub(thorough=erased > 0)
        transactor.transaction(lambda connection: mark_obeyed(connection, len(entries)))
        return erased
    except SQLAlchemyError as error:
        raise transactor.explain(error) from error
    finally:
        transactor.close()


def _check_key(connection: Connection, key_file: Path) -> None:
    sealed = connection.execute(select(meta.c.value).where(meta.c.name == "key_check")).scalar()
    if sealed is None:
        return
    if not key_file.exists():
        raise StorageError(
            f"The key file {key_file} is missing. Put the one there that belongs to the backup."
        )
    try:
        Seal.from_file(key_file).open(sealed)
    except ValueUnreadable as error:
        raise StorageError(
            f"The key file {key_file} does not belong to this backup. "
            "Put the one there that it was made with."
        ) from error


def _keep_aside(path: Path, now: datetime, busy_s: float) -> Path | None:
    """Give the old database another name; there is a database at `path` at every moment, where links work."""
    if not path.exists():
        return None
    _make_single(path, busy_s)
    aside = path.with_name(f"{path.name}.replaced-{now:%Y%m%dT%H%M%S}")
    try:
        os.link(path, aside)
    except OSError:  # a file system without links
        path.rename(aside)
    os.utime(aside, (now.timestamp(), now.timestamp()))  # its days as a copy begin now
    for suffix in _LOGS:  # left beside a damaged file; SQLite would apply them to the new one
        if (beside := Path(f"{path}{suffix}")).exists():
            beside.rename(f"{aside}{suffix}")
    return aside


def _remove(draft: Path) -> None:
    for suffix in ("", *_LOGS):
        Path(f"{draft}{suffix}").unlink(missing_ok=True)


def _make_single(path: Path, busy_s: float) -> None:
    """Leave write-ahead mode, which works only while nobody else has the file open."""
    try:
        with closing(sqlite3.connect(path, timeout=busy_s)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise sqlite_error(error, path) from error
    except sqlite3.DatabaseError:
        return  # damaged: that is why it is being replaced
