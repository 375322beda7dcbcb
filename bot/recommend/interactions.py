"""Past interactions as columns, and the files they are read from, checked row by row."""

import csv
import gzip
import math
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bot.core.errors import ConfigError
from bot.core.text import _, ngettext
from bot.recommend.rows import Floats, Ints

NEEDED, THREAD_NEEDED = ("user", "thread", "timestamp"), ("thread",)
"""Columns without which a file says nothing."""

MOST_PROBLEMS = 10
"""So many wrong rows of a file are named."""

LONGEST_CELL = 10_000_000
"""Characters; the texts of threads are longer than the 131,072 that csv allows."""


@dataclass(frozen=True, slots=True)
class Interactions:
    """What happened in a community, in order of time, as columns.

    Attributes:
        member_ids, thread_ids: the ids, by number.
        members, threads: numbers, int64 (interactions,).
        times: unix seconds, float64 (interactions,), ascending.
        born: unix seconds, float64 (threads,).
        authors: numbers of members, -1 for unknown, int64 (threads,).
    """

    member_ids: tuple[str, ...]
    thread_ids: tuple[str, ...]
    members: Ints
    threads: Ints
    times: Floats
    born: Floats
    authors: Ints

    def __len__(self) -> int:
        return len(self.times)

    def moment(self, share: float) -> float:
        """The moment at a share (0..1) of the whole time span, unix seconds."""
        return float(self.times[0] + share * (self.times[-1] - self.times[0]))


def read(interactions: Path, threads: Path | None = None, kinds: Collection[str] = ()) -> Interactions:
    """Read a file of interactions (.csv or .csv.gz), and one of threads if there is one.

    Args:
        interactions: columns user, thread, timestamp (unix seconds), and kind if `kinds` are asked for.
        threads: columns thread and, where known, created_at and author. Without the file, or without
            created_at, a thread is as old as its first interaction.
        kinds: only interactions of these kinds; all if empty. Threads stay.

    Raises:
        ConfigError: a file cannot be read or is wrong; names the first ten wrong rows.
    """
    known = _read_threads(threads) if threads is not None else None
    return _read_interactions(interactions, known, frozenset(kinds)).columns()


@dataclass(slots=True)
class _Known:
    """What is known so far; numbers are given in the order of appearance."""

    members: dict[str, int] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)
    born: list[float] = field(default_factory=list)
    authors: list[int] = field(default_factory=list)
    rows: list[tuple[int, int, float]] = field(default_factory=list)

    def member(self, name: str) -> int:
        return self.members.setdefault(name, len(self.members))

    def open(self, name: str, born: float, author: str = "") -> int:
        self.born.append(born)
        self.authors.append(self.member(author) if author else -1)
        return self.threads.setdefault(name, len(self.threads))

    def columns(self) -> Interactions:
        members, threads, times = zip(*self.rows, strict=True)
        return Interactions(
            tuple(self.members),
            tuple(self.threads),
            np.array(members, np.int64),
            np.array(threads, np.int64),
            np.array(times, np.float64),
            np.array(self.born, np.float64),
            np.array(self.authors, np.int64),
        )


