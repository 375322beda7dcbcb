"""The data folder, the key file in it, and the space on its disk."""

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from humanize import naturalsize

from bot.cli.checkups import Finding
from bot.config import Config
from bot.core.text import _
from bot.storage.seal import KEY_FILE_NAME

LEAST_FREE_BYTES = 500_000_000
"""Room for about a million messages and a backup of them."""


async def findings(config: Config) -> AsyncIterator[Finding]:
    """Whether the bot can keep what it has to keep."""
    folder = config.bot.data_dir
    yield await asyncio.to_thread(_writable, folder)
    yield _key_file(folder / KEY_FILE_NAME)
    yield _space(folder)


def _writable(folder: Path) -> Finding:
    place = nearest_folder(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        fix = _("Let the user that runs LLMOS write there: chown USER {path}", path=place)
        return Finding("data folder", False, f"{place}: {error.strerror}", fix)
    detail = str(folder) if place == folder else _("{path} is made at the first start.", path=folder)
    return Finding("data folder", True, detail)


def _key_file(path: Path) -> Finding:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return Finding("key file", True, _("{path} is made at the first start.", path=path))
    except OSError as error:
        fix = _("Give the file to the user that runs LLMOS.")
        return Finding("key file", False, f"{path}: {error.strerror}", fix)
    if mode & 0o077:
        detail = _("Other users can read {path} (mode {mode}).", path=path, mode=f"{mode:04o}")
        return Finding("key file", False, detail, f"chmod 600 {path}")
    if not os.access(path, os.R_OK):
        detail = _("{path} cannot be read.", path=path)
        return Finding("key file", False, detail, _("Give the file to the user that runs LLMOS."))
    return Finding("key file", True, f"{path} ({mode:04o})")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(nearest_folder(folder)).free
    detail = _("{free} free", free=naturalsize(free))
    if free < LEAST_FREE_BYTES:
        fix = _("Free some space, or put data_dir on another disk; a full disk stops the bot.")
        return Finding("disk", False, detail, fix)
    return Finding("disk", True, detail)


def nearest_folder(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(place for place in (path, *path.parents) if place.is_dir())
