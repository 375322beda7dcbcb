"""A Discord for each measured bot, so that they are asked in turn and neither spends the other's buckets."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.adapters.discord.house import House
from tests.bench.discord import peer as shortest
from tests.bench.programs import Program, running
from tests.labs.discord import DiscordLab, Json
from tests.labs.discord.people import Person, Server

CHANNELS, MEMBERS = 10, 10


@dataclass(frozen=True, slots=True)
class Place:
    """A Discord with one guild, its people and channels."""

    house: House
    channels: Sequence[Json]
    members: Sequence[Person]

    @property
    def lab(self) -> DiscordLab:
        """The Discord."""
        return self.house.lab

    @asynccontextmanager
    async def connected(self, name: str, *command: str) -> AsyncIterator[Program]:
        """A program for as long as the context lasts, when Discord has said READY to it."""
        before = self.lab.identifies
        async with running(self.house.folder / f"{name}.log", *command) as program:
            await self.lab.until(lambda: self.lab.identifies > before)
            yield program
        await self.lab.until(lambda: not any(each.connection for each in self.lab.sessions.values()))
        self.lab.sessions.clear()

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Program]:
        """`llmos run`, when its commands are registered too."""
        config = self.house.write()
        async with self.connected("service", "bot", "run", "--config", str(config)) as program:
            await self.lab.until(lambda: self.lab.commands)
            yield program

    @asynccontextmanager
    async def peer(self, kind: str, after_s: float = 0) -> AsyncIterator[Program]:
        """The shortest bot of that kind, when it is ready."""
        async with self.connected(kind, *shortest.command(kind, self.lab, after_s)) as program:
            yield program


@asynccontextmanager
async def places(folder: Path) -> AsyncIterator[tuple[Place, Place]]:
    """Ours and the peer's."""
    async with AsyncExitStack() as stack:
        folders = (folder / "ours", folder / "peer")
        for each in folders:
            await asyncio.to_thread(each.mkdir)
        ours, peer = [await stack.enter_async_context(_place(each)) for each in folders]
        yield ours, peer


@asynccontextmanager
async def _place(folder: Path) -> AsyncIterator[Place]:
    async with DiscordLab() as lab:
        server = Server(lab)
        house = House(folder, lab, server, message_content=True, token=lab.settings.token)
        channels = [server.channel(f"room {number}") for number in range(CHANNELS)]
        yield Place(house, channels, [house.person(f"member{number}") for number in range(MEMBERS)])
        problems = lab.problems()
    if problems:
        raise AssertionError("\n".join(problems))
