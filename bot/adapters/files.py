"""Files that an account has to remember, which nobody else may read."""

import os
from pathlib import Path


def write_private(path: Path, content: str) -> None:
    """Replace a file by one that only we can read; it is the old one or the new one at any moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
