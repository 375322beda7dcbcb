"""Every platform as the adapter contract needs it."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import dropwhile
from pathlib import Path

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from bot.adapters.console import ConsoleAdapter
from bot.adapters.console.harmless import harmless
from bot.adapters.memory import MemoryAdapter, Server
from bot.adapters.wire import RemoteWorld, WorldServer
from bot.adapters.world import World
from bot.core.events import Author, Channel, Message
from tests.adapters.console.screen import VirtualScreen
from tests.contracts.on_discord import on_discord
from tests.contracts.stage import Stage, next_message


class MemoryStage(Stage):
    """A World, near or behind a socket."""

    def __init__(self, world: World, server: Server) -> None:
        self.world = world
        self.adapter = MemoryAdapter(server)
        self.place = world.channel()
        self.ann = world.member("ann")
        self._events = self.adapter.events({"world": str(len(world.log))})

    async def ask(self, text: str) -> Message:
        self.world.say(self.ann, self.place, text, addressed=text)
        return await next_message(self._events)

    def shown(self) -> list[str]:
        return self.world.answers(self.place)

    def files(self) -> dict[str, bytes]:
        shown = (each.file for each in self.world.shown(self.place))
        return {file.name: file.content for file in shown if file is not None}

    def readers(self) -> list[str | None]:
        return [p.private_to for p in self.world.shown(self.place) if p.message.author == self.world.bot]

    def happen(self, text: str) -> None:
        self.world.say(self.ann, self.place, text, addressed=text)


class ConsoleStage(Stage):
    """One person, who reads everything; what was shown stays."""

    lives_on = hides = False

    def looks(self, text: str) -> str:
        return harmless(text).lstrip("\n").rstrip()


class PipeStage(ConsoleStage):
    """A console between two programs."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._out = io.StringIO()
        self.adapter = ConsoleAdapter.piped("ann", "general", self._typed(), self._out, io.StringIO())
        self._events = self.adapter.events({})

    async def ask(self, text: str) -> Message:
        self._lines.put_nowait(text.encode("utf-8", "surrogatepass"))
        return await next_message(self._events)

    def shown(self) -> list[str]:
        return _blocks(self._out.getvalue().splitlines())

    async def _typed(self) -> AsyncIterator[bytes]:
        while True:
            yield await self._lines.get()


class TerminalStage(ConsoleStage):
    """A console with a screen, wide enough that nothing is wrapped."""

    def __init__(self, history: Path, keys: PipeInput, screen: VirtualScreen) -> None:
        self._keys, self._screen = keys, screen
        output = Vt100_Output(screen, lambda: Size(40, screen.columns), term="xterm", enable_cpr=False)  # type: ignore[arg-type]
        self.adapter = ConsoleAdapter.terminal("ann", "general", history, source=keys, sink=output)
        self._events = self.adapter.events({})

    async def ask(self, text: str) -> Message:
        self._keys.send_bytes(b"\x1b[200~" + text.encode("utf-8", "surrogatepass") + b"\x1b[201~\r")  # pasted
        return await next_message(self._events)

    def shown(self) -> list[str]:
        lines = [line for line in self._screen.text.split("\n") if not line.startswith("ann> ")]
        return _blocks(list(dropwhile(lambda line: not line.startswith("bot> "), lines)))  # after the welcome

    def looks(self, text: str) -> str:
        lines = super().looks(text).replace("\t", "    ").split("\n")
        return "\n".join(line.rstrip() for line in lines)


def _blocks(lines: list[str]) -> list[str]:
    blocks: list[list[str]] = []
    for line in lines:
        if line.startswith("bot> "):
            blocks.append([line[5:]])
        else:
            assert line.startswith("  ") or not line.strip(), line
            blocks[-1].append(line[2:])
    return ["\n".join(block) for block in blocks]


@asynccontextmanager
async def near(folder: Path) -> AsyncIterator[Stage]:
    """The memory platform in this process."""
    world = World()
    yield MemoryStage(world, world)


@asynccontextmanager
async def remote(folder: Path) -> AsyncIterator[Stage]:
    """The memory platform behind a socket."""
    world = World()
    async with WorldServer(world) as port:
        yield MemoryStage(world, RemoteWorld(port))


@asynccontextmanager
async def piped(folder: Path) -> AsyncIterator[Stage]:
    """The console between two programs."""
    yield PipeStage()


@asynccontextmanager
async def terminal(folder: Path) -> AsyncIterator[Stage]:
    """The console with a person at it."""
    with create_pipe_input() as keys:
        screen = VirtualScreen(columns=10_000)
        yield TerminalStage(folder / "history", keys, screen)


STAGES: dict[str, Callable[[Path], AbstractAsyncContextManager[Stage]]] = {
    "memory": near,
    "memory-remote": remote,
    "console-piped": piped,
    "console-terminal": terminal,
    "discord": on_discord,
}


def stranger(channel: Channel) -> Author:
    """Somebody the platform has never heard of."""
    return Author(channel.platform, "nobody-knows-me", "Nobody")
