"""Many invitations at once, on a homeserver that lets an account enter few rooms a second."""

import asyncio
import os

import pytest

from tests.adapters.matrix.house import House

LONG = os.environ.get("LLMOS_DRILLS") == "long"
ROOMS = 60 if LONG else 12
MINUTE_S = 60.0

pytestmark = pytest.mark.drill


async def invited(house: House) -> list[str]:
    """Rooms of anna's into which the bot is invited."""
    anna = await house.person("anna")
    return [await anna.make_room(house.bot.user_id, name=f"room {number}") for number in range(ROOMS)]


async def entered(house: House, rooms: list[str]) -> int:
    """In how many of them the bot is."""
    anna = await house.person("anna")
    return sum([house.bot.user_id in await anna.members(room) for room in rooms])


async def test_invitations_wait_their_turn_and_hold_up_no_other_room(house: House) -> None:
    settled = await house.room("anna", "ben", name="settled")
    ben = await house.person("ben")
    async with house.living():
        await house.lives_in(settled)
        house.synapse.limit(house.bot.user_id, 2, 3)
        rooms = await invited(house)
        await house.ask(ben, settled, "are you busy")
        await house.stands(ben, settled, "are you busy")
        assert await entered(house, rooms) < ROOMS, "nothing was waiting"
        async with asyncio.timeout(MINUTE_S):
            await house.lives_in(*rooms)


async def test_invitations_that_wait_outlive_the_bot(house: House) -> None:
    rooms = await invited(house)
    house.synapse.limit(house.bot.user_id, 1, 3)
    async with house.living():
        assert await entered(house, rooms) < ROOMS, "nothing was waiting"
    house.synapse.limit(house.bot.user_id, 0, 0)
    async with house.living():
        await house.lives_in(*rooms)
