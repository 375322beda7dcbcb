"""Power that the bot lacks on Matrix: named once, not asked for in vain, and used when it is there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.matrix.rights import Rights
from bot.core.actions import Action, Ban, Delete, Kick, Timeout
from bot.core.events import MessageRef
from tests.adapters.matrix.house import House, housed
from tests.adapters.matrix.sender import Hands, hands
from tests.labs.people import PATIENCE_S, Person
from tests.labs.synapse import Synapse
from tests.strict import NO_SHOUTING


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[House]:
    async with housed(synapse, tmp_path) as house:
        house.rules = (NO_SHOUTING,)
        yield house


@pytest.fixture
async def powerless(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Hands]:
    async with hands(synapse, tmp_path, "ben", power=10) as house:
        yield house


async def gone(who: Person, room: str) -> None:
    """Wait until no message in capitals stands."""
    await who.until(room, lambda shown: not any(each.text.isupper() for each in shown))


async def test_missing_power_is_named_once_and_used_when_it_is_given(house: House) -> None:
    ann, mods = await house.person("ann"), await house.room("ann")
    house.extra = f'moderators_room = "{mods}"'
    room = await house.room("ann")
    async with house.living():
        await house.lives_in(room, mods)
        for number in range(5):
            await ann.say(room, f"LOUD {number}")
        (told,) = await house.answers(ann, mods, 1)
        assert "it takes power level 50 (redact), I have 0" in told.text
        await ann.power(room, {house.bot.user_id: 50})
        await gone(ann, room)
    redactions = [each for each in await ann.read(room) if each["type"] == "m.room.redaction"]
    assert len(redactions) == 5
    assert len(await ann.shown(mods, house.bot.user_id)) == 1


async def test_every_kind_of_action_names_its_level(powerless: Hands) -> None:
    house, place = powerless, await powerless.place()
    ben, rights = house.guest("ben"), Rights(powerless.calls)
    said = MessageRef(place, await house.guests["ben"].say(house.room, "hello"))
    cases: list[tuple[Action, str]] = [
        (Delete(said, ""), "power level 50 (redact), I have 10"),
        (Kick(place, ben, ""), "power level 50 (kick), I have 10"),
        (Ban(place, ben, ""), "power level 50 (ban), I have 10"),
        (Timeout(place, ben, 60, ""), "(m.room.power_levels), I have 10"),
    ]
    for action, words in cases:
        assert words in (await rights.lacking(action) or "")
    await house.ann.power(house.room, {house.login.user_id: 100, ben.id: 100})
    rights.changed()
    assert await rights.lacking(cases[0][0]) is None
    assert "their power level (100) is not below mine (100)" in (await rights.lacking(cases[2][0]) or "")


async def test_many_that_look_at_once_ask_once(powerless: Hands) -> None:
    house, place = powerless, await powerless.place()
    rights, action = Rights(house.calls), Ban(await powerless.place(), powerless.guest("ben"), "")
    assert place == action.channel
    before = house.account.sent("m.room.power_levels")
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        for _number in range(50):
            tasks.create_task(rights.lacking(action))
    assert house.account.sent("m.room.power_levels") == before + 1


async def test_outside_the_room_it_is_said_so(powerless: Hands) -> None:
    action = Ban(await powerless.place(), powerless.guest("ben"), "")
    await powerless.body.leave(powerless.room)
    assert "not in the room" in (await Rights(powerless.calls).lacking(action) or "")
