"""How many messages a second the whole pipeline decides and makes durable, and how long each waits."""

import asyncio
import gc
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from secrets import token_hex
from time import perf_counter

import aiosqlite

from bot.adapters.adapter import Batch, Cursors
from bot.adapters.memory import MemoryAdapter, World
from bot.app import opened
from bot.bench.rules import rules_for_bench
from bot.config import Config
from bot.config.sections import Bot, Storage
from bot.config.sections import Metrics as MetricsSection
from bot.core.events import Author, Channel, Event, Message, MessageRef
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Turn
from bot.moderation.classifiers import Classifiers
from bot.moderation.judge import Judge
from bot.sample.community import load
from bot.web.metrics import Metrics

CHANNELS, MEMBERS = 20, 500
"""Messages are spread over so many channels and people."""

BATCH = 256
"""Most messages a platform hands over at once, as the memory platform does."""

APART, WITHIN = timedelta(seconds=1), timedelta(hours=12)
"""Between two messages by their own dates, and between the first and the last: ordinary talk, which is no
flood to any rule, brought all at once as after a time away."""

TOKENS_PER_SECOND, ANSWER_TOKENS = 20, 120
"""How fast a slow model writes an answer, and how long that gets: after six seconds the next is asked for."""

WORDS_OF_A_SENTENCE = 12

PEER_MESSAGES = 500
HEARTBEAT_S = 0.005


@dataclass(frozen=True, slots=True)
class Report:
    """What `llmos bench pipeline --json` prints; times in milliseconds, memory in MB.

    Attributes:
        answers: how many slow answers were being written all the time.
        per_second: from the first message's arrival until the last one's decision is durable.
        p50_ms, p99_ms: from a message being due until its decision is durable.
        max_stall_ms: longest time for which the event loop did not turn.
        rss_mb: most memory the process ever held.
        lost, duplicated: messages without a row of their own in the file, and rows too many.
        peer_per_second: what a bot reaches that writes each message with aiosqlite in a transaction of its
            own, equally durable (WAL, synchronous=FULL), without encryption and without deciding anything.
    """

    messages: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    max_stall_ms: float
    rss_mb: float
    lost: int
    duplicated: int
    rules: int
    answers: int
    peer: str
    peer_per_second: float


class Feed(MemoryAdapter):
    """A platform that brings messages at a given rate, or as fast as they are taken.

    Beside them it asks the model so many questions that `answers` of them are being answered all the time.

    Attributes:
        due: when each message was due by the rate, or handed over without one, by `perf_counter`.
        run: part of every message id, so that one file can take several runs.
    """

    def __init__(self, messages: int, rate: float | None, model: EchoModel, answers: int) -> None:
        super().__init__(World())
        self._model, self._answers, self._asked = model, answers, 0
        self._texts = [message.text for message in load().messages.values()]
        self._count, self._rate = messages, rate
        self._apart = min(APART, WITHIN / messages)
        self._began = datetime.now(UTC) - messages * self._apart
        self.run = token_hex(4)
        self.due: dict[str, float] = {}

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        """All messages, then the end; the first ones when the answers are being written."""
        if self._answers:
            yield Batch(self._questions(), {"feed": "0"})
        while self._model.running < self._answers:  # noqa: ASYNC110 - the model tells nobody when it begins
            await asyncio.sleep(0.001)
        began, sent = perf_counter(), 0
        while sent < self._count:
            if questions := self._questions():
                yield Batch(questions, {"feed": str(sent)})
            now = perf_counter()
            ripe = self._count if self._rate is None else int((now - began) * self._rate) + 1
            until = min(ripe, sent + BATCH, self._count)
            if until == sent:
                await asyncio.sleep(0.001)
                continue
            batch = tuple(self._message(number) for number in range(sent, until))
            for number, message in enumerate(batch, sent):
                self.due[message.ref.id] = now if self._rate is None else began + number / self._rate
            yield Batch(batch, {"feed": str(until)})
            sent = until

    def _questions(self) -> tuple[Message, ...]:
        """One for each answer that has ended, each by a member and in a channel of its own."""
        ended = len(self._model.asked) - self._model.running
        numbers = range(self._asked, ended + self._answers)
        self._asked = max(self._asked, numbers.stop)
        return tuple(self._question(number) for number in numbers)

    def _question(self, number: int) -> Message:
        channel = Channel(self.platform, "bench", f"answers{number % self._answers}")
        asker = Author(self.platform, f"asker{number}", f"asker{number}")
        text = f"What is new in part {number}?"
        ref = MessageRef(channel, f"{self.run}-question{number}")
        return Message(ref, asker, text, datetime.now(UTC), addressed=text)

    def _message(self, number: int) -> Message:
        channel = Channel(self.platform, "bench", f"channel{number % CHANNELS}")
        author = Author(self.platform, f"member{number % MEMBERS}", f"member{number % MEMBERS}")
        text = self._texts[number % len(self._texts)]
        at = self._began + number * self._apart
        return Message(MessageRef(channel, f"{self.run}-{number}"), author, text, at)


