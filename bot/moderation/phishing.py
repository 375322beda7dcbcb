"""Domains known for phishing: the list shipped with LLMOS (see NOTICE), or a newer one of the operator's.

Such lists age fast: of a newer community list, the shipped one knows about half. A file of the same form, one
domain a line, plain or gzip, takes its place.
"""

import gzip
import logging
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

from bot.core.errors import ConfigError
from bot.core.text import _
from bot.moderation.links import Link, host_of

log = logging.getLogger(__name__)

FILE_NAMES = ("phishing_domains.txt", "phishing_domains.txt.gz")
"""In the data folder, the first of these takes the place of the shipped list."""

MAX_BYTES = 64 << 20
"""Of a list when it is unpacked; more is no list of domains."""

_SHIPPED = "phishing_domains.txt.gz"


class Domains:
    """A list of domains and addresses; everything below a listed domain is on it."""

    def __init__(self, lines: Iterable[str]) -> None:
        entries = (line.strip().lower() for line in lines)
        self._listed = frozenset(entry for entry in entries if entry and not entry.startswith("#"))

    def __len__(self) -> int:
        return len(self._listed)

    def find(self, link: Link) -> str | None:
        """The entry under which a link is listed."""
        for domain in link.domains:
            if domain in self._listed:
                return domain
        address = f"{link.host}{link.path}".lower().rstrip("/")
        return address if address in self._listed else None


@cache
def shipped() -> Domains:
    """The list that comes with LLMOS."""
    packed = files("bot.moderation.data").joinpath(_SHIPPED).read_bytes()
    return Domains(gzip.decompress(packed).decode().splitlines())


_in_use: list[Domains] = []


def domains() -> Domains:
    """The list in use."""
    return _in_use[0] if _in_use else shipped()


def use(list_in_use: Domains | None) -> None:
    """Take another list from now on; None for the shipped one."""
    _in_use[:] = [] if list_in_use is None else [list_in_use]


def use_newest(folder: Path) -> None:
    """Take the list in the data folder if there is one.

    Raises:
        ConfigError: it cannot be read, or is no list of domains.
    """
    found = next((folder / name for name in FILE_NAMES if (folder / name).exists()), None)
    if found is None:
        use(None)
        return
    lines = _read(found)
    strange = next((line for line in lines if not _is_entry(line)), None)
    if strange is not None:
        raise ConfigError(
            _("{path} is no list of domains: {line} is none.", path=found, line=repr(strange[:80]))
        )
    use(Domains(lines))
    log.info("phishing list: %s entries of %s", len(domains()), found)


def _read(path: Path) -> list[str]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(_("{path} is too big for a list of domains.", path=path))
        return data.decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(_("{path} cannot be read: {why}.", path=path, why=error)) from error


def _is_entry(line: str) -> bool:
    entry = line.strip()
    if not entry or entry.startswith("#"):
        return True
    return " " not in entry and "." in host_of(entry.partition("/")[0])
