"""A bot in very many rooms, by hand: `python -m tests.drills.many_rooms ROOMS [MINUTES]`.

Making the rooms takes most of the time; after so many minutes those that exist must do. Prints a JSON line.
"""

import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.adapters.matrix.house import House, housed
from tests.labs.people import Person, person
from tests.labs.relay import Relay
from tests.labs.synapse import running

_MAKERS = 4
_SYNC = "/_matrix/client/v3/sync"


def resident_mb(process_id: int) -> int:
    """Memory of a process."""
    status = Path(f"/proc/{process_id}/status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) // 1024


async def make_rooms(anna: Person, body: Person, numbers: Iterator[int], until_s: float) -> list[str]:
    """Rooms of two, one after the other, until there are enough or the time is over."""
    made: list[str] = []
    for number in numbers:
        if time.monotonic() > until_s:
            break
        room = await anna.make_room(body.id, name=f"room {number}")
        await body.join(room)
        made.append(room)
    return made


async def measure(house: House, rooms: int, minutes: float) -> dict[str, float]:
    """The first sync of `llmos run`, its memory then, and how soon it answers somewhere after it."""
    anna, numbers = await house.person("anna"), iter(range(rooms))
    until_s = time.monotonic() + 60 * minutes
    async with person(house.synapse.url, house.bot) as body, asyncio.TaskGroup() as tasks:
        makers = [tasks.create_task(make_rooms(anna, body, numbers, until_s)) for _ in range(_MAKERS)]
    made = list(itertools.chain.from_iterable(maker.result() for maker in makers))
    async with Relay(house.synapse.url).open() as relay:
        house.homeserver = relay.url
        async with house.service() as process:
            await relay.until(lambda: relay.count(_SYNC) > 0)
            first = next(passed for passed in relay.passed if passed.path == _SYNC)
            idle_mb = resident_mb(process.pid)
            begun = time.monotonic()
            await house.ask(anna, made[-1], "are you there")
            await relay.until(lambda: relay.count("/send/m.room.message/") > 0)
            answered_s = round(time.monotonic() - begun, 2)
            return {
                "rooms": len(made),
                "first_sync_s": round(first.ended - first.begun, 1),
                "first_sync_mb": round(first.size / 1e6, 2),
                "rss_mb": idle_mb,
                "first_answer_s": answered_s,
                "rss_after_answer_mb": resident_mb(process.pid),
            }


async def main(rooms: int, minutes: float) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="many-rooms-") as folder,
        running(Path(folder) / "server") as synapse,
    ):
        async with housed(synapse, Path(folder)) as house:
            found = await measure(house, rooms, minutes)
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10))
