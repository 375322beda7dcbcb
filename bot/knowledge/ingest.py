"""Reading what an operator points at: a file, a folder, a checkout, JSON lines. Nothing is fetched or run."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.core.errors import ConfigError, Unreadable
from bot.core.text import _
from bot.knowledge.document import Document, Section
from bot.knowledge.extracting import PAGES, PROSE, USUAL, extract, too_large

MAX_BYTES = USUAL.bytes
"""Of a document; a larger file is left out and named."""
MAX_CODE_BYTES = 256 * 1024
"""Of a tracked file that is no prose: what is larger was written by a program, or is data."""
MAX_LINE_BYTES = 2 * 1024 * 1024
MAX_FILES = 50_000
_PROSE = PROSE | PAGES | {".pdf", ".jsonl"}
_GENERATED = frozenset({".lock", ".map", ".svg", ".csv", ".tsv", ".po", ".pot", ".patch", ".diff", ".sum"})
"""Of texts that a checkout tracks and nobody reads."""
_SNIFFED = 8192
_GIT_S = 60.0
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})


@dataclass(slots=True)
class Reading:
    """What became of a source.

    Attributes:
        files: how many there are, once that is known.
        read: how many of them were looked at.
        problems: (where, why) of what was left out.
        notes: (where, what) to know of what was read.
    """

    documents: int = 0
    files: int | None = None
    read: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


class _Line(BaseModel):
    """A line of a .jsonl source; fields that are not named here are ignored."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: str = Field(min_length=1)
    title: str = ""
    text: str
    created_at: AwareDatetime | float | str | None = None
    link: str | None = ""


_LINE = TypeAdapter(_Line)


def read(source: str, reading: Reading) -> Iterator[Document]:
    """The documents of a source; what cannot be read is left out and told in `reading`.

    For a thread without a running loop.

    Raises:
        ConfigError: there is no such source.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise ConfigError(_("There is no file or folder called {path}.", path=path))
    for document in _folder(path, reading) if path.is_dir() else _file(path, path.name, reading):
        reading.documents += 1
        yield document


def _folder(folder: Path, reading: Reading) -> Iterator[Document]:
    tracked = _tracked(folder, reading)
    if tracked is not None:
        found = [path for path in tracked if path.suffix.lower() in _PROSE or _is_code(path, reading)]
    else:
        found = [path for path in _walk(folder) if path.suffix.lower() in _PROSE]
    paths = sorted(found)
    if len(paths) > MAX_FILES:
        reading.notes.append((str(folder), _("Only the first {n} files were read.", n=MAX_FILES)))
    reading.files = min(len(paths), MAX_FILES)
    for path in paths[:MAX_FILES]:
        yield from _file(path, f"{folder.resolve().name}/{path.relative_to(folder).as_posix()}", reading)
        reading.read += 1


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder; links are not followed, hidden folders and installed packages are left out."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS]
        for name in names:
            path = Path(root) / name
            if not name.startswith(".") and _is_plain(path):
                yield path


def _tracked(folder: Path, reading: Reading) -> list[Path] | None:
    """The files that a git checkout tracks here, or None if it is none, or tracks none here."""
    if not any((place / ".git").exists() for place in (folder.resolve(), *folder.resolve().parents)):
        return None
    # no hooks and no helpers of the checkout: listing runs none, and its settings are not asked
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), "ls-files", "-z"]
    env: Mapping[str, str] = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        listed = subprocess.run(  # noqa: S603 - no shell, and the folder is an argument
            command, capture_output=True, timeout=_GIT_S, check=True, env=env
        )
    except (OSError, subprocess.SubprocessError):
        told = _("git could not list it, so what it ignores was read too.")
        reading.notes.append((str(folder), told))
        return None
    names = dict.fromkeys(os.fsdecode(name) for name in listed.stdout.split(b"\0") if name)
    return [path for name in names if _is_plain(path := folder / name)] or None


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_code(path: Path, reading: Reading) -> bool:
    """Whether a tracked file is a text that somebody wrote."""
    if path.name.startswith(".") or path.suffix.lower() in _GENERATED or ".min." in path.name:
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
        return bool(start) and b"\0" not in start and path.stat().st_size <= MAX_CODE_BYTES
    except OSError as error:
        reading.problems.append((str(path), error.strerror or str(error)))
        return False


def _file(path: Path, name: str, reading: Reading) -> Iterator[Document]:
    try:
        if path.suffix.lower() == ".jsonl":
            yield from _json_lines(path, name, reading)
            return
        if path.stat().st_size > MAX_BYTES:
            raise too_large(MAX_BYTES)
        found = asyncio.run(extract(path.read_bytes(), path.name))
        if found.left_out:
            reading.notes.append((name, found.left_out))
        title = found.title or (name if found.code else path.stem)
        section = Section(found.text, _modified(path), link=name)
        yield Document(name, title, (section,), plain=found.code)
    except Unreadable as error:
        reading.problems.append((name, str(error)))
    except OSError as error:
        reading.problems.append((name, error.strerror or str(error)))


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _json_lines(path: Path, name: str, reading: Reading) -> Iterator[Document]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                _skip_line(file.readline, line)
                why = _("It is longer than {n} MB.", n=MAX_LINE_BYTES // 1024 // 1024)
                reading.problems.append((_("{file}, line {n}", file=name, n=number), why))
            elif line.strip():
                yield from _json_line(line, path, name, number, reading)


def _skip_line(readline: Callable[[int], bytes], start: bytes) -> None:
    rest = start
    while rest and not rest.endswith(b"\n"):
        rest = readline(MAX_LINE_BYTES)


def _json_line(line: bytes, path: Path, name: str, number: int, reading: Reading) -> Iterator[Document]:
    try:
        told = _LINE.validate_python(json.loads(line.decode("utf-8-sig")))
        at = _instant(told.created_at) or _modified(path)
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, OverflowError, RecursionError) as error:
        why = str(error)
    else:
        if told.text.strip() or told.title.strip():
            section = Section(told.text or told.title, at, link=told.link or "")
            yield Document(told.id, told.title, (section,))
        return
    reading.problems.append((_("{file}, line {n}", file=name, n=number), why))


def _instant(value: datetime | float | str | None) -> datetime | None:
    """Seconds since 1970 or an ISO date; without a zone it is UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = float(value) if value.replace(".", "", 1).isdigit() else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return datetime.fromtimestamp(value, UTC)