class _Problems:
    """Wrong rows of one file, told together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: list[str] = []
        self._count = 0

    def at(self, row: int, problem: str) -> None:
        self._count += 1
        if self._count <= MOST_PROBLEMS:
            self._told.append(_("row {row}: {problem}", row=row, problem=problem))

    def tell(self) -> None:
        """Raise, if there were any."""
        if self._count:
            more = self._count - len(self._told)
            told = [*self._told, ngettext("and {n} more", "and {n} more", more)] if more else self._told
            raise ConfigError("\n  ".join((f"{self._path}:", *told)))


def _read_threads(path: Path) -> _Known:
    known, problems, now = _Known(), _Problems(path), time.time()
    for row, cells in _rows(path, THREAD_NEEDED):
        name, created = cells["thread"], cells.get("created_at", "")
        born = _seconds(created, now) if created else math.inf
        if not name:
            problems.at(row, _("the id of the thread is missing"))
        elif name in known.threads:
            problems.at(row, _("thread {thread} is there twice", thread=name))
        elif isinstance(born, str):
            problems.at(row, f"created_at {created!r}: {born}")
        else:
            known.open(name, born, cells.get("author", ""))
    problems.tell()
    return known


def _read_interactions(path: Path, threads: _Known | None, kinds: frozenset[str]) -> _Known:
    known, problems, now = threads or _Known(), _Problems(path), time.time()
    before, seen = -math.inf, set[tuple[str, str, float, str]]()
    for row, cells in _rows(path, (*NEEDED, "kind") if kinds else NEEDED):
        member, name, kind = cells["user"], cells["thread"], cells.get("kind", "")
        at = _seconds(cells["timestamp"], now)
        if not member or not name:
            problems.at(row, _("the id of the user or of the thread is missing"))
        elif isinstance(at, str):
            problems.at(row, f"timestamp {cells['timestamp']!r}: {at}")
        elif threads is not None and name not in known.threads:
            problems.at(row, _("thread {thread} is not in the file of threads", thread=name))
        elif at < before:
            problems.at(row, _("it is older than the row before it; sort the file by timestamp"))
        elif (member, name, at, kind) in seen:
            problems.at(row, _("the same user, thread, timestamp and kind were there before"))
        else:
            seen.add((member, name, at, kind))
            before = at
            _note(known, member, name, at, counts=not kinds or kind in kinds)
    problems.tell()
    if not known.rows:
        raise ConfigError(_("{file}: there are no interactions in it.", file=path))
    return known


def _note(known: _Known, member: str, name: str, at: float, counts: bool) -> None:
    """An interaction; its thread is as old as the first of any kind, unless it is known better."""
    thread = known.threads.get(name)
    if thread is None:
        thread = known.open(name, at)
    elif known.born[thread] == math.inf:
        known.born[thread] = at
    if counts:
        known.rows.append((known.member(member), thread, at))


def _seconds(text: str, now: float) -> float | str:
    """Unix seconds, or what is wrong with them."""
    try:
        at = float(text)
    except ValueError:
        return _("expected unix seconds, such as 1700000000")
    if not math.isfinite(at) or at < 0:
        return _("expected unix seconds, such as 1700000000")
    if at > now:
        milliseconds = at / 1000 <= now and at > 1e11  # the year 5138 in seconds, 1973 in milliseconds
        return _("milliseconds? Divide by 1000") if milliseconds else _("it lies in the future")
    return at


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each row with its number as an editor or spreadsheet shows it: the heading is row 1."""
    with _translating(path):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            csv.field_size_limit(LONGEST_CELL)
            reader = csv.reader(file, strict=True)
            heading = next(reader, None)
            if heading is None:
                raise ConfigError(_("{file}: it is empty.", file=path))
            _check(path, heading, needed)
            for row, cells in enumerate(reader, start=2):
                if not cells:
                    continue
                if len(cells) != len(heading):
                    told = _("{n} cells, but {columns} columns", n=len(cells), columns=len(heading))
                    raise ConfigError(f"{path}:\n  " + _("row {row}: {problem}", row=row, problem=told))
                yield row, dict(zip(heading, cells, strict=True))


def _check(path: Path, heading: list[str], needed: tuple[str, ...]) -> None:
    missing = [name for name in needed if name not in heading]
    if missing:
        raise ConfigError(
            _(
                "{file}:\n  row 1: these columns are missing: {missing}; there are: {there}",
                file=path,
                missing=", ".join(missing),
                there=", ".join(heading),
            )
        )
    twice = sorted({name for name in heading if heading.count(name) > 1})
    if twice:
        raise ConfigError(
            _("{file}:\n  row 1: these columns are there twice: {twice}", file=path, twice=", ".join(twice))
        )


@contextmanager
def _translating(path: Path) -> Iterator[None]:
    """Say what is wrong with a file as a whole."""
    try:
        yield
    except FileNotFoundError as error:
        raise ConfigError(_("{file}: there is no such file.", file=path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(_("{file}: it is not UTF-8 text.", file=path)) from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ConfigError(_("{file}: it is not a whole gzip file.", file=path)) from error
    except csv.Error as error:
        raise ConfigError(_("{file}: it is no CSV: {why}", file=path, why=error)) from error
    except OSError as error:
        raise ConfigError(_("{file}: it cannot be read: {why}", file=path, why=error.strerror)) from error
