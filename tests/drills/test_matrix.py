"""Matrix on its bad days: `llmos run` killed, its homeserver stopped, its rate limited."""

import asyncio
import itertools
import os
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.adapters.matrix.house import House
from tests.labs.people import Person, Shown

LONG = os.environ.get("LLMOS_DRILLS") == "long"
KILLS = 15 if LONG else 5
ROOMS_KINDS = (False, True) if LONG else (False,)
"""Encrypted or not; a kill in an encrypted room is in `tests/adapters/matrix/test_encrypted.py`, too."""
QUESTIONS = 40
ROOMS = 3
BACK_S = 5.0
"""Within this time after its homeserver is back, the bot has answered what was asked."""

pytestmark = pytest.mark.drill


async def settled(house: House, who: Person, room: str) -> None:
    """Wait until the bot is in a room and answers there."""
    await house.lives_in(room)
    await house.ask(who, room, "are you there")
    await house.stands(who, room, "are you there")


async def answered_once(house: House, who: Person, room: str, questions: Sequence[tuple[str, str]]) -> None:
    """Wait until every question (event id, text) has its whole answer as a reply, and only one."""
    wanted = Counter(questions)

    def replies(shown: list[Shown]) -> Counter[tuple[str, str]]:
        return Counter((each.reply_to or "", each.text) for each in shown)

    shown = await who.until(room, lambda shown: not wanted - replies(shown), house.bot.user_id)
    assert Counter(reply for reply, _text in replies(shown).elements()) == Counter(id for id, _ in questions)


@pytest.mark.parametrize("encrypted", ROOMS_KINDS, ids=["plain", "encrypted"][: len(ROOMS_KINDS)])
async def test_killed_at_any_moment_it_answers_every_question_once(house: House, encrypted: bool) -> None:
    house.encrypted = encrypted
    dice = random.Random(20261124)
    names = [f"member{number}" for number in range(8)]
    rooms = [await house.room("anna", *names, name=f"room {number}") for number in range(ROOMS)]
    anna, members = await house.person("anna"), [await house.person(name) for name in names]
    asked: dict[str, list[tuple[str, str]]] = {room: [] for room in rooms}

    numbers = itertools.count()

    async def some_ask(count: int) -> None:
        for _question in range(count):
            number = next(numbers)
            room, who = rooms[number % len(rooms)], members[number % len(members)]
            text = f"question {number}"
            asked[room].append((await house.ask(who, room, text), text))
            await anna.say(room, "hm")  # not by the asker: it would belong to the next question

    async with house.service():
        for room in rooms:
            await house.lives_in(room)
            asked[room].append((await house.ask(anna, room, "first"), "first"))
            await house.answers(anna, room, 1)
    for _kill in range(KILLS):
        async with house.service() as process:
            await some_ask(QUESTIONS // KILLS)
            await asyncio.sleep(dice.uniform(0.5, 2.5))  # the random moment, from starting up to answering
            assert process.returncode is None
    await some_ask(QUESTIONS + len(rooms) - sum(map(len, asked.values())))
    async with house.service():
        for room in rooms:
            await answered_once(house, anna, room, asked[room])
    for room in rooms:  # the last process may still have been writing when the last answer stood
        await answered_once(house, anna, room, asked[room])


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_when_the_homeserver_is_back_the_bot_answers_within_seconds(house: House, kill: bool) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await settled(house, anna, room)
        await asyncio.to_thread(house.synapse.stop, kill=kill)
        await asyncio.sleep(3 if LONG else 1)  # long enough for several attempts in vain
        await asyncio.to_thread(house.synapse.start)
        async with asyncio.timeout(BACK_S):
            await house.ask(anna, room, "and now")
            await house.stands(anna, room, "are you there", "and now")


async def test_a_partner_that_answers_everything_gets_at_most_three_messages(house: House) -> None:
    moderators = await house.room("anna", "ben", name="moderators")
    house.extra = f'moderators_room = "{moderators}"'
    room = await house.room("anna", "ben", "parrot")
    anna, parrot = await house.person("anna"), await house.person("parrot")
    heard: set[str] = set()

    async def answers_everything() -> None:
        async for _change in parrot.changes(room):
            for each in await parrot.shown(room, house.bot.user_id):
                if each.id not in heard:
                    heard.add(each.id)
                    await house.ask(parrot, room, f"you said {each.text}", reply_to=each.id)

    async with house.living(), asyncio.TaskGroup() as tasks:
        await house.lives_in(room, moderators)
        partner = tasks.create_task(answers_everything())
        await house.ask(parrot, room, "hello, fellow machine")
        await house.answers(anna, room, 3)
        await house.ask(anna, room, "what is going on")  # a person is answered after all that
        await anna.until(
            room, lambda shown: any(s.text == "what is going on" for s in shown), house.bot.user_id
        )
        partner.cancel()
        await anna.until(moderators, lambda shown: any(parrot.id in s.text for s in shown), house.bot.user_id)
    said = [s for s in await anna.shown(room, house.bot.user_id) if anna.id not in s.mentions]
    assert len(said) == 3


async def test_strict_rate_limits_lose_nothing_and_double_nothing(house: House) -> None:
    house.synapse.limit(house.bot.user_id, 2, 5)
    names = [f"member{number}" for number in range(4)]
    rooms = [await house.room("anna", *names, name=f"room {number}") for number in range(2)]
    anna, members = await house.person("anna"), [await house.person(name) for name in names]
    asked: dict[str, list[tuple[str, str]]] = {room: [] for room in rooms}
    async with house.living():
        await house.lives_in(*rooms)
        for number, (who, room) in enumerate((who, room) for room in rooms for who in members):
            text = f"question {number}"
            asked[room].append((await house.ask(who, room, text), text))
        for room in rooms:
            await answered_once(house, anna, room, asked[room])
            shown = await anna.shown(room, house.bot.user_id)  # nobody waits for another: in any order
            assert sorted(each.text for each in shown) == sorted(text for _id, text in asked[room])
