"""Reading what an operator points at: a file, a folder, a checkout, JSON lines. Nothing is fetched or run."""

import json
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.core.errors import ConfigError
from bot.core.text import _
from bot.knowledge.document import Document, Section

MAX_BYTES = 20 * 1024 * 1024
"""Of a document; a larger file is left out and named."""
MAX_LINE_BYTES = 2 * 1024 * 1024
MAX_PAGES = 2_000
MAX_PDF_CHARACTERS = 2_000_000
MAX_FILES = 50_000
TEXTS = frozenset({".md", ".markdown", ".txt", ".rst", ".adoc", ".org"})
_SNIFFED = 8192
_GIT_S = 60.0
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})


@dataclass(slots=True)
class Reading:
    """What became of a source. `problems`: (where, why) of what was left out."""

    documents: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


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

    Raises:
        ConfigError: there is no such source, or it is a kind that is not read.
    """
    if "://" in source:
        raise ConfigError(
            _(
                "{source} is an address: this version reads files and folders only. Fetch it first, for "
                "example with git clone or curl, and add what that wrote.",
                source=source,
            )
        )
    path = Path(source).expanduser()
    if not path.exists():
        raise ConfigError(_("There is no file or folder called {path}.", path=path))
    for document in _folder(path, reading) if path.is_dir() else _file(path, path.name, reading):
        reading.documents += 1
        yield document


def _folder(folder: Path, reading: Reading) -> Iterator[Document]:
    files = _tracked(folder)
    paths = sorted(files if files is not None else _walk(folder))
    if len(paths) > MAX_FILES:
        told = _("only the first {n} files were read", n=MAX_FILES)
        reading.problems.append((str(folder), told))
    for path in paths[:MAX_FILES]:
        if path.suffix.lower() in _READERS:
            yield from _file(path, f"{folder.resolve().name}/{path.relative_to(folder)}", reading)


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder; links are not followed, hidden folders and installed packages are left out."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS]
        for name in names:
            path = Path(root) / name
            if not name.startswith(".") and not path.is_symlink():
                yield path


def _tracked(folder: Path) -> list[Path] | None:
    """The files that a git checkout tracks, or None if it is none, or git is not installed."""
    if not (folder / ".git").exists():
        return None
    # no hooks and no helpers of the checkout: listing runs none, and its settings are not asked
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), "ls-files", "-z"]
    try:
        listed = subprocess.run(  # noqa: S603 - no shell, and the folder is an argument
            command, capture_output=True, timeout=_GIT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    names = (os.fsdecode(name) for name in listed.stdout.split(b"\0") if name)
    paths = (folder / name for name in names)
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def _file(path: Path, name: str, reading: Reading) -> Iterator[Document]:
    reader = _READERS.get(path.suffix.lower(), _text)
    try:
        if path.suffix.lower() != ".jsonl" and path.stat().st_size > MAX_BYTES:
            reading.problems.append((name, _("it is larger than {n} MB", n=MAX_BYTES // 1024 // 1024)))
            return
        yield from reader(path, name, reading)
    except OSError as error:
        reading.problems.append((name, error.strerror or str(error)))


def _text(path: Path, name: str, reading: Reading) -> Iterator[Document]:
    content = path.read_bytes()
    if b"\0" in content[:_SNIFFED]:
        reading.problems.append((name, _("it is not a text")))
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        reading.problems.append((name, _("it is not UTF-8 text")))
        return
    yield from _whole(path, name, _title(text) or path.stem, text)


def _whole(path: Path, name: str, title: str, text: str) -> Iterator[Document]:
    if text.strip():
        yield Document(name, title, (Section(text, _modified(path), link=name),))


def _title(text: str) -> str:
    """A Markdown file's first heading."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _pdf(path: Path, name: str, reading: Reading) -> Iterator[Document]:
    """A page after the other, until enough was read: a small file can unpack to gigabytes."""
    from pypdf import PdfReader  # noqa: PLC0415 - only for PDF files
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells every oddity of every file
    pages: list[str] = []
    size = 0
    try:
        reader = PdfReader(path, strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            reading.problems.append((name, _("it is locked with a password")))
            return
        for number, page in enumerate(reader.pages, start=1):
            if number > MAX_PAGES or size > MAX_PDF_CHARACTERS:
                reading.problems.append((name, _("only its first {n} pages were read", n=number - 1)))
                break
            pages.append(page.extract_text())
            size += len(pages[-1])
        title = str(reader.metadata.title) if reader.metadata and reader.metadata.title else path.stem
    except (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        reading.problems.append((name, _("it is no PDF that can be read ({why})", why=type(error).__name__)))
        return
    text = "\n\n".join(pages)[:MAX_PDF_CHARACTERS]
    if not text.strip():
        reading.problems.append((name, _("it holds no text, perhaps scanned pages")))
        return
    yield from _whole(path, name, title, text)


def _json_lines(path: Path, name: str, reading: Reading) -> Iterator[Document]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                _skip_line(file.readline, line)
                why = _("it is longer than {n} MB", n=MAX_LINE_BYTES // 1024 // 1024)
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


_Reader = Callable[[Path, str, Reading], Iterator[Document]]
_READERS: dict[str, _Reader] = {
    **dict.fromkeys(TEXTS, _text),
    ".pdf": _pdf,
    ".jsonl": _json_lines,
}
