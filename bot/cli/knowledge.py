"""`llmos knowledge`: documents that the bot answers from, added, asked and measured by the operator."""

import asyncio
import json as jsonlib
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import App, Parameter
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from bot import logs
from bot.cli.options import ConfigOption, JsonFlag, print_json, print_line, speak_operators_language
from bot.config import load
from bot.core.errors import ConfigError, StorageError, Unreachable, Unreadable
from bot.core.text import _, ngettext
from bot.knowledge.answering import Answer
from bot.knowledge.answering import ask as answer
from bot.knowledge.document import Document
from bot.knowledge.evaluation import Question
from bot.knowledge.evaluation import evaluate as measure
from bot.knowledge.fetching import ADDRESS, Fetcher
from bot.knowledge.index import Embedding, Index
from bot.knowledge.ingest import Reading, read
from bot.knowledge.public import public_and
from bot.knowledge.search import Search
from bot.knowledge.similar import duplicates
from bot.knowledge.web import read_page
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from bot.storage.passages import COMMON, Shelf
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.store import Store

command = App(name="knowledge", help="Add documents, ask them questions, measure the answers.")

CommunityOption = Annotated[
    str,
    Parameter(name="--community", help="platform/community, such as discord/1234; without it: all of them."),
]
SHOWN_PROBLEMS = 20


@command.command
def add(
    source: str, *, community: CommunityOption = COMMON, config: ConfigOption = None, json: JsonFlag = False
) -> None:
    """Add an address, a file, a folder, a git checkout, or JSON lines; what was added before is replaced.

    Args:
        source: a web address, Markdown, text, HTML, PDF, a folder of these, what a git checkout tracks, or a
            .jsonl of id, title, text, created_at, link.
    """
    speak_operators_language()
    logs.set_up()
    reading = Reading()
    passages = asyncio.run(_add(config, source, community, reading))
    _tell([_("{where}: left out. {why}", where=where, why=why) for where, why in reading.problems])
    _tell([f"{where}: {what}" for where, what in reading.notes])
    if json:
        problems = [{"where": where, "why": why} for where, why in reading.problems]
        notes = [{"where": where, "what": what} for where, what in reading.notes]
        print_json(
            {
                "documents": reading.documents,
                "passages": passages,
                "left_out": problems,
                "notes": notes,
            }
        )
    else:
        print_line(
            ngettext(
                "{n} document is in, as {passages} passages.",
                "{n} documents are in, as {passages} passages.",
                reading.documents,
                passages=passages,
            )
        )


@command.command
def ask(
    question: str, *, community: CommunityOption = COMMON, config: ConfigOption = None, json: JsonFlag = False
) -> None:
    """Answer from what was added, in its own words, with sources; or say that it is not there."""
    speak_operators_language()
    logs.set_up()
    (given,) = asyncio.run(_ask(config, [question], community))
    if json:
        print_json(_as_json(given))
        return
    print_line(given.text)
    if not given.abstained:
        print_line()
        for number, source in enumerate(given.sources, start=1):
            print_line(" ".join(filter(None, (f"[{number}]", source.title or source.id, source.link))))


@command.command
def similar() -> None:
    """Read JSON lines {"id","text","text_b"} on stdin; write {"id","duplicate"}: do they ask the same?"""
    speak_operators_language()
    logs.set_up()
    pairs = [_parsed(_PAIR, line, number) for number, line in _numbered(sys.stdin)]
    chances = duplicates([(pair.text, pair.text_b) for pair in pairs], _embedder())
    for pair, chance in zip(pairs, chances, strict=True):
        told = {"id": pair.id, "duplicate": round(chance, 4)}
        print_line(jsonlib.dumps(told, ensure_ascii=False))


@command.command
def evaluate(
    *,
    questions: Annotated[Path, Parameter(help='JSON lines {"question","relevant":[id, …]}.')],
    community: CommunityOption = COMMON,
    config: ConfigOption = None,
    json: JsonFlag = False,
) -> None:
    """Measure how well questions of a file are answered; an empty `relevant` means: cannot be answered."""
    speak_operators_language()
    logs.set_up()
    try:
        lines = questions.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(_("{path} cannot be read: {why}.", path=questions, why=error)) from error
    asked = [_parsed(_QUESTION, line, number) for number, line in _numbered(lines)]
    known = [Question(each.question, tuple(each.relevant)) for each in asked]
    scores = measure(known, asyncio.run(_ask(config, [each.question for each in known], community)))
    report = {
        "questions": scores.questions,
        "unanswerable": scores.unanswerable,
        "recall@5": _rounded(scores.recall),
        "mrr": _rounded(scores.mrr),
        "supported": _rounded(scores.supported),
        "abstention_precision": _rounded(scores.abstention_precision),
        "abstention_recall": _rounded(scores.abstention_recall),
    }
    if json:
        print_json(report)
    else:
        for name, value in report.items():
            print_line(f"{name:<22} {'–' if value is None else value}")


@command.command(name="list")
def list_documents(
    *, community: CommunityOption = COMMON, config: ConfigOption = None, json: JsonFlag = False
) -> None:
    """List what was added: id, passages, title."""
    speak_operators_language()
    shelves = asyncio.run(_list(config, community))
    if json:
        rows = [{"id": each.document, "title": each.title, "passages": each.passages} for each in shelves]
        print_json({"documents": rows})
        return
    for each in shelves:
        print_line(f"{each.document}  {each.passages}  {each.title}")
    if not shelves:
        print_line(_("Nothing was added yet. Add something: llmos knowledge add FILE"))


