"""A database for tests, and short ways to fill it."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.actions import Ban, Reply, Severity
from bot.core.events import Author, Message
from bot.storage.appeals import Appeal
from bot.storage.audit import AuditEntry
from bot.storage.cases import Case
from bot.storage.messages import SaidMessage
from bot.storage.outbox import NewOutboxRow
from bot.storage.passages import NewPassage
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.storage.strikes import Strike
from bot.storage.threads import Noted, ThreadRef, Touch
from tests.messages import ALICE, CHANNEL, EPOCH, message

PLATFORM = CHANNEL.platform


@dataclass
class Clock:
    """Time that passes only when told."""

    at: datetime = EPOCH

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **time: float) -> None:
        self.at += timedelta(**time)


@dataclass(frozen=True)
class Place:
    """Where a test's database and what belongs to it stands."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "llmos.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    @property
    def key(self) -> Path:
        return self.folder / "llmos.key"

    @property
    def journal(self) -> Path:
        return self.folder / "privacy.jsonl"

    async def open(self, clock: Clock, busy_s: float = 5.0) -> Store:
        return await Store.open(self.url, self.key, busy_s=busy_s, now=clock)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Run SQL of the test's own, in a connection of its own."""
        with closing(sqlite3.connect(self.file)) as connection:
            found: list[tuple[object, ...]] = connection.execute(query).fetchall()
            connection.commit()
            return found

    def count(self, table: str) -> int:
        return int(str(self.ask(f"SELECT count(*) FROM {table}")[0][0]))

    def bytes(self) -> bytes:
        """Everything in every file of the folder but the key and the journal."""
        kept = {self.key, self.journal}
        return b"".join(
            path.read_bytes() for path in self.folder.rglob("*") if path.is_file() and path not in kept
        )


def said(question: Message, text: str, *, id: str = "said", at: datetime | None = None) -> SaidMessage:
    """An answer of the bot's."""
    return SaidMessage(
        ref=type(question.ref)(question.ref.channel, id),
        text=text,
        reply_to=question.ref.id,
        at=question.at if at is None else at,
        to=question.author.identity,
    )


async def fill(store: Store, question: Message, answer: str) -> None:
    """Leave something about the author in every table that holds anything about people."""
    await store.inbox.take(PLATFORM, [question], {})
    who = store.seal.pseudonym(question.author.identity)
    await store.ratings.rate(question.ref, question.author.identity, helpful=True)
    await store.settle(
        Settlement(
            messages=((question, "answered"),),
            archived=(question,),
            said=(said(question, answer, id=f"answer to {question.ref.id}"),),
            opened=(
                NewOutboxRow(f"q{question.ref.id}", question.ref.channel, event=question),
                NewOutboxRow(
                    f"r{question.ref.id}",
                    question.ref.channel,
                    action=Reply(question.ref, question.author, answer),
                ),
                NewOutboxRow(
                    f"d{question.ref.id}",
                    question.ref.channel,
                    action=Ban(question.ref.channel, question.author, "spam"),
                ),
            ),
            audit=(
                AuditEntry(question.at, PLATFORM, "home", question.ref.channel.key, who, "stop", "a detail"),
                AuditEntry(question.at, PLATFORM, "home", question.ref.channel.key, "bot", "warn", "", who),
            ),
        )
    )
    await _moderate(store, question)
    passage = NewPassage(
        community="memory/home",
        channel=question.ref.channel.key,
        document=question.ref.id,
        author=who,
        at=question.at,
        title="",
        link="",
        text=question.text,
        words=question.text.split(),
    )
    await store.passages.put("memory/home", [question.ref.id], [passage])
    await _touch(store, question)
    await store.usage.add([f"member:{who}"], question.at.date(), 1, 10)


async def _touch(store: Store, question: Message) -> None:
    """A thread that the author opened, with its title, and a reaction of theirs."""
    channel, id, who = (
        question.ref.channel,
        question.ref.id,
        store.seal.pseudonym(question.author.identity),
    )
    thread = ThreadRef(channel.community_key, channel.key, id, question.at, id, question.text, who)
    opening = Touch(channel.key, id, who, "opening", question.at, id)
    reaction = Touch(channel.key, id, who, "reaction", question.at, id, "👍")
    await store.settle(Settlement(noted=Noted((thread,), (opening, reaction))))


async def _moderate(store: Store, question: Message) -> None:
    """A case about the author with a strike and an appeal, one that they decided, and rules of theirs."""
    author, home = question.author, "memory/home"
    who = store.seal.pseudonym(author.identity)
    mine, decided = (
        Case(
            number=store.cases.next_number(),
            community=home,
            message=question.ref,
            author=whose,
            text=question.text if whose == author else "something else",
            rule="rude",
            version=1,
            severity=Severity.HIDE,
            shadow=False,
            at=question.at,
            actor="" if whose == author else who,
            actor_name="" if whose == author else author.name,
        )
        for whose in (author, Author(PLATFORM, "somebody", "Somebody"))
    )
    strike = Strike(question.at, 1.0, mine.number)
    await store.settle(Settlement(cases=(mine, decided), struck=((home, author.identity, strike),)))
    appeal = Appeal(mine.number, question.text, question.at, question.ref, "call")
    await store.appeals.make(home, author.identity, appeal, most=10**6, since=question.at)
    await store.rulebooks.save(store.rulebooks.of(home), actor=who)
    await store.digests.add(
        question.ref.channel,
        cron="0 9 * * 1",
        zone="UTC",
        n=5,
        quiet="",
        actor=who,
        call=f"call {question.ref.id}",
    )


async def hear(store: Store, *messages: Message, outcome: str = "ignored:not-addressed") -> None:
    """Record what was said."""
    await store.settle(Settlement(messages=tuple((heard, outcome) for heard in messages)))


def numbered(count: int, *, first: int = 0, at: datetime = EPOCH) -> list[Message]:
    """Messages of Alice's, a second apart."""
    return [
        message(f"message {n}", id=str(n), author=ALICE, at=at + timedelta(seconds=n))
        for n in range(first, first + count)
    ]


@contextmanager
def held(place: Place, *statements: str) -> Iterator[None]:
    """Another process that holds a lock on the database."""
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for statement in sys.argv[2:]: connection.execute(statement).fetchall()\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(place.file), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "held\n"
        yield
        child.stdin.close()
        assert child.wait() == 0
