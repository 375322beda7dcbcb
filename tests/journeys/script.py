"""Journeys: what people do and see, in their own words, one script for all platforms.

    # Comments, and the first line is the title.
    anna: @llmos What is the capital of France?      somebody writes; @llmos addresses the bot on any platform
    > What is the capital of France?                 what then stands in the channel holds this text
    mia (moderator) in help: /channel set answer all a command, as this platform types it, in another channel
    anna deletes: capital of France                  her last message with this text goes away
    anna replies: to what you said                   to the bot's last message in the channel
    ben answers: capital -> it is Paris              the last message of anybody's with the first text
    !> 50 000                                        nothing that stands there holds this text
    moderators> quota                                the moderators are told something with this text
    anna: look at this [[plan.md]] We paint in May.  somebody writes, with a file that says this
    anna: a gift [[gift.jpg]] copy of picture 7      somebody writes, with a picture (see `tests.pictures`)
    library> Hours | https://docs.example/ | At nine. a document that is known before anything is said
    site> /hours | <h1>Hours</h1><p>At nine.</p>     stands at {site}/hours: it is the whole web
    ...                                              nothing is under way any more: all is noted and indexed
    later> 11 minutes                                the bot's clock goes on by so much

`@ben` is a mention of somebody of the script, written as the platform writes it.
Words in scripts are the members'; the model is an echo, so what it says is what it was asked, and as a judge
it finds what offers something for sale.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import select

from bot.config import Config
from bot.knowledge.document import Document, Section
from bot.knowledge.fetching import Fetcher
from bot.knowledge.index import Index
from bot.storage.archive import NEW
from bot.storage.passages import COMMON
from bot.storage.schema import archive, attachments
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.store import Store
from tests.knowledge.site import Site, answer
from tests.living import PATIENCE_S
from tests.messages import EPOCH
from tests.pictures import asked

_LINE = re.compile(
    r"(?P<who>\w+)(?: \((?P<role>moderator|admin)\))?(?: in (?P<room>[\w-]+))?"
    r"(?P<deed>:| deletes:| edits:| replies:| answers:) (?P<text>.+)"
)
_FILE = re.compile(r"(?P<text>.*?)\s*\[\[(?P<name>[^\]]+)\]\] (?P<content>.+)")
_KNOWN = re.compile(r"library> (?P<title>[^|]+) \| (?P<link>[^|]+) \| (?P<text>.+)")
_PAGE = re.compile(r"site> (?P<path>/\S*) \| (?P<html>.+)")
_LATER = re.compile(r"later> (?P<minutes>\d+) minutes")
_SEES = re.compile(r"(?P<kind>!>|moderators>|>) (?P<text>.+)")

Deed = Literal["says", "deletes", "edits", "replies", "answers"]
_DEEDS: dict[str, Deed] = {
    ":": "says",
    " deletes:": "deletes",
    " edits:": "edits",
    " replies:": "replies",
    " answers:": "answers",
}


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody does something; an edit's or answer's text is `old -> new`, a file a name and a content."""

    who: str
    role: str
    room: str
    deed: Deed
    text: str
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """Something that must be seen in the room of the step before."""

    kind: Literal[">", "!>", "moderators>"]
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Until everything the bot began is finished and written down."""


@dataclass(frozen=True, slots=True)
class Later:
    """The bot's clock goes on; people write as before, so it must be less than questions may be old."""

    by: timedelta


