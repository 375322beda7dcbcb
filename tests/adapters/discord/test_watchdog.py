"""What discord.py goes round in for ever is noticed, and ended by a new session."""

import asyncio

import pytest

from bot.adapters.discord.watchdog import Patience, Watchdog
from tests.adapters.discord.house import House

QUICK = Patience(down_s=7.0, attempts=20, steady_s=0.3, silent_s=1.5, look_s=0.1)


class Seconds:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def watchdog(clock: Seconds) -> Watchdog:
    return Watchdog(Patience(), clock)


def test_a_shard_whose_heartbeats_are_acknowledged_is_left_alone(watchdog: Watchdog, clock: Seconds) -> None:
    watchdog.connected(0)
    for beat in range(100):
        clock.at += 41.25
        assert watchdog.look([(0, 0.1 + beat / 1000)], 1) is None


def test_heartbeats_that_nobody_acknowledges_are_noticed(watchdog: Watchdog, clock: Seconds) -> None:
    watchdog.connected(0)
    assert watchdog.look([(0, 0.1)], 1) is None
    clock.at += 170
    assert watchdog.look([(0, 0.1)], 1) is None
    clock.at += 20
    assert "no heartbeat of shard 0" in (watchdog.look([(0, 0.1)], 1) or "")


def test_a_shard_that_is_down_for_long_is_noticed_and_a_short_fall_is_not(
    watchdog: Watchdog, clock: Seconds
) -> None:
    watchdog.connected(0)
    watchdog.connected(1)
    clock.at += 60
    watchdog.disconnected(1)
    clock.at += 100
    assert watchdog.look([(0, 0.1), (1, 0.1)], 2) is None
    watchdog.connected(1)
    clock.at += 60
    assert watchdog.look([(0, 0.2), (1, 0.2)], 2) is None
    watchdog.disconnected(1)
    clock.at += 151
    assert "shard 1 was not connected" in (watchdog.look([(0, 0.3), (1, 0.2)], 2) or "")


def test_connections_that_do_not_hold_are_no_connection(watchdog: Watchdog, clock: Seconds) -> None:
    watchdog.connected(0)
    clock.at += 60
    found = None
    for attempt in range(40):
        watchdog.disconnected(0)
        clock.at += 1
        watchdog.connected(0)
        clock.at += 1
        found = watchdog.look([(0, attempt / 100)], 1)
        if found is not None:
            break
    assert found is not None
    assert "20 attempts in 40 s" in found


def test_a_first_connection_that_never_comes_is_noticed_and_a_slow_row_of_shards_is_not(
    watchdog: Watchdog, clock: Seconds
) -> None:
    for shard in range(60):  # Discord lets one begin every five seconds
        clock.at += 5
        assert watchdog.look([(each, clock.at) for each in range(shard)], 60) is None
        watchdog.connected(shard)
    fresh = Watchdog(Patience(), clock)
    clock.at += 151
    assert "no first connection for 151 s" in (fresh.look([], None) or "")


@pytest.mark.parametrize("how", ["503", "cut"])
async def test_a_session_that_cannot_be_resumed_is_given_up_for_a_new_one(house: House, how: str) -> None:
    house.patience = QUICK
    async with house.living():
        await house.quiet(house.general)
        before = house.lab.identifies
        house.lab.break_gateway("resume", how)
        house.lab.request_reconnect()
        await house.lab.until(lambda: house.lab.gateway_events("broken"))
        house.anna.ask(house.general, "there again?")
        await house.stands(house.general, "are you there", "there again?")
    assert house.lab.identifies == before + 1
    assert len(house.lab.gateway_events("broken")) < 200


@pytest.mark.parametrize("how", ["503", "cut"])
async def test_a_gateway_that_takes_nobody_is_asked_again_until_it_does(house: House, how: str) -> None:
    house.patience = QUICK
    async with house.living():
        await house.quiet(house.general)
        house.lab.break_gateway("resume", how)
        house.lab.break_gateway("gateway", "cut")
        house.lab.request_reconnect()
        await house.lab.until(lambda: house.lab.gateway_events("broken")[-1:] == ["cut"])
        house.anna.ask(house.general, "there again?")
        house.lab.break_gateway("gateway", None)
        await house.stands(house.general, "are you there", "there again?")


async def test_a_first_connection_that_fails_for_long_is_begun_again(house: House) -> None:
    house.patience = QUICK
    house.lab.break_gateway("gateway", "503")

    async def mend() -> None:
        await house.lab.until(lambda: len(house.lab.calls("GET /gateway/bot")) >= 2)
        house.lab.break_gateway("gateway", None)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(mend())
        async with house.living():
            house.anna.ask(house.general, "there?")
            await house.stands(house.general, "there?")


async def test_a_connection_that_acknowledges_nothing_is_given_up(house: House) -> None:
    house.patience = QUICK
    house.lab.settings.heartbeat_ms = 300
    async with house.living():
        await house.quiet(house.general)
        before = house.lab.identifies
        house.lab.ack_heartbeats = False
        await house.lab.until(lambda: house.lab.identifies > before)
        house.lab.ack_heartbeats = True
        house.anna.ask(house.general, "there again?")
        await house.stands(house.general, "are you there", "there again?")
