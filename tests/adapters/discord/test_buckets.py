"""Whoever empties a bucket has its answer at once; who comes later waits, and nobody is refused."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from bot.adapters.discord.calls import Calls
from bot.adapters.discord.gateway import Gateway
from bot.adapters.discord.watchdog import Patience
from bot.cli.platforms import discord_settings
from bot.core.errors import RateLimited
from tests.adapters.discord.house import House

SEND = "POST /channels/{channel_id}/messages"


@pytest.fixture
async def calls(house: House) -> AsyncIterator[Calls]:
    gateway = Gateway(discord_settings(house.config), lambda _kind, _raw: None, house.clock, Patience())
    await gateway.enter()
    yield Calls(gateway.http, gateway.direct)
    await gateway.close()


async def post(house: House, calls: Calls, *texts: str) -> None:
    """All at once."""
    async with asyncio.TaskGroup() as group:
        for text in texts:
            group.create_task(calls.send(house.general["id"], {"content": text}))


async def test_the_message_that_empties_the_bucket_is_known_at_once(house: House, calls: Calls) -> None:
    house.lab.limits[SEND] = (3, 30.0)
    async with asyncio.timeout(10):
        for text in ("one", "two", "three"):
            await post(house, calls, text)
    assert house.said(house.general) == ["one", "two", "three"]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("latency_s", [0, 0.05])
async def test_calls_at_once_wait_for_the_bucket_and_none_is_refused(
    house: House, calls: Calls, size: int, latency_s: float
) -> None:
    house.lab.limits[SEND] = (size, 0.5)
    house.lab.latency_s = latency_s
    began, texts = monotonic(), [str(number) for number in range(3 * size)]
    await post(house, calls, *texts)
    assert monotonic() - began > 1.0, "three windows"
    assert sorted(house.said(house.general)) == texts
    assert not house.lab.rate_limited


async def test_a_window_that_ended_there_sooner_than_here_is_a_whole_new_one(
    house: House, calls: Calls
) -> None:
    house.lab.limits[SEND] = (3, 1.0)
    await post(house, calls, "one")
    house.lab._windows.clear()
    await post(house, calls, "two")
    began = monotonic()
    await asyncio.sleep(0.6)
    house.lab._windows.clear()  # Discord's clock is ahead of ours
    await post(house, calls, "three")
    await post(house, calls, "four", "five")
    assert monotonic() - began < 1.0, "two more are allowed at once"
    assert not house.lab.rate_limited


async def test_a_call_that_gets_no_answer_leaves_room_for_the_next(house: House, calls: Calls) -> None:
    async with asyncio.timeout(10):
        await post(house, calls, "one")
        house.lab.fault("POST .*/messages$", drop=True, count=1)
        with pytest.raises(ExceptionGroup):
            await post(house, calls, "lost")
        await post(house, calls, "two", "three")
    assert sorted(house.said(house.general)) == ["one", "three", "two"]


async def test_nobody_waits_for_a_bucket_that_is_closed_for_long(house: House, calls: Calls) -> None:
    house.lab.limits[SEND] = (1, 600.0)
    async with asyncio.timeout(10):
        await post(house, calls, "one")
        with pytest.raises(RateLimited):
            await calls.send(house.general["id"], {"content": "two"})