class Timings(Metrics):
    """Also notes when each message was decided and durable."""

    def __init__(self, reached: Callable[[], None]) -> None:
        super().__init__()
        self.decided_at: dict[str, float] = {}
        self._reached = reached

    def decided(self, event: Event, seconds: float) -> None:
        """See `Metrics`."""
        super().decided(event, seconds)
        if isinstance(event, Message):
            self.decided_at[event.ref.id] = perf_counter()
            self._reached()


async def run(
    messages: int,
    rate: float | None,
    rules: int,
    answers: int,
    folder: Path,
    database: Path,
    shown: Callable[[int], None],
) -> Report:
    """Drive messages through a whole app with a real database file.

    Args:
        rate: messages a second, None for as fast as possible.
        rules: how many moderation rules look at each message.
        answers: how many slow answers a model writes all the time beside.
        folder: for the key file.
        database: the SQLite file; it is kept.
        shown: told how many messages are decided, for a progress bar.
    """
    model = slow_model()
    feed = Feed(messages, rate, model, answers)
    timings = Timings(lambda: shown(len(timings.decided_at)))
    config = Config(
        bot=Bot(data_dir=folder),
        storage=Storage(url=f"sqlite:///{database}"),
        metrics=MetricsSection(listen=""),
    )
    classifiers = Classifiers()
    judge = Judge(rules_for_bench(rules), scorer=classifiers)
    async with opened(config, [feed], models={"echo": model}, judge=judge, metrics=timings) as app:
        await asyncio.to_thread(classifiers.ready)  # this and the next as `llmos run` does
        gc.freeze()
        stall_s = await _longest_stall(app.run)
    first, last = min(feed.due.values()), max(timings.decided_at[key] for key in feed.due)
    waits_ms = sorted((timings.decided_at[key] - due) * 1000 for key, due in feed.due.items())
    lost, duplicated = await asyncio.to_thread(_count, database, feed)
    return Report(
        messages=messages,
        seconds=round(last - first, 3),
        per_second=round(messages / (last - first), 1),
        p50_ms=round(waits_ms[len(waits_ms) // 2], 2),
        p99_ms=round(waits_ms[int(len(waits_ms) * 0.99)], 2),
        max_stall_ms=round(stall_s * 1000, 1),
        rss_mb=round(_peak_rss_bytes() / 1e6, 1),
        lost=lost,
        duplicated=duplicated,
        rules=rules,
        answers=answers,
        peer="aiosqlite, one transaction for each message",
        peer_per_second=round(await _one_by_one(folder / "peer.db", min(messages, PEER_MESSAGES)), 1),
    )


def slow_model() -> EchoModel:
    """A model that writes as slowly as a small one on a busy machine; waiting is all its work.

    Each answer has a pace and sentences of its own: real ones do not keep step.
    """

    def behavior(turns: Sequence[Turn]) -> Script:
        chance = Random(turns[-1].text)  # noqa: S311 - words of a benchmark
        words = [f"word{n}" + "." * (chance.random() < 1 / WORDS_OF_A_SENTENCE) for n in range(ANSWER_TOKENS)]
        return Script(" ".join(words), delay_s=chance.uniform(0.8, 1.2) / TOKENS_PER_SECOND)

    return EchoModel(behavior)


async def _one_by_one(database: Path, messages: int) -> float:
    """Messages a second of the simplest durable way."""
    async with aiosqlite.connect(database) as connection:
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=FULL")
        await connection.execute("CREATE TABLE messages (id TEXT PRIMARY KEY, author TEXT, text TEXT)")
        began = perf_counter()
        for number in range(messages):
            row = (str(number), f"member{number % MEMBERS}", "a message of usual length " * 3)
            await connection.execute("INSERT INTO messages VALUES (?, ?, ?)", row)
            await connection.commit()
        return messages / (perf_counter() - began)


async def _longest_stall(work: Callable[[], Awaitable[None]]) -> float:
    """Do something and tell for how many seconds the event loop stood still at most."""
    longest_s = 0.0

    async def beat() -> None:
        nonlocal longest_s
        before = perf_counter()
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            now = perf_counter()
            longest_s = max(longest_s, now - before - HEARTBEAT_S)
            before = now

    async with asyncio.TaskGroup() as tasks:
        heart = tasks.create_task(beat())
        await work()
        heart.cancel()
    return longest_s


def _count(database: Path, feed: Feed) -> tuple[int, int]:
    """How many messages have no row, and how many rows are one too many; read from the file itself."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        query = "SELECT message_id FROM messages WHERE message_id LIKE ? AND message_id NOT LIKE ?"
        found = [row[0] for row in file.execute(query, (f"{feed.run}-%", f"{feed.run}-question%"))]
    return len(feed.due.keys() - set(found)), len(found) - len(set(found))


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