@dataclass(frozen=True, slots=True)
class Journey:
    """One script."""

    name: str
    title: str
    lines: tuple[Step | Sight | Pause | Later, ...]
    library: tuple[Document, ...] = ()
    pages: tuple[tuple[str, str], ...] = ()
    """Path and HTML of what stands on the web."""

    @asynccontextmanager
    async def staged(self) -> AsyncIterator[tuple["Journey", Fetcher]]:
        """The journey with its pages where they can be fetched, and what fetches them and nothing else."""
        async with Site({path: answer(html.encode()) for path, html in self.pages}).open() as site:
            here = site.address("")
            lines = tuple(
                replace(line, text=line.text.replace("{site}", here))
                if isinstance(line, Step | Sight)
                else line
                for line in self.lines
            )
            yield replace(self, lines=lines), site.fetcher()

    async def stock(self, config: Config) -> None:
        """Do what an operator does with `llmos knowledge add` before the bot starts."""
        if not self.library:
            return
        config.bot.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = await Store.open(config.storage.full_url(), config.bot.data_dir / KEY_FILE_NAME)
        try:
            await Index(store.passages, store.privacy, None).add(COMMON, self.library)
        finally:
            await store.close()

    @property
    def people(self) -> set[str]:
        return {line.who for line in self.lines if isinstance(line, Step)}

    def mentioning(self, text: str, ids: Mapping[str, str]) -> str:
        """A text with everybody who is mentioned as the platform writes a mention."""
        for name in self.people & ids.keys():
            text = re.sub(rf"@{name}\b", ids[name], text)
        return text

    @property
    def commands(self) -> set[tuple[str, ...]]:
        """Every command that is called and whose effect is looked at, as words."""
        called: set[tuple[str, ...]] = set()
        for line, then in zip(self.lines, self.lines[1:], strict=False):
            if isinstance(line, Step) and line.text.startswith("/") and isinstance(then, Sight):
                called.add(tuple(line.text.removeprefix("/").split()))
        return called

    @property
    def fits_encrypted_rooms(self) -> bool:
        """Nothing is archived in it, hinted at, or introduced: none of it is done where it is encrypted."""
        steps = [line for line in self.lines if isinstance(line, Step)]
        unfit = tuple(
            f"/channel set {name}" for name in ("archive", "duplicates", "unanswered", "introductions")
        )
        return not any(step.text.startswith(unfit) for step in steps)

    @property
    def fits_one_person(self) -> bool:
        """One person, one room, and nothing but talk: the console, where one may do all, can play it."""
        sights = [line for line in self.lines if isinstance(line, Sight)]
        steps = [line for line in self.lines if isinstance(line, Step)]
        return (
            len(self.people) == 1
            and all(step.deed == "says" and step.room == "general" for step in steps)
            and not any(step.files for step in steps)
            and all(sight.kind == ">" for sight in sights)
            and not any(isinstance(line, Later) for line in self.lines)
        )


def read(path: Path) -> Journey:
    """Read a script.

    Raises:
        ValueError: a line is none of these.
    """
    title, *rest = path.read_text(encoding="utf-8").splitlines()
    told = [line for line in rest if line.strip() and not line.startswith("#")]
    lines = tuple(_line(path, line) for line in told if not line.startswith(("library>", "site>")))
    library = tuple(_document(path, line) for line in told if line.startswith("library>"))
    pages = tuple(_page(path, line) for line in told if line.startswith("site>"))
    return Journey(path.stem, title.removeprefix("# "), lines, library, pages)


def _document(path: Path, line: str) -> Document:
    known = _KNOWN.fullmatch(line)
    if known is None:
        raise ValueError(f"{path.name}: not a document of a journey: {line!r}")
    return Document(known["title"], known["title"], (Section(known["text"], EPOCH, known["link"]),))


def _page(path: Path, line: str) -> tuple[str, str]:
    page = _PAGE.fullmatch(line)
    if page is None:
        raise ValueError(f"{path.name}: not a page of a journey: {line!r}")
    return page["path"], page["html"]


def _line(path: Path, line: str) -> Step | Sight | Pause | Later:
    if line.strip() == "...":
        return Pause()
    later = _LATER.fullmatch(line)
    if later is not None:
        return Later(timedelta(minutes=int(later["minutes"])))
    sees = _SEES.fullmatch(line)
    if sees is not None:
        return Sight(sees["kind"], sees["text"].strip())  # type: ignore[arg-type]
    step = _LINE.fullmatch(line)
    if step is None:
        raise ValueError(f"{path.name}: not a line of a journey: {line!r}")
    role, room = step["role"] or "member", step["room"] or "general"
    text = step["text"].strip()
    files: tuple[tuple[str, bytes], ...] = ()
    if (file := _FILE.fullmatch(text)) is not None:
        content = asked(file["content"]) or file["content"].encode()
        text, files = file["text"], ((file["name"], content),)
    return Step(step["who"], role, room, _DEEDS[step["deed"]], text, files)


async def finished(store: Store, platform: str) -> None:
    """Wait until nothing is open in the database; what is written there, nobody outside is told."""

    async def is_open() -> bool:
        for query in _UNREAD:
            if await store.archive._reader.rows(query):
                return True
        return bool(await store.inbox.pending(platform) or await store.outbox.unfinished(platform))

    async with asyncio.timeout(PATIENCE_S):
        while await is_open():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


_UNREAD = (
    select(archive.c.message_id).where(archive.c.state == NEW).limit(1),
    select(attachments.c.file).where((attachments.c.state == NEW) | attachments.c.due.is_not(None)).limit(1),
)
"""What is archived, and not found yet."""


SCRIPTS = tuple(read(path) for path in sorted((Path(__file__).parent / "scripts").glob("*.txt")))
