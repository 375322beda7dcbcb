"""What a stalled model call costs other rooms, by hand: `python -m tests.drills.stalled_call [QUESTIONS]`.

Half of the questions are asked while nothing else goes on, half while a call for another room stalls. Prints
a JSON line: from the moment a question is sent to the moment the bot sends its answer, in milliseconds.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.adapters.matrix.house import House, housed
from tests.drills.test_matrix_models import connected
from tests.labs.people import Person
from tests.labs.relay import Relay
from tests.labs.synapse import running
from tests.llm.misbehaving import Misbehaving, misbehaving

_ANSWER = "/send/m.room.message/"
_BETWEEN_S = 0.3


async def delays_ms(
    house: House, relay: Relay, members: Sequence[Person], room: str, count: int
) -> list[float]:
    """How long so many questions waited for their answers."""
    found: list[float] = []
    for number in range(count):
        await asyncio.sleep(_BETWEEN_S)  # receipts and typing of the last one are through
        answers = relay.count(_ANSWER)
        begun = asyncio.get_running_loop().time()
        await house.ask(members[number % len(members)], room, "PING")
        await relay.until(lambda before=answers: relay.count(_ANSWER) > before)  # type: ignore[misc]
        answer = [passed for passed in relay.passed if _ANSWER in passed.path][-1]
        found.append(1000 * (answer.begun - begun))
    return found


async def measure(house: House, server: Misbehaving, count: int) -> dict[str, float]:
    """Medians without and with a stalled call."""
    names = [f"member{number}" for number in range(12)]
    busy, quiet = await house.room(*names, name="busy"), await house.room("member0", "ben", name="quiet")
    members = [await house.person(name) for name in names]
    async with Relay(house.synapse.url).open() as relay:
        house.homeserver = relay.url
        connected(house, server, timeout_s=600)
        async with house.service():
            await house.lives_in(busy, quiet)
            await delays_ms(house, relay, members, busy, 5)  # everything is loaded
            free = await delays_ms(house, relay, members, busy, count // 2)
            asked = len(server.asked)
            await house.ask(await house.person("ben"), quiet, "STALL for ever")
            while len(server.asked) == asked:
                server.arrived.clear()
                await server.arrived.wait()
            stalled = await delays_ms(house, relay, members, busy, count // 2)
            if not server.asked[asked].open:
                raise RuntimeError("the other call was not stalled all the time")
    return {
        "questions": count,
        "median_ms": round(statistics.median(free), 1),
        "median_while_stalled_ms": round(statistics.median(stalled), 1),
        "p90_ms": round(statistics.quantiles(free, n=10)[-1], 1),
        "p90_while_stalled_ms": round(statistics.quantiles(stalled, n=10)[-1], 1),
    }


async def main(count: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="stalled-call-") as folder,
        running(Path(folder) / "server") as home,
    ):
        async with housed(home, Path(folder)) as house, misbehaving() as server:
            found = await measure(house, server, count)
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
