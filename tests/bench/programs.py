"""Measured programs, each a process of its own, so that none profits or suffers from the others.

A program may tell when it had a message: a line with the event's id and the time. The clock is that of the
machine, which is also the senders'.
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
READY = "ready"
PATIENCE_S = 60.0
"""What is not told for so long is not told any more."""

_END_S = 10.0


class Ended(Exception):
    """A program ended by itself, with the last of what it wrote to stderr."""


def tell(what: str) -> None:
    """In a program: this event, or being ready, happened now."""
    at = time.time()
    sys.stdout.write(f"{what} {at!r}\n")
    sys.stdout.flush()


class Program:
    """A running program, and what it told: the time of each event."""

    def __init__(self, process: Process, log: Path) -> None:
        self.told: dict[str, float] = {}
        self._process, self._log = process, log
        self._usage = psutil.Process(process.pid)
        self._news = asyncio.Event()

    @property
    def cpu_s(self) -> float:
        """Processor time so far."""
        times = self._usage.cpu_times()
        return times.user + times.system

    @property
    def rss_mb(self) -> float:
        """Memory now."""
        return self._usage.memory_info().rss / 1e6

    async def read(self) -> None:
        """Take in what it tells, until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            what, at = line.decode().split()
            self.told[what] = float(at)
            self._news.set()
        self._news.set()

    async def missing(self, wanted: Collection[str]) -> set[str]:
        """Wait until it told all of these; what of it never came.

        Raises:
            Ended: it does not run any more.
        """
        while left := set(wanted) - self.told.keys():
            self._news.clear()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._news.wait()
            except TimeoutError:
                return left
            if self._process.stdout is None or self._process.stdout.at_eof():
                raise Ended(await asyncio.to_thread(self._log.read_text, errors="replace"))
        return set()


@asynccontextmanager
async def running(log: Path, *command: str) -> AsyncIterator[Program]:
    """`python -m command` for as long as the context lasts; what it writes to stderr goes to a file."""
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=stderr
        )
    program = Program(process, log)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(program.read())
        try:
            yield program
        finally:
            await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
