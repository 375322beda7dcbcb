"""`make bench-matrix`: our bot on a real homeserver, beside the shortest bots on matrix-nio in the same run.

Prints one JSON document. Everything measured is a process of its own; people are in this one.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tests.adapters.matrix.house import House, housed
from tests.bench import answers, decisions, load, nio_peer, observed
from tests.bench.answers import Answerer
from tests.bench.figures import Answers, Decisions, Memory, Report, Sustained
from tests.bench.guests import Guest, Party, PlainParty
from tests.bench.programs import READY, Program, running
from tests.bench.secretive_guests import SecretiveParty
from tests.labs import synapse as lab

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of everything; the defaults are what docs/performance.md tells about.

    Attributes:
        rate: messages a second, where they come steadily.
        seconds: for which everybody sends as fast as possible.
        settle_s: for which an idle bot is left alone before its memory is read.
    """

    questions: int = 50
    messages: int = 600
    rate: float = 8
    people: int = 8
    rooms: int = 10
    seconds: float = 20
    settle_s: float = 10


class Bench:
    """One homeserver, our bot and the peer, and the rooms in which they meet people."""

    def __init__(
        self, house: House, party: Party, encrypted: Party, counts: Counts, progress: Progress
    ) -> None:
        self._house, self._party, self._encrypted = house, party, encrypted
        self._counts, self._progress = counts, progress
        self._config = house.write()
        self._guests: Sequence[Guest] = ()
        self._rooms: Sequence[str] = ()

    async def run(self) -> Report:
        """Measure everything."""
        self._progress("making rooms")
        peer = await self._house.person("nio")
        self._guests = [await self._party.guest(f"member{number}") for number in range(self._counts.people)]
        bots = (self._house.bot.user_id, peer.id)
        self._rooms = [
            await self._party.room(f"room {number}", self._guests, bots)
            for number in range(self._counts.rooms)
        ]
        for room in self._rooms:
            await peer.join(room)
        answered, encrypted, sustained, memory = await self._service()
        decided = await self._decisions()
        homeserver = f"Synapse {lab.VERSION}, {self._house.synapse.rates} rates"
        return Report(homeserver, answered, encrypted, decided, sustained, memory)

    async def _service(self) -> tuple[Answers, Answers, Sustained, Memory]:
        """What is measured from outside, of `llmos run`."""
        log = self._house.folder / "service.log"
        async with running(log, "bot", "run", "--config", str(self._config)) as ours:
            await self._joined(self._rooms)
            self._progress("idle")
            await asyncio.sleep(self._counts.settle_s)
            idle_rss_mb = ours.rss_mb
            answered = await self._answers(self._party, self._guests, nio_peer.ANSWER)
            secretive = [await self._encrypted.guest(f"member{n}") for n in range(self._counts.people)]
            encrypted = await self._answers(self._encrypted, secretive, nio_peer.ANSWER_ENCRYPTED)
            async with self._peer(nio_peer.LISTEN) as peer:
                self._progress("everybody sends")
                database = self._house.config.storage.path
                assert database is not None
                sustained = await load.measure(
                    self._guests, self._rooms, ours, database, peer, self._counts.seconds
                )
            memory = Memory(len(self._rooms), round(idle_rss_mb, 1), round(ours.rss_mb, 1))
        return answered, encrypted, sustained, memory

    async def _answers(self, party: Party, guests: Sequence[Guest], kind: str) -> Answers:
        us, peer = self._house.bot.user_id, await self._house.person("nio")
        ours, theirs = [
            Answerer(bot, await party.room(f"questions to {bot}", guests, [bot])) for bot in (us, peer.id)
        ]
        await peer.join(theirs.room)
        async with self._peer(kind):
            await party.joined(ours.room, us)
            return await answers.measure(guests, ours, theirs, self._counts.questions, self._progress)

    async def _decisions(self) -> Decisions:
        counts, log = self._counts, self._house.folder / "observed.log"
        async with running(log, *observed.command(self._config)) as ours, self._peer(nio_peer.LISTEN) as peer:
            return await decisions.measure(
                self._guests, self._rooms, ours, peer, counts.messages, counts.rate, self._progress
            )

    async def _joined(self, rooms: Sequence[str]) -> None:
        """Wait until our bot is in these rooms."""
        for room in rooms:
            await self._party.joined(room, self._house.bot.user_id)

    @asynccontextmanager
    async def _peer(self, kind: str) -> AsyncIterator[Program]:
        """The peer, listening."""
        login = (await self._house.person("nio")).login
        log = self._house.folder / f"nio-{kind}.log"
        async with running(log, *nio_peer.command(kind, self._house.synapse.url, login)) as peer:
            await peer.missing([READY])
            yield peer


async def measured(synapse: lab.Synapse, folder: Path, counts: Counts, progress: Progress) -> Report:
    """Everything; answers in encrypted rooms too."""
    async with housed(synapse, folder) as house:
        return await Bench(house, PlainParty(house), SecretiveParty(house), counts, progress).run()


def main() -> None:
    """Start a homeserver, measure, print."""
    counts = _counts(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="llmos-bench-") as scratch:
        folder = Path(scratch)
        with lab.running(folder / "synapse") as synapse:
            report = asyncio.run(measured(synapse, folder, counts, _tell))
    sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")


def _counts(arguments: Sequence[str]) -> Counts:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.matrix", description=__doc__)
    for field in fields(Counts):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default
        )
    return Counts(**vars(parser.parse_args(arguments)))


def _tell(doing: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{doing:<40}")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
