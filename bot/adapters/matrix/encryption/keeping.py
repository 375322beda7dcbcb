"""The files of a device's keys: only we can read them, and only one process uses them at a time."""

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.files import write_private
from bot.core.errors import NeedsOperator, PlatformError

_PICKLE_KEY = "keys.secret"
_LOCK = "keys.lock"
_KEY_BYTES = 32


class InUse(NeedsOperator):
    """Another process has this device; one of the two has to end."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Held until it is released, or the process ends."""

    descriptor: int

    def release(self) -> None:
        """Let others in."""
        os.close(self.descriptor)


def lock(folder: Path) -> Lock:
    """Keep other processes from these keys: two at once would break the sessions with all devices.

    Raises:
        InUse: another process has them.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InUse(f"another LLMOS uses the Matrix account in {folder}; end it first") from error
    return Lock(descriptor)


def pickle_key(folder: Path) -> str:
    """What the store's contents are encrypted with; made at first."""
    file = folder / _PICKLE_KEY
    if not file.exists():
        write_private(file, secrets.token_urlsafe(_KEY_BYTES))
    return file.read_text("utf-8").strip()


def read_json(file: Path) -> dict[str, str] | None:
    """Texts by name, or None if there is no such file.

    Raises:
        PlatformError: it is damaged.
    """
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise PlatformError(f"{file} is damaged; put your backup of it there") from error
    return {str(name): str(value) for name, value in found.items()}
