"""Putting a backup in place of the database, in an order in which nothing can get lost."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import StorageError, ValueUnreadable
from bot.storage.copying import copy_database, sync
from bot.storage.erasing import replay
from bot.storage.journal import JOURNAL_FILE_NAME, Journal
from bot.storage.migrating import migrate_sqlite
from bot.storage.schema import meta
from bot.storage.seal import Seal
from bot.storage.sqlite import BUSY_S, SqliteTransactor, sqlite_error

_BESIDE = ("", "-wal", "-shm")


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
    draft = path.with_name(f"{path.name}.restoring")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy_database(backup, draft)
        migrated_from = migrate_sqlite(draft)
        erased = _obey(draft, key_file, busy_s)
        if migrated_from is not None:
            migrated_from.unlink()  # the backup itself is that copy
        moved_to = _move_aside(path, now, busy_s)
        draft.replace(path)
        sync(path.parent)
        return Restored(moved_to, erased)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be replaced: {error.strerror}. Its folder must be writable."
        ) from error
    finally:
        for suffix in _BESIDE:
            Path(f"{draft}{suffix}").unlink(missing_ok=True)


def _obey(draft: Path, key_file: Path, busy_s: float) -> int:
    """Forget again whom the journal names; returns the rows changed."""
    transactor = SqliteTransactor(draft, busy_s)
    try:
        transactor.transaction(lambda connection: _check_key(connection, key_file))
        entries = Journal(key_file.with_name(JOURNAL_FILE_NAME)).entries()
        erased = transactor.transaction(lambda connection: replay(connection, entries))
        transactor.scrub()
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


def _move_aside(path: Path, now: datetime, busy_s: float) -> Path | None:
    if not path.exists():
        return None
    _make_single(path, busy_s)
    aside = path.with_name(f"{path.name}.replaced-{now:%Y%m%dT%H%M%S}")
    for suffix in _BESIDE:
        if (beside := Path(f"{path}{suffix}")).exists():
            beside.rename(f"{aside}{suffix}")
    return aside


def _make_single(path: Path, busy_s: float) -> None:
    """Leave write-ahead mode, which works only while nobody else has the file open."""
    try:
        with closing(sqlite3.connect(path, timeout=busy_s)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise sqlite_error(error, path) from error
    except sqlite3.DatabaseError:
        return  # damaged: that is why it is being replaced
