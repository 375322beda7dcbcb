"""How long a member waits for an answer."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter
from typing import NoReturn

from bot.conversation.loops import FOLLOWS
from tests.bench.figures import Answers, Waits, ratio
from tests.bench.guests import Guest, Json, mention
from tests.bench.programs import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Answerer:
    """A bot that repeats what it is asked, and the room it is asked in."""

    user_id: str
    room: str


class Ear:
    """Knows when each text of each member was first shown to a guest."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._heard: dict[tuple[str, str], float] = {}
        self._news = asyncio.Event()

    async def listen(self, cursor: str) -> NoReturn:
        """Hear everything from here on; cancel it to stop."""
        while True:
            events, cursor = await self._guest.events(cursor)
            now = perf_counter()
            for event in events:
                self._heard.setdefault((event["sender"], shown_text(event)), now)
            self._news.set()

    async def until(self, sender: str, text: str) -> float:
        """Wait for a text; when it was shown, by `perf_counter`."""
        async with asyncio.timeout(PATIENCE_S):
            while (sender, text) not in self._heard:
                self._news.clear()
                await self._news.wait()
        return self._heard[sender, text]


def shown_text(event: Json) -> str:
    """The text of a message, or what it becomes by an edit."""
    content = event.get("content", {})
    return str(content.get("m.new_content", content).get("body", ""))


async def measure(
    guests: Sequence[Guest], ours: Answerer, peer: Answerer, count: int, shown: Callable[[str], None]
) -> Answers:
    """Ask both bots the same questions, one after another; the first one is for warming up.

    Args:
        guests: the first one watches, the others ask in turn.
    """
    watcher, *askers = guests
    pause_s = FOLLOWS.total_seconds() / len(askers)  # who asks again too soon is taken for a machine
    ear = Ear(watcher)
    waits: Mapping[Answerer, list[float]] = {ours: [], peer: []}
    cursor = await watcher.now()
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(ear.listen(cursor))
        for number, asker in zip(range(count + 1), cycle(askers), strict=False):
            shown(f"question {number} of {count}")
            text = f"what is the answer to question {number}"
            for bot, waited in waits.items():
                began = perf_counter()
                await asker.say(bot.room, mention(bot.user_id, text))
                waited.append(await ear.until(bot.user_id, text) - began)
                await asyncio.sleep(pause_s)
        listening.cancel()
    mine, others = Waits.of(waits[ours][1:]), Waits.of(waits[peer][1:])
    return Answers(count, mine, others, ratio(mine.p50_ms, others.p50_ms))
