"""A whole bot for tests: the real app on a real SQLite file, in a world that the test lives in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from bot.adapters.adapter import Batch, Cursors
from bot.adapters.memory import MemoryAdapter, Server, World
from bot.app import App, opened
from bot.config import Config
from bot.config.sections import Bot, Metrics, Section, Storage
from bot.core.events import Author, Channel, Event
from bot.knowledge.fetching import Fetcher
from bot.llm.echo import EchoModel
from bot.llm.model import Model
from bot.moderation.judge import Judge
from bot.moderation.rule import Rule
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.store import Store
from tests.knowledge.site import offline

PATIENCE_S = 60.0
"""Something that never happens fails a test after this time; it never decides about a passing one."""


class Clock:
    """Real time, shifted by hand."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift


@dataclass
class Life:
    """A world, and what a bot in it is made of; `bot` starts one, as often as a test likes."""

    folder: Path
    world: World = field(default_factory=World)
    model: EchoModel = field(default_factory=EchoModel)
    rules: Sequence[Rule] = ()
    clock: Clock = field(default_factory=Clock)
    others: Sequence[Model] = ()
    server: Server | None = None
    """How the bot reaches the world, if not directly."""
    sections: dict[str, Section] = field(default_factory=dict)
    """Sections of the configuration that are not as usual."""

    fetcher: Fetcher | None = field(default_factory=offline)
    """None for the bot's own."""

    @property
    def config(self) -> Config:
        usual: dict[str, Section] = {
            "bot": Bot(data_dir=self.folder, name="llmos"),
            "storage": Storage(url=f"sqlite:///{self.folder}/llmos.db"),
            "metrics": Metrics(listen=""),
        }
        return Config.model_validate({**usual, **self.sections})

    @property
    def room(self) -> Channel:
        return self.world.channel("general")

    def person(self, name: str) -> Author:
        return self.world.member(name)

    @asynccontextmanager
    async def bot(self, past: Mapping[str, Iterable[Event]] = MappingProxyType({})) -> AsyncIterator[App]:
        """A bot that listens; leaving the context ends it the hard way: no task gets to finish its work."""
        adapter = Announcing(self.server or self.world)
        models = {model.name: model for model in (self.model, *self.others)}
        judge = Judge(self.rules) if self.rules else None
        made = opened(
            self.config, [adapter], models=models, judge=judge, fetcher=self.fetcher, now=self.clock
        )
        async with made as app, self.living(app, adapter, past):
            yield app

    @asynccontextmanager
    async def living(
        self, app: App, adapter: "Announcing", past: Mapping[str, Iterable[Event]] = MappingProxyType({})
    ) -> AsyncIterator[None]:
        """Let a bot that is made run."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(app.run(past=past))
            async with asyncio.timeout(PATIENCE_S):
                await adapter.listens.wait()
            yield
            running.cancel()

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The database as another process finds it."""
        store = await Store.open(self.config.storage.full_url(), self.folder / KEY_FILE_NAME)
        try:
            yield store
        finally:
            await store.close()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is true of the world."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await self.world.changed()

    async def answers(self, count: int, channel: Channel | None = None) -> list[str]:
        """Wait until so many answers stand complete in a channel, and return their texts."""
        place = channel or self.room
        await self.until(lambda: len(self.world.answers(place)) >= count)
        return self.world.answers(place)


class Announcing(MemoryAdapter):
    """Tells when the first cursor is committed: from then on nothing that happens is missed."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.listens = asyncio.Event()

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        if since:
            self.listens.set()
        async for batch in super().events(since):
            yield batch

    async def committed(self, cursors: Cursors) -> None:
        self.listens.set()
