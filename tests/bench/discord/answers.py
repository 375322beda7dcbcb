"""How long a member waits for an answer, alone and in a crowd."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import cycle, pairwise
from time import perf_counter, time

from bot.conversation.loops import FOLLOWS
from tests.bench.discord import ours, peer
from tests.bench.discord.figures import Answers, Crowd, Late
from tests.bench.discord.places import Place
from tests.bench.figures import Waits, ratio
from tests.bench.programs import Program
from tests.labs.discord.people import Shown, show

_PATIENCE_S = 60.0  # behind the model's last word


async def measure(mine: Place, theirs: Place, count: int, shown: Callable[[str], None]) -> Answers:
    """Ask both bots the same questions, one after another; the first ones are for warming up."""
    waits: Mapping[str, list[float]] = {"ours": [], "peer": []}
    async with mine.service(), theirs.peer(peer.ANSWER) as program:
        await program.missing(["ready"])
        pause_s = FOLLOWS.total_seconds() / len(
            mine.members
        )  # who asks again too soon is taken for a machine
        rounds = zip(range(count + 1), cycle(range(len(mine.members))), strict=False)
        for number, at in rounds:
            shown(f"question {number} of {count}")
            for name, place in (("ours", mine), ("peer", theirs)):
                waits[name].append(await _answered(place, at, f"what is the answer to question {number}"))
                await asyncio.sleep(pause_s)
    our, their = (Waits.of(waits[name][1:]) for name in ("ours", "peer"))
    return Answers(count, our, their, ratio(our.p50_ms, their.p50_ms))


async def _answered(place: Place, at: int, text: str) -> float:
    channel = place.channels[at % len(place.channels)]
    began = perf_counter()
    question = place.members[at].ask(channel, text)
    await place.lab.until(
        lambda: any(each.reply_to == question and each.text == text for each in show(place.lab, channel))
    )
    return perf_counter() - began


class Watch:
    """Sees when each answer in a channel first has words, changes, and is complete.

    Args:
        questions: the id of each question -> the whole text of its answer.
    """

    def __init__(self, place: Place, channel: str, questions: Mapping[str, str]) -> None:
        self._place, self._channel, self._questions = place, channel, questions
        self.seen: dict[str, list[tuple[float, str]]] = {question: [] for question in questions}

    async def until_complete(self, within_s: float) -> None:
        """Watch until every answer is whole."""
        await self._place.lab.until(self._look, within_s)

    def _look(self) -> bool:
        now = time()
        for each in show(self._place.lab, self._channel):
            if each.reply_to in self.seen and self._is_news(each):
                self.seen[each.reply_to].append((now, each.text))
        return all(seen and seen[-1][1] == self._questions[question] for question, seen in self.seen.items())

    def _is_news(self, shown: Shown) -> bool:
        assert shown.reply_to is not None
        seen, whole = self.seen[shown.reply_to], self._questions[shown.reply_to]
        begun = bool(shown.text) and whole.startswith(shown.text)
        return begun and (not seen or seen[-1][1] != shown.text)


async def crowd(mine: Place, theirs: Place, seconds: float, shown: Callable[[str], None]) -> Crowd:
    """All members ask at once in one channel, first our bot, then the peer."""
    shown(f"{len(mine.members)} members ask at once")
    names = {f"q{number}": member for number, member in enumerate(mine.members)}
    config, channel = mine.house.write(), mine.channels[0]["id"]
    async with mine.connected("crowd", *ours.command(config, seconds=seconds)) as program:
        await mine.lab.until(lambda: mine.lab.commands)
        calls, refused = len(mine.lab.requests), mine.lab.rate_limited.total()
        began, asked = time(), {member.ask(channel, name): name for name, member in names.items()}
        watch = Watch(mine, channel, {key: ours.answer(name, seconds) for key, name in asked.items()})
        await watch.until_complete(seconds + _PATIENCE_S)
        await program.missing([f"end:{name}" for name in names])
        calls, refused = len(mine.lab.requests) - calls, mine.lab.rate_limited.total() - refused
    seen = {asked[key]: each for key, each in watch.seen.items()}
    peer_late, peer_refused = await _peers(theirs, seconds)
    return Crowd(
        members=len(names),
        model_s=seconds,
        at_once=_at_once(program, names),
        first_text=Late.of([each[0][0] - began for each in seen.values()]),
        late=Late.of([max(0.0, each[-1][0] - program.told[f"end:{name}"]) for name, each in seen.items()]),
        longest_gap_s=round(
            max(later - sooner for each in seen.values() for (sooner, _one), (later, _two) in pairwise(each)),
            2,
        ),
        calls=calls,
        refused=refused,
        peer_late=peer_late,
        peer_refused=peer_refused,
    )


def _at_once(program: Program, names: Mapping[str, object]) -> int:
    """Most answers that were being written at one time."""
    times = [(program.told[f"begin:{name}"], 1) for name in names]
    times += [(program.told[f"end:{name}"], -1) for name in names]
    most = now = 0
    for _at, change in sorted(times):
        now += change
        most = max(most, now)
    return most


async def _peers(theirs: Place, seconds: float) -> tuple[Late, int]:
    channel = theirs.channels[0]["id"]
    async with theirs.peer(peer.LATE, seconds) as program:
        await program.missing(["ready"])
        refused = theirs.lab.rate_limited.total()
        asked = {member.ask(channel, f"q{n}"): f"q{n}" for n, member in enumerate(theirs.members)}
        watch = Watch(theirs, channel, asked)
        await watch.until_complete(seconds + _PATIENCE_S)
        late = Late.of([seen[-1][0] - program.told[f"end:{key}"] for key, seen in watch.seen.items()])
        return late, theirs.lab.rate_limited.total() - refused
