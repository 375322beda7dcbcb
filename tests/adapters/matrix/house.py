"""A homeserver with people and a bot: the whole bot in this process, or `llmos run` in one of its own."""

import asyncio
import itertools
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.adapters.adapter import Batch, Cursors
from bot.adapters.matrix import MatrixAdapter, Settings
from bot.app import App, opened, utc_now
from bot.cli.platforms import matrix_settings
from bot.config import Config, load
from bot.knowledge.fetching import Fetcher
from bot.llm.echo import EchoModel
from bot.llm.model import Model
from bot.moderation.judge import Judge
from bot.moderation.rule import Rule
from tests.knowledge.site import offline
from tests.labs.people import PATIENCE_S, Person, Shown, person
from tests.labs.secretive import secretive_person
from tests.labs.synapse import Login, Synapse

_numbers = itertools.count(1)


class Announcing(MatrixAdapter):
    """Tells when the first cursor is committed: from then on nothing that happens is missed."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.listens = asyncio.Event()

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        if since:
            self.listens.set()
        async for batch in super().events(since):
            yield batch

    async def committed(self, cursors: Cursors) -> None:
        self.listens.set()
        await super().committed(cursors)


@dataclass
class House:
    """One homeserver with accounts of this test's own."""

    folder: Path
    synapse: Synapse
    bot: Login
    guests: AsyncExitStack
    number: int
    model: Model = field(default_factory=EchoModel)
    rules: Sequence[Rule] = ()
    llm: str = 'engine = "echo"\nmodel = "echo"'
    """What is in the [llm] section of the configuration; only `service` uses it."""
    extra: str = ""
    """Lines for the [matrix] section of the configuration."""
    sections: str = ""
    """More sections."""
    encrypted: bool = False
    """Rooms are encrypted, and so people have clients that encrypt."""
    homeserver: str = ""
    """Where the bot finds its homeserver, if something stands between them."""
    fetcher: Fetcher = field(default_factory=offline)
    now: Callable[[], datetime] = utc_now
    """The clock of the bot, but not of its account."""
    people: dict[str, Person] = field(default_factory=dict)

    async def person(self, name: str) -> Person:
        """Somebody of this name, always the same."""
        if name not in self.people:
            login = await asyncio.to_thread(self.synapse.register, f"{name}-{self.number}")
            client: AbstractAsyncContextManager[Person] = (
                secretive_person(self.synapse.url, login)
                if self.encrypted
                else person(self.synapse.url, login)
            )
            self.people[name] = await self.guests.enter_async_context(client)
        return self.people[name]

    async def room(self, *names: str, bot_last: bool = False, **more: object) -> str:
        """A room made by the first of these people; the others are in it, the bot is invited.

        Args:
            bot_last: when all others are in it: it sees nobody come.
        """
        first, *others = [await self.person(name) for name in names]
        more = {"encrypted": self.encrypted, **more}
        guests = others if bot_last else (*others, self.bot.user_id)
        room = await first.make_room(*guests, **more)  # type: ignore[arg-type]
        for other in others:
            await other.join(room)
        if bot_last:
            await first.invite(room, self.bot.user_id)
        return room

    async def lives_in(self, *rooms: str) -> None:
        """Wait until the bot is a member of these rooms."""
        someone = next(iter(self.people.values()))
        for room in rooms:
            await until_member(someone, room, self.bot.user_id)

    @property
    def toml(self) -> str:
        """The configuration of the bot as an operator writes it."""
        homeserver = self.homeserver or self.synapse.url
        return "\n".join(
            (
                '[bot]\nname = "LLMOS"\ndata_dir = "data"',
                f"[llm]\n{self.llm}",
                f'[matrix]\nhomeserver = "{homeserver}"\nuser_id = "{self.bot.user_id}"',
                'password = "file:password"',
                self.extra,
                '[metrics]\nlisten = ""',
                self.sections,
            )
        )

    def write(self) -> Path:
        """config.toml and the file with the password; the path of the former."""
        secret = self.folder / "password"
        secret.write_text(self.bot.password, encoding="utf-8")
        secret.chmod(0o600)
        path = self.folder / "config.toml"
        path.write_text(self.toml, encoding="utf-8")
        return path

    @property
    def config(self) -> Config:
        """What `llmos run` reads."""
        return load(self.write(), environ={})

    @asynccontextmanager
    async def living(self) -> AsyncIterator[App]:
        """A bot that listens; leaving the context ends it the hard way: no task gets to finish its work."""
        config = self.config
        adapter = Announcing(matrix_settings(config))
        models: Mapping[str, Model] = {self.model.name: self.model}
        judge = Judge(self.rules) if self.rules else None
        made = opened(config, [adapter], models=models, judge=judge, now=self.now, fetcher=self.fetcher)
        async with made as app, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(app.run())
            async with asyncio.timeout(PATIENCE_S):
                await adapter.listens.wait()
            yield app
            running.cancel()

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Process]:
        """`llmos run` as an operator starts it; killed at the end of the context if it still runs."""
        command = (sys.executable, "-m", "bot", "run", "--config", str(self.write()))
        process = await asyncio.create_subprocess_exec(*command, stderr=PIPE, stdout=PIPE)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()

    def addressed(self, text: str) -> dict[str, object]:
        """What a client sends for a mention of the bot and a text behind it."""
        user_id, name = self.bot.user_id, self.bot.user_id[1:].partition(":")[0]
        link = f'<a href="https://matrix.to/#/{user_id}">{name}</a>'
        return {
            "text": f"{name}: {text}",
            "mention": [user_id],
            "format": "org.matrix.custom.html",
            "formatted_body": f"{link}: {text}",
        }

    async def ask(self, who: Person, room: str, text: str, **more: object) -> str:
        """Somebody mentions the bot; the id of the question."""
        return await who.say(room, **{**self.addressed(text), **more})  # type: ignore[arg-type]

    async def answers(self, who: Person, room: str, count: int) -> list[Shown]:
        """Wait until so many messages of the bot stand in a room, as this person sees it."""
        return await who.until(room, lambda shown: len(shown) >= count, self.bot.user_id)

    async def stands(self, who: Person, room: str, *texts: str) -> list[Shown]:
        """Wait until the bot's messages in a room are exactly these, in any order."""
        wanted = sorted(texts)
        return await who.until(
            room, lambda shown: sorted(each.text for each in shown) == wanted, self.bot.user_id
        )


@asynccontextmanager
async def housed(synapse: Synapse, folder: Path) -> AsyncIterator[House]:
    """A house whose people leave at the end."""
    number = next(_numbers)
    bot = await asyncio.to_thread(synapse.register, f"llmos-{number}")
    async with AsyncExitStack() as guests:
        yield House(folder, synapse, bot, guests, number)


async def until_member(who: Person, room: str, user_id: str) -> None:
    """Wait until somebody is in a room."""
    async with asyncio.timeout(PATIENCE_S):
        async for _change in who.changes(room):
            if user_id in await who.members(room):
                return
