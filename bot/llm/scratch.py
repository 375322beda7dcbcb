"""Folders for work in progress: gone when the work ends, however it ends."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".llmos-"


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A new folder inside `parent`, so that what is done can be renamed into place.

    It goes when the block ends. A process that was killed leaves its folder behind; the next one to work
    here removes it.

    Raises:
        OSError: the parent cannot be written to.
    """
    import psutil  # noqa: PLC0415 - half a megabyte

    for left in parent.glob(f"{_PREFIX}*-*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)  # another process may be at the same
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent) as made:
        yield Path(made)
