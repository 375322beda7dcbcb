"""Paths as people write them: whatever is in them, asking about one never fails."""

from pathlib import Path


def obstacle(path: Path) -> str | None:
    """Why nothing can be made or read at a path, in the system's words; None if nothing is in the way."""
    try:
        path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None


def expanded(path: Path) -> Path:
    """The path with `~` replaced; as it is where nobody has that home."""
    try:
        return path.expanduser()
    except RuntimeError:  # no such user
        return path


def is_there(path: Path) -> bool:
    """True when something is there that may be seen; a name that no file can have is not."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, in a folder that is closed to us, or with a NUL in it
        return False
