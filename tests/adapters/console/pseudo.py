"""A program in a real pseudo-terminal: keys go in, and its screen is read as a person sees it."""

import asyncio
import fcntl
import os
import pty
import struct
import termios
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.adapters.console.screen import VirtualScreen

_COLUMNS, _ROWS = 80, 24
_PATIENCE_S = 60.0


class PseudoTerminal:
    """One program at a terminal of 80 columns; `found` are the terminal's modes before it began."""

    def __init__(self, process: asyncio.subprocess.Process, master: int, found: list[object]) -> None:
        self.process, self.found = process, found
        self.screen = VirtualScreen(_COLUMNS)
        self.gone = False
        self._master = master
        self._decoder = getincrementaldecoder("utf-8")()
        self._news = asyncio.Event()

    def press(self, keys: str) -> None:
        """Type keys; control characters are keys too."""
        os.write(self._master, keys.encode())

    async def sees(self, *texts: str, times: int = 1) -> None:
        """Wait until all of these stand on the screen, each so many times.

        Raises:
            AssertionError: they do not come; it shows the screen.
        """
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not all(self.screen.text.count(text) >= times for text in texts):
                    assert not self.gone, f"the program ended without {texts}:\n{self.screen.text}"
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{texts} is not on the screen:\n{self.screen.text}") from None

    async def left(self) -> int:
        """Wait until the program has ended; its exit code.

        Raises:
            AssertionError: it does not end; it shows the screen.
        """
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self.process.wait()
        except TimeoutError:
            raise AssertionError(f"the program does not end:\n{self.screen.text}") from None

    def modes(self) -> list[object]:
        """The settings of the terminal; a program that leaves puts them back."""
        return termios.tcgetattr(self._master)

    def receive(self) -> None:
        """Take what the program wrote."""
        try:
            output = os.read(self._master, 1 << 16)
        except OSError:  # the program and its terminal are gone
            asyncio.get_running_loop().remove_reader(self._master)
            self.gone = True
            self._news.set()
            return
        self.screen.write(self._decoder.decode(output))
        self._news.set()


@asynccontextmanager
async def at_terminal(
    command: Sequence[str | Path], *, environ: Mapping[str, str], cwd: Path | None = None
) -> AsyncIterator[PseudoTerminal]:
    """Run a program at a terminal; it is killed if it is still there at the end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    found = list[object](termios.tcgetattr(slave))
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=cwd,
        env={**environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # makes Ctrl-C a signal where it is one
    )
    os.close(slave)
    terminal = PseudoTerminal(process, master, found)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, terminal.receive)
    try:
        yield terminal
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        loop.remove_reader(master)
        os.close(master)
