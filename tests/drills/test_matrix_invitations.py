"""Many invitations at once, on a homeserver that lets an account enter few rooms a second."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from tests.adapters.matrix.house import House
from tests.labs.relay import Json, Relay

LONG = os.environ.get("LLMOS_DRILLS") == "long"
ROOMS = 60 if LONG else 12
AT_ONCE = 3
MINUTE_S = 60.0
TOO_OFTEN: Json = {"errcode": "M_LIMIT_EXCEEDED", "error": "too often", "retry_after_ms": 500}

pytestmark = pytest.mark.drill


@pytest.fixture
async def relay(house: House) -> AsyncIterator[Relay]:
    """What stands before the bot's homeserver."""
    async with Relay(house.synapse.url).open() as relay:
        house.homeserver = relay.url
        yield relay


def admit(relay: Relay, rooms: int) -> None:
    """Let the bot into so many further rooms and refuse all others."""
    left = rooms

    def refuse(method: str, path: str) -> tuple[int, Json] | None:
        nonlocal left
        if "/join/" not in path:
            return None
        left -= 1
        return (429, TOO_OFTEN) if left < 0 else None

    relay.refuse = refuse


async def invited(house: House) -> list[str]:
    """Rooms of anna's into which the bot is invited."""
    anna = await house.person("anna")
    return [await anna.make_room(house.bot.user_id, name=f"room {number}") for number in range(ROOMS)]


async def entered(house: House, rooms: list[str]) -> int:
    """In how many of them the bot is."""
    anna = await house.person("anna")
    return sum([house.bot.user_id in await anna.members(room) for room in rooms])


async def test_invitations_wait_their_turn_and_hold_up_no_other_room(house: House, relay: Relay) -> None:
    settled = await house.room("anna", "ben", name="settled")
    ben = await house.person("ben")
    async with house.living():
        await house.lives_in(settled)
        admit(relay, AT_ONCE)
        rooms = await invited(house)
        await relay.until(lambda: relay.count("/join/", 429) > 0)
        await house.ask(ben, settled, "are you busy")
        await house.stands(ben, settled, "are you busy")
        assert await entered(house, rooms) <= AT_ONCE
        house.synapse.limit(house.bot.user_id, 2, 3)
        relay.refuse = lambda method, path: None
        async with asyncio.timeout(MINUTE_S):
            await house.lives_in(*rooms)


async def test_invitations_that_wait_outlive_the_bot(house: House, relay: Relay) -> None:
    rooms = await invited(house)
    admit(relay, AT_ONCE)
    async with house.living():
        await relay.until(lambda: relay.count("/join/", 429) > 0)
        assert await entered(house, rooms) <= AT_ONCE
    relay.refuse = lambda method, path: None
    async with house.living():
        await house.lives_in(*rooms)