@command.command
def remove(*ids: str, community: CommunityOption = COMMON, config: ConfigOption = None) -> None:
    """Remove documents by their ids, from every index at once.

    Args:
        ids: as `llmos knowledge list` shows them.
    """
    speak_operators_language()
    removed = asyncio.run(_remove(config, ids, community))
    print_line(ngettext("{n} passage is removed.", "{n} passages are removed.", removed))


class _Pair(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)
    id: str
    text: str
    text_b: str


class _Asked(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)
    question: str
    relevant: list[str]


_Line = TypeVar("_Line", bound=BaseModel)
_PAIR, _QUESTION = TypeAdapter(_Pair), TypeAdapter(_Asked)


def _tell(lines: Sequence[str]) -> None:
    """Some of them on stderr, and how many more there are."""
    for line in lines[:SHOWN_PROBLEMS]:
        sys.stderr.write(line + "\n")
    if len(lines) > SHOWN_PROBLEMS:
        sys.stderr.write(_("… and {n} more like these", n=len(lines) - SHOWN_PROBLEMS) + "\n")


async def _add(config: Path | None, source: str, community: str, reading: Reading) -> int:
    named = ADDRESS.fullmatch(source)
    documents = iter([await _fetched(config, source, reading)]) if named else read(source, reading)
    async with _index(config) as index:
        with _counting(reading, embeds=index.embedder is not None) as embedded:
            return await index.add(community, documents, embedded=embedded)


async def _fetched(config: Path | None, address: str, reading: Reading) -> Document:
    """A page, from where `knowledge add` in a chat may fetch it.

    Raises:
        ConfigError: it cannot be fetched or read.
    """
    allowed = public_and(load(config, secrets=False).knowledge.allow)
    with Console(stderr=True).status(_("Reading {address}", address=address)):
        try:
            document, left_out = await read_page(Fetcher(allowed=allowed), address, datetime.now(UTC))
        except (Unreachable, Unreadable) as error:
            raise ConfigError(
                _("Nothing was added from {address}. {why}", address=address, why=error)
            ) from error
    reading.documents = reading.files = reading.read = 1
    if left_out:
        reading.notes.append((address, left_out))
    return document


async def _ask(config: Path | None, questions: Sequence[str], community: str) -> list[Answer]:
    now = datetime.now(UTC)
    async with _index(config) as index:
        search = Search(index)
        return [await answer(search, question, community, now) for question in questions]


async def _list(config: Path | None, community: str) -> Sequence[Shelf]:
    async with _opened(config) as store:
        return await store.passages.documents(community)


async def _remove(config: Path | None, ids: Sequence[str], community: str) -> int:
    async with _opened(config) as store:
        known = {each.document for each in await store.passages.documents(community)}
        unknown = sorted(set(ids) - known)
        if unknown:
            raise StorageError(
                _("There is no document {id}. `llmos knowledge list` shows what there is.", id=unknown[0])
            )
        return await store.passages.remove(community, ids)


@asynccontextmanager
async def _index(config: Path | None) -> AsyncIterator[Index]:
    async with _opened(config) as store:
        yield Index(store.passages, store.privacy, await asyncio.to_thread(_embedder))


@asynccontextmanager
async def _opened(config: Path | None) -> AsyncIterator[Store]:
    settings = load(config, secrets=False)
    if settings.storage.path is None:
        raise StorageError(
            _(
                "Knowledge needs a SQLite database in this version: searching in PostgreSQL is not written "
                "yet. Set [storage] url to sqlite:///data/llmos.db, or do without knowledge."
            )
        )
    store = await Store.open(settings.storage.full_url(), settings.bot.data_dir / KEY_FILE_NAME)
    try:
        yield store
    finally:
        await store.close()


def _embedder() -> Embedding | None:
    folder = available()
    if folder is not None:
        return Embedder(folder)
    sys.stderr.write(
        _(
            "Comparing words only: the model that compares meanings is not here. "
            "Fetch it with: llmos models pull all-minilm-l6-v2"
        )
        + "\n"
    )
    return None


@contextmanager
def _counting(reading: Reading, *, embeds: bool) -> Iterator[Callable[[int, int], None]]:
    """Bars on a terminal: files, their documents, and passages that the model has read."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bars:
        files = bars.add_task(_("files"), total=None, visible=False)
        documents = bars.add_task(_("documents"), total=None)
        passages = bars.add_task(_("passages for the model"), total=None, visible=embeds)

        def embedded(done: int, of: int) -> None:
            bars.update(files, completed=reading.read, total=reading.files, visible=bool(reading.files))
            bars.update(documents, completed=reading.documents)
            bars.update(passages, completed=done, total=of)

        yield embedded


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())


def _parsed(kind: TypeAdapter[_Line], line: str, number: int) -> _Line:
    try:
        return kind.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        why = f"{where}: {first['msg']}" if where else first["msg"]
        raise ConfigError(_("Line {n} cannot be used: {why}", n=number, why=why)) from error


def _as_json(given: Answer) -> dict[str, object]:
    return {
        "answer": given.text,
        "abstained": given.abstained,
        "confidence": round(given.confidence, 4),
        "sources": [
            {"id": source.id, "title": source.title, "link": source.link, "quote": source.quote}
            for source in given.sources
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
