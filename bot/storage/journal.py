"""Who was forgotten or opted out, in a file that outlives the database, so that a restored backup obeys it.

One JSON line each, with a pseudonym and a time; nobody is named. Without it, a backup made before
somebody was forgotten would bring them back.
"""

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from bot.core.errors import StorageError
from bot.storage.files import sync

JOURNAL_FILE_NAME = "privacy.jsonl"
"""Its name, beside the key file."""


class Wish(Enum):
    """What a person asked for."""

    FORGET = "forget"
    OPT_OUT = "optout"
    OPT_IN = "optin"


@dataclass(frozen=True, slots=True)
class Entry:
    """One wish of one person."""

    wish: Wish
    pseudonym: str
    at: datetime


class Journal:
    """An append-only file; an entry is on disk before the database obeys it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, entry: Entry) -> int:
        """Write an entry; durable on return. Returns how many there are now.

        Raises:
            StorageError: it cannot be written.
        """
        line = json.dumps({"wish": entry.wish.value, "who": entry.pseudonym, "at": entry.at.isoformat()})
        try:
            new = not self._path.exists()
            with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # the command line writes beside a running bot
                data = file.read()
                file.truncate(_whole_lines(data))
                file.seek(0, os.SEEK_END)
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if new:
                sync(self._path.parent)
            return data.count(b"\n") + 1
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be written: {error.strerror}. Nothing was changed. "
                "Free some space, or let the user LLMOS runs as write there."
            ) from error

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first.

        Raises:
            StorageError: the file cannot be read or holds something else.
        """
        try:
            data = self._path.read_bytes() if self._path.exists() else b""
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be read: {error.strerror}. Run: chmod 600 {self._path}"
            ) from error
        return tuple(self._entry(line) for line in data[: _whole_lines(data)].splitlines())

    def _entry(self, line: bytes) -> Entry:
        try:
            found = json.loads(line)
            return Entry(Wish(found["wish"]), found["who"], datetime.fromisoformat(found["at"]))
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{self._path} has a line that cannot be understood. It says who asked to be "
                "forgotten, so it must be mended by hand: each line is one JSON object."
            ) from error


def _whole_lines(data: bytes) -> int:
    """Where the last whole line ends; what follows was torn by a crash and never acknowledged."""
    return data.rfind(b"\n") + 1
