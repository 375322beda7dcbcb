"""The console in a pipeline of programs: lines in, whole answers out, in order."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TextIO

from bot.adapters.console.harmless import harmless
from bot.core.actions import Chunk, Status
from bot.core.errors import Gone, PlatformError
from bot.core.specs import CommandSpec

PREFIX, INDENT = "bot> ", "  "

_PIECE_BYTES = 1 << 16
_LONGEST_LINE_BYTES = 1 << 24
"""Memory has an end; a longer line is taken as several."""


async def read_lines(fd: int = 0) -> AsyncIterator[bytes]:
    """The lines of a file descriptor of any kind, as they come, without their ends."""
    held = bytearray()
    while piece := await _read(fd):
        searched = len(held)
        held += piece
        while (end := held.find(b"\n", searched)) >= 0:
            yield bytes(held[:end])
            del held[: end + 1]
            searched = 0
        if len(held) >= _LONGEST_LINE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _read(fd: int) -> bytes:
    """Read a piece in a thread of its own: no event loop watches files, and no exit waits for this thread."""
    loop = asyncio.get_running_loop()
    reading: asyncio.Future[bytes] = loop.create_future()

    def finish(piece: bytes, error: OSError | None) -> None:
        if reading.cancelled():
            return
        if error is None:
            reading.set_result(piece)
        else:
            reading.set_exception(PlatformError(f"the input cannot be read: {error}"))

    def read() -> None:
        piece, failed = b"", None
        try:
            piece = os.read(fd, _PIECE_BYTES)
        except OSError as error:
            failed = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(finish, piece, failed)

    threading.Thread(target=read, name="console input", daemon=True).start()
    return await reading


def block(text: str) -> str:
    """An answer as it is written out: the first line marked, the others indented."""
    first, *others = harmless(text).lstrip("\n").rstrip().split("\n")
    return "".join([f"{PREFIX}{first}\n", *(f"{INDENT}{line}\n" for line in others)])


class Pipe:
    """Lines in, answers out. A line is taken when everything before it is answered."""

    one_at_a_time = True

    def __init__(self, lines: AsyncIterator[bytes], out: TextIO, notes: TextIO) -> None:
        self._lines, self._out, self._notes = lines, out, notes
        self._failure: OSError | None = None
        self._closed = False

    async def lines(self) -> AsyncIterator[str]:
        """See `Screen`; ends early when nobody reads the answers.

        Raises:
            PlatformError: the answers cannot be written, for example because the disk is full.
        """
        async for line in self._lines:
            self._raise_failure()
            if self._closed:
                return
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
        self._raise_failure()

    def write(self) -> "_Collected":
        """See `Screen`."""
        return _Collected(self)

    async def show(self, text: str) -> None:
        """See `Screen`."""
        if self._closed:
            raise Gone("nobody reads the answers any more")
        try:
            _write(self._out, block(text))
        except BrokenPipeError as error:
            self._leave()
            raise Gone("nobody reads the answers any more") from error
        except OSError as error:
            self._failure, self._closed = error, True
            raise Gone(f"the answer cannot be written: {error}") from error

    def note(self, text: str) -> None:
        """See `Screen`."""
        with suppress(OSError):  # remarks are lost where nobody wants to read them
            _write(self._notes, f"{harmless(text)}\n")

    def offer(self, commands: tuple[CommandSpec, ...]) -> None:
        """See `Screen`; a program needs no menu."""

    def progress(self, doing: str, share: float) -> None:
        """See `Screen`; a program needs no bar."""

    def close(self) -> None:
        """See `Screen`."""
        self._closed = True

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise PlatformError(f"the answers cannot be written: {self._failure}") from self._failure

    def _leave(self) -> None:
        """Python would complain at exit about what it cannot write out any more.

        Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
        """
        self._closed = True
        with suppress(OSError, ValueError):  # not a real file: then there is nothing to write out
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())


class _Collected:
    """An answer that is written when it is complete."""

    def __init__(self, pipe: Pipe) -> None:
        self.visible = False
        self._pipe, self._text = pipe, ""

    async def add(self, chunk: Chunk) -> None:
        if not isinstance(chunk, Status):
            self._text += chunk

    async def end(self) -> None:
        if self._text.strip():
            await self._pipe.show(self._text)
            self.visible = True


def _write(out: TextIO, text: str) -> None:
    """Write whatever the encoding of `out` is; what it cannot say becomes a question mark."""
    encoding = out.encoding or "utf-8"
    out.write(text.encode(encoding, "replace").decode(encoding))
    out.flush()
