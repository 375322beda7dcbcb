"""Whole copies of a SQLite file, also while others write to it."""

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.core.errors import StorageError
from bot.storage.files import sync
from bot.storage.sqlite import BUSY_S, sqlite_error


def copy_database(source: Path, target: Path) -> None:
    """Copy with SQLite's online backup; `target` (0600) appears whole or not at all, and is replaced.

    Raises:
        StorageError: the source is damaged, or the target cannot be written.
    """
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(_open(source)) as old, closing(sqlite3.connect(draft)) as new:
            old.backup(new, progress=_give_up_when_locked)
            new.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
            check_integrity(new, source)
        sync(draft)
        draft.replace(target)
        sync(target.parent)
    except sqlite3.Error as error:
        full = "disk is full" in str(error)  # reading fills no disk
        raise sqlite_error(error, target if full else source) from error
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}. Choose another place.") from error
    finally:
        draft.unlink(missing_ok=True)


def _give_up_when_locked(status: int, remaining: int, total: int) -> None:
    """Python tries again for ever; the connection has waited `BUSY_S` already."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("database is locked")


def check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    """Read every page; StorageError for a damaged file."""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise StorageError(f"{path} is damaged ({'; '.join(found)}). Use another backup.")


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_S)
