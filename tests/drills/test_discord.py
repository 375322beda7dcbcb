"""Discord on its bad days: `llmos run` killed, at any moment."""

import asyncio
import itertools
import os
import random
from collections import Counter

import pytest

from tests.adapters.discord.conftest import house
from tests.adapters.discord.house import House
from tests.labs.discord import Json
from tests.labs.discord.people import Shown

__all__ = ["house"]

KILLS = 15 if os.environ.get("LLMOS_DRILLS") == "long" else 5
QUESTIONS = 40
CHANNELS = 3

pytestmark = pytest.mark.drill


async def answered_once(house: House, channel: Json, questions: dict[str, str]) -> None:
    """Wait until every question (id -> text) has its whole answer as a reply, and only one."""
    wanted = Counter(questions.items())

    def replies(shown: list[Shown]) -> Counter[tuple[str, str]]:
        return Counter((each.reply_to or "", each.text) for each in shown)

    shown = await house.server.until(channel, lambda shown: not wanted - replies(shown), house.us)
    assert replies(shown) == wanted, "each once, and nothing half-written beside them"


async def test_killed_at_any_moment_it_answers_every_question_once(house: House) -> None:
    dice = random.Random(20261126)
    members = [house.person(f"member{number}") for number in range(8)]
    channels = [house.general, *(house.server.channel(f"room {number}") for number in range(1, CHANNELS))]
    asked: dict[str, dict[str, str]] = {channel["id"]: {} for channel in channels}
    numbers = itertools.count()

    def some_ask(count: int) -> None:
        for number in itertools.islice(numbers, count):
            channel, who = channels[number % len(channels)], members[number % len(members)]
            asked[channel["id"]][who.ask(channel, f"question {number}")] = f"question {number}"
            house.anna.say(channel, "hm")  # not by the asker: it would belong to the next question

    async with house.service():
        await house.lab.until(lambda: house.lab.identifies)
        some_ask(len(channels))
        for channel in channels:
            await house.answers(channel, 1)
    for _kill in range(KILLS):
        async with house.service() as process:
            some_ask(QUESTIONS // KILLS)
            await asyncio.sleep(dice.uniform(0.5, 3.5))  # the random moment, from starting up to answering
            assert process.returncode is None
    some_ask(QUESTIONS + len(channels) - sum(map(len, asked.values())))
    async with house.service():
        for channel in channels:
            await answered_once(house, channel, asked[channel["id"]])
    for channel in channels:  # the last process may still have been writing when the last answer stood
        await answered_once(house, channel, asked[channel["id"]])
