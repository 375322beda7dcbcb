"""Backups on demand, and the end of the copies LLMOS makes by itself."""

import logging
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.errors import StorageError
from bot.storage.copying import copy_database

_log = logging.getLogger(__name__)

COPY_DAYS = 14
"""How long a copy from before a migration or a restore is kept: it still holds what was erased since."""

_COPIES = (".before-", ".replaced-", ".restoring")
_SQLITE_HEADER = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html, 1.3


def backup_database(source: Path, target: Path) -> int:
    """Copy a database while others use it; an older backup at `target` is replaced in one step.

    Returns:
        The size of the backup in bytes.

    Raises:
        StorageError: there is nothing to copy, or `target` must not or cannot be written.
    """
    if not source.is_file():
        raise StorageError(f"There is no database at {source} yet, so there is nothing to back up.")
    _refuse_valuable(source, target)
    copy_database(source, target)
    return target.stat().st_size


def expire_copies(database: Path, now: datetime) -> int:
    """Delete the copies LLMOS made of a database more than `COPY_DAYS` ago; returns how many files."""
    expired = [
        path
        for path in database.parent.glob(f"{database.name}.*")
        if path.name.startswith(tuple(f"{database.name}{mark}" for mark in _COPIES))
        and path.stat().st_mtime < (now - timedelta(days=COPY_DAYS)).timestamp()
    ]
    for path in expired:
        path.unlink(missing_ok=True)
        _log.info("an old copy of the database was removed: %s", path)
    return len(expired)


def _refuse_valuable(source: Path, target: Path) -> None:
    """A slip of the finger must not put a backup over the database itself or over the key file."""
    try:
        if not target.exists():
            return
        if target.samefile(source):
            raise StorageError(f"{target} is the database itself. Name another file for the backup.")
        with target.open("rb") as file:
            known = file.read(len(_SQLITE_HEADER))
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}. Choose another place.") from error
    if known not in (b"", _SQLITE_HEADER):
        raise StorageError(f"{target} exists and is no backup, so it was left as it is. Name another file.")
