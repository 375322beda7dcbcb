"""A digest of a member's own on Matrix: a room for two, in which a reaction stops it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.adapters.matrix.house import House, housed
from tests.labs.people import PATIENCE_S, Person
from tests.labs.synapse import Synapse
from tests.living import Clock


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
async def house(synapse: Synapse, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with housed(synapse, tmp_path) as house:
        house.encrypted = request.param
        yield house


async def joined(who: Person) -> str:
    """The room that one is invited to, joined."""
    async with asyncio.timeout(PATIENCE_S):
        while not (rooms := await who.accept_invitations()):
            pass  # the homeserver takes its time to answer
    return rooms[0]


async def test_it_comes_into_a_room_for_two_and_stops_by_a_reaction(house: House) -> None:
    clock = Clock()
    house.now = clock
    anna, ben = await house.person("anna"), await house.person("ben")
    room = await house.room("anna", "ben", bot_last=True)
    async with house.living():
        await house.lives_in(room)
        asked = await anna.say(room, "who has a ladder?")
        await anna.say(room, "any ladder?", reply_to=asked)
        await ben.say(room, "!llmos digest me daily 9:00 UTC")
        await house.answers(ben, room, 1)
        ours = await joined(ben)
        clock.shift = timedelta(days=1)
        greeting, card = await house.answers(ben, ours, 2)
        assert "This is where your digest comes" in greeting.text
        assert "A thread for you" in card.text
        clock.shift = timedelta()
        await ben.react(ours, card.id, "⏹️")
        last = (await house.answers(ben, ours, 3))[-1]
        assert "is stopped" in last.text
        assert await ben.members(ours) == {ben.id, house.bot.user_id}
    assert len(await ben.shown(room, house.bot.user_id)) == 1
