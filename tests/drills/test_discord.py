"""Discord on its bad days: `llmos run` killed at any moment, and a session resumed after much was said."""

import asyncio
import itertools
import os
import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.adapters.discord.conftest import house
from tests.adapters.discord.house import House
from tests.labs.discord import Json
from tests.labs.discord.people import Shown

__all__ = ["house"]

LONG = os.environ.get("LLMOS_DRILLS") == "long"
KILLS = 15 if LONG else 5
MISSED = 20_000 if LONG else 2_000
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


def stored(database: Path) -> list[str]:
    """The ids of members' messages in the file."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        return [id for (id,) in file.execute("SELECT message_id FROM messages WHERE NOT ours ORDER BY seq")]


async def test_what_a_resumed_session_replays_is_stored_once(house: House) -> None:
    house.message_content = True
    house.lab.settings.history = 2 * MISSED
    members = [house.person(f"member{number}") for number in range(8)]
    channels = [house.server.channel(f"room {number}") for number in range(CHANNELS)]
    database = house.config.storage.path
    assert database is not None
    async with house.service():
        await house.lab.until(lambda: house.lab.identifies)
        await house.quiet(house.general)
        house.lab.drop()
        said = [
            members[number % len(members)].say(channels[number % CHANNELS], f"message {number}")
            for number in range(MISSED)
        ]
        await house.lab.until(lambda: house.lab.gateway_events("RESUME"))
        house.anna.ask(house.general, "still there?")
        await house.server.until(
            house.general, lambda shown: any(each.text == "still there?" for each in shown), house.us
        )
        async with asyncio.timeout(60):
            while len(found := await asyncio.to_thread(stored, database)) < MISSED + 2:  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.05)
    asked = [each.id for each in house.server.shown(house.general) if each.author != house.us]
    assert Counter(found) == Counter([*said, *asked]), "each once"
    assert house.lab.identifies == 1
    for number in range(CHANNELS):
        here = [id for id in found if house.lab.message(id)["channel_id"] == channels[number]["id"]]
        assert here == said[number::CHANNELS], "in the order of their channel"
