"""How long it takes until a message is decided, beside a program that only receives it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import cycle

from tests.bench.figures import Decisions, Waits, ratio
from tests.bench.guests import Guest, plain
from tests.bench.programs import Program


async def measure(
    guests: Sequence[Guest],
    rooms: Sequence[str],
    ours: Program,
    peer: Program,
    count: int,
    rate: float,
    shown: Callable[[str], None],
) -> Decisions:
    """Send messages at a steady rate; both programs tell when they have them.

    Args:
        rate: messages a second, fewer than the homeserver can take.
    """
    warm = [await guests[0].say(room, plain("warm-up")) for room in rooms]
    for program in (ours, peer):
        await program.missing(warm)
    began = time.time()
    sent = await _steadily(guests, rooms, count, rate, shown)
    per_second = (count - 1) / (max(sent.values()) - began)
    lost, nio_lost = await ours.missing(sent), await peer.missing(sent)
    decided = {id: ours.told[id] - at for id, at in sent.items() if id not in lost}
    received = {id: peer.told[id] - at for id, at in sent.items() if id not in nio_lost}
    added = [decided[id] - received[id] for id in decided.keys() & received.keys()]
    mine, others = Waits.of(list(decided.values())), Waits.of(list(received.values()))
    return Decisions(
        messages=count,
        per_second=round(per_second, 1),
        ours=mine,
        nio=others,
        ratio_p50=ratio(mine.p50_ms, others.p50_ms),
        ratio_p99=ratio(mine.p99_ms, others.p99_ms),
        added=Waits.of(added),
        lost=len(lost),
        nio_lost=len(nio_lost),
    )


async def _steadily(
    guests: Sequence[Guest], rooms: Sequence[str], count: int, rate: float, shown: Callable[[str], None]
) -> dict[str, float]:
    """When each message was sent, by its id: each at its time, however long those before it take."""
    sent: dict[str, float] = {}

    async def send(guest: Guest, room: str, text: str) -> None:
        at = time.time()
        sent[await guest.say(room, plain(text))] = at

    turns = zip(range(count), cycle(guests), cycle(rooms), strict=False)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number, guest, room in turns:
            await asyncio.sleep(began + number / rate - loop.time())
            tasks.create_task(send(guest, room, f"message {number} of usual length, as people write them"))
            shown(f"message {number + 1} of {count}")
    return sent
