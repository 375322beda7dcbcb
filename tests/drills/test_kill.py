"""kill -9 at random moments: nothing is lost, nothing is said twice, nothing half-written is left."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.adapters.wire import WorldServer
from bot.adapters.world import World
from bot.core.actions import Delete
from bot.core.events import Message
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.store import Store

LONG = os.environ.get("LLMOS_DRILLS") == "long"
KILLS = 60 if LONG else 10
EVENTS = 1000
PATIENCE_S = 120.0
"""A bot that never gets there fails the test after this; it decides about nothing else."""

ROOMS = 7


@dataclass
class Town:
    """A world in which people ask, chat and spam while the bot is killed again and again."""

    folder: Path
    world: World = field(default_factory=World)
    dice: random.Random = field(default_factory=lambda: random.Random(20261124))
    questions: list[Message] = field(default_factory=list)
    spam: list[Message] = field(default_factory=list)
    chatter: list[Message] = field(default_factory=list)

    def happen(self, count: int) -> None:
        """Some things happen: questions, spam and chatter, in random rooms."""
        for _number in range(count):
            number = len(self.world.log)
            author = self.world.member(f"member{number}")  # nobody twice: that could be a loop of machines
            room = self.world.channel(f"room{self.dice.randrange(ROOMS)}")
            kind = self.dice.choice(("question", "spam", "chatter", "chatter"))
            text = {"question": f"@llmos question {number}", "spam": f"buy spam {number}"}.get(
                kind, f"hm {number}"
            )
            said = self.world.say(author, room, text)
            {"question": self.questions, "spam": self.spam}.get(kind, self.chatter).append(said)

    def answers(self, question: Message) -> list[str]:
        """What stands as a reply to a question."""
        shown = self.world.shown(question.ref.channel)
        return [posted.text for posted in shown if posted.message.reply_to == question.ref.id]

    def is_done(self) -> bool:
        """Every question has its whole answer, and all spam is gone."""
        return all(self.answers(q) == [q.addressed] for q in self.questions) and all(
            self.world.messages[spam.ref].deleted for spam in self.spam
        )

    async def done(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self.is_done():
                    await self.world.changed()
        except TimeoutError:
            wrong = {q.addressed: self.answers(q) for q in self.questions if self.answers(q) != [q.addressed]}
            left = [spam.ref.id for spam in self.spam if not self.world.messages[spam.ref].deleted]
            pytest.fail(f"not answered once and whole: {wrong}; not removed: {left}")


@asynccontextmanager
async def victim(port: int, folder: Path) -> AsyncIterator[Process]:
    """A bot in a process of its own, from the moment it listens; killed at the end of the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.drills.victim", str(port), str(folder), stdout=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert await process.stdout.readline() == b"listening\n"
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


@pytest.mark.drill
async def test_killed_at_any_moment_it_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    town = Town(tmp_path)
    async with WorldServer(town.world) as port:
        for _kill in range(KILLS):
            async with victim(port, tmp_path):
                town.happen(EVENTS // KILLS)
                await asyncio.sleep(town.dice.uniform(0.0, 0.8))  # the random moment
        town.happen(EVENTS - len(town.questions) - len(town.spam) - len(town.chatter))
        async with victim(port, tmp_path):
            await town.done()
            await nothing_open(tmp_path, town.world.platform)
    assert_each_reply_once(town)
    assert_each_removal_once(town)
    assert_whole(tmp_path / "llmos.db", town)


async def nothing_open(folder: Path, platform: str) -> None:
    """Wait until the bot has written down that everything is done."""
    store = await Store.open(f"sqlite:///{folder}/llmos.db", folder / KEY_FILE_NAME)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await store.outbox.unfinished(platform) or await store.inbox.pending(platform):  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.05)
    finally:
        await store.close()


def assert_each_reply_once(town: Town) -> None:
    asked = Counter(question.ref.id for question in town.questions)
    ours = [posted.message for room in town.world.channels.values() for posted in town.world.shown(room)]
    replied = Counter(message.reply_to for message in ours if message.author == town.world.bot)
    assert replied == asked


def assert_each_removal_once(town: Town) -> None:
    removed = Counter(act.ref.id for act in town.world.acts if isinstance(act, Delete))
    assert removed == Counter(spam.ref.id for spam in town.spam)


def assert_whole(database: Path, town: Town) -> None:
    """The file is sound and has a row for each message that stands."""
    with closing(sqlite3.connect(database)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = {
            row[0]
            for row in file.execute("SELECT message_id FROM messages WHERE ours = 0 AND body IS NOT NULL")
        }
    assert stored == {message.ref.id for message in (*town.questions, *town.chatter)}
