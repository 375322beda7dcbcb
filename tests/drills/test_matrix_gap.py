"""A long gap: much was said while the bot was away, and before it came."""

import os

import pytest

from tests.adapters.matrix.house import House

LONG = os.environ.get("LLMOS_DRILLS") == "long"
MESSAGES, MENTIONS, BEFORE = (400, 8, 30) if LONG else (160, 4, 6)
"""More than three times what one sync brings."""


@pytest.mark.drill
async def test_every_mention_in_a_long_gap_is_answered_and_none_from_before_the_bot_came(
    house: House,
) -> None:
    anna, ben = await house.person("anna"), await house.person("ben")
    room = await anna.make_room(ben)
    await ben.join(room)
    for number in range(BEFORE):
        await house.ask(ben, room, f"before {number}")
    await anna.invite(room, house.bot.user_id)
    async with house.living():
        await house.lives_in(room)
    questions: list[str] = []
    for number in range(1, MESSAGES + 1):
        if number % (MESSAGES // MENTIONS) == 1:
            questions.append(f"question {number}")
            await house.ask(ben, room, questions[-1])
        else:
            await anna.say(room, f"talk {number}")
    assert len(questions) == MENTIONS
    async with house.living():
        await house.stands(anna, room, *questions)
        await house.ask(ben, room, "last")
        await house.stands(anna, room, *questions, "last")
