"""However often the bot is started, it never begins so many sessions that Discord resets its token."""

import asyncio
import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.discord import DiscordAdapter
from bot.adapters.discord.identifies import DAY, FREE, LIMIT, LONGEST, MARGIN, Allowance, Identifies
from bot.adapters.discord.watchdog import Patience
from tests.adapters.discord.house import Heard, House

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def opened(folder: Path, clock: Clock, allowance: Allowance | None = None, us: str = "7") -> Identifies:
    """The count as a process finds it."""
    identifies = Identifies(folder / "identifies.json", clock)
    await identifies.load(us)
    identifies.allowed(allowance or Allowance())
    return identifies


async def in_trouble(adapter: DiscordAdapter) -> None:
    """Wait until the bot waits."""
    async with asyncio.timeout(20):
        while adapter.trouble() is None:  # noqa: ASYNC110 - a wait tells nobody
            await asyncio.sleep(0.01)


async def test_a_crash_loop_is_slowed_down_by_every_process_that_it_starts(
    tmp_path: Path, clock: Clock
) -> None:
    begun: list[datetime] = []
    while clock.now < START + 2 * DAY:
        identifies = await opened(tmp_path, clock)
        clock.now = max(clock.now, identifies.ready_at(1))
        await identifies.begin()
        begun.append(clock.now)
        clock.now += timedelta(seconds=5)
    pauses = [later - earlier for earlier, later in itertools.pairwise(begun)]
    assert set(pauses[: FREE - 1]) == {timedelta(seconds=5)}
    slowed = [pause for pause, when in zip(pauses, begun, strict=False) if when < START + DAY][FREE:]
    assert slowed == sorted(slowed)
    assert slowed[-1] == LONGEST
    for last in begun:
        assert sum(last - DAY < each <= last for each in begun) < 100
    assert len([each for each in begun if each < START + timedelta(hours=1)]) < 50


async def test_many_shards_are_begun_in_a_row_and_never_more_than_discord_allows(
    tmp_path: Path, clock: Clock
) -> None:
    begun = [START - timedelta(hours=12) + timedelta(seconds=each) for each in range(840)]
    written = json.dumps({"7": [each.timestamp() for each in begun]})
    (tmp_path / "identifies.json").write_text(written, encoding="utf-8")
    while clock.now < START + timedelta(hours=13):
        identifies = await opened(tmp_path, clock, Allowance(shards=60))
        clock.now = max(clock.now, identifies.ready_at(60))
        for shard in range(60):
            assert not identifies.barred(again=False), shard
            await identifies.begin()
            begun.append(clock.now)
            clock.now += timedelta(seconds=5)
    assert len(begun) > LIMIT
    most = max(sum(last - DAY < each <= last for each in begun) for last in begun)
    assert LIMIT - MARGIN - 60 < most <= LIMIT - MARGIN


async def test_what_discord_says_is_left_counts_more_than_what_we_remember(
    tmp_path: Path, clock: Clock
) -> None:
    again_at = START + timedelta(hours=3)
    identifies = await opened(tmp_path, clock, Allowance(2, LIMIT, 3, again_at))
    assert identifies.ready_at(2) <= clock.now
    await identifies.begin()
    await identifies.begin()
    assert identifies.ready_at(2) == again_at
    assert not identifies.barred(again=True)
    await identifies.begin()
    assert identifies.barred(again=True)
    clock.now = again_at
    assert identifies.ready_at(2) <= clock.now


async def test_a_days_old_count_is_forgotten_and_that_of_another_account_is_not_ours(
    tmp_path: Path, clock: Clock
) -> None:
    identifies = await opened(tmp_path, clock)
    for _session in range(FREE + 5):
        await identifies.begin()
    assert (await opened(tmp_path, clock, us="8")).count == 0
    assert (await opened(tmp_path, clock)).count == FREE + 5
    clock.now += DAY
    later = await opened(tmp_path, clock)
    assert later.count == 0
    assert later.ready_at(1) <= clock.now


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"7": 3}', '{"7": ["x", null, -1, 1e300, true]}', '{"8": []}']
)
async def test_a_damaged_count_stops_nothing(tmp_path: Path, clock: Clock, content: str) -> None:
    (tmp_path / "identifies.json").write_text(content, encoding="utf-8")
    identifies = await opened(tmp_path, clock)
    assert identifies.ready_at(1) <= clock.now
    await identifies.begin()
    file = tmp_path / "identifies.json"
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text("utf-8"))["7"][-1] == clock.now.timestamp()


async def test_a_bot_that_is_started_again_and_again_waits_and_says_so(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before = [datetime.now(UTC).timestamp()] * (FREE + 10)
    house.memory.mkdir(parents=True)
    (house.memory / "identifies.json").write_text(json.dumps({house.us: before}), encoding="utf-8")
    house.patience = Patience(look_s=0.1)
    async with house.adapter() as adapter, asyncio.TaskGroup() as tasks:
        heard = Heard(adapter, {})
        listening = tasks.create_task(heard.listen(house.lab))
        await in_trouble(adapter)
        trouble = adapter.trouble() or ""
        assert f"{FREE + 10} times in 24 hours" in trouble
        (said,) = [each.getMessage() for each in caplog.records if "sessions were begun" in each.getMessage()]
        assert f"{FREE + 10} sessions were begun on Discord in 24 hours" in said
        assert house.lab.identifies == 0
        house.clock.shift += timedelta(hours=1)
        await house.lab.until(lambda: house.lab.identifies)
        house.anna.ask(house.general, "there?")
        await house.lab.until(lambda: heard.events)
        assert adapter.trouble() is None
        listening.cancel()


async def test_sessions_are_counted_over_restarts(house: House) -> None:
    for start in range(1, 5):
        async with house.hearing():
            written = json.loads((house.memory / "identifies.json").read_text("utf-8"))
            assert len(written[house.us]) == house.lab.identifies == start


async def test_each_start_of_a_crash_loop_waits_twice_as_long_as_the_last(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.discord.identifies.FREE", 2)
    for _start in range(5):
        async with house.hearing():
            pass
    assert house.lab.identifies == 5
    times = json.loads((house.memory / "identifies.json").read_text("utf-8"))[house.us]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(pauses) == 4
    assert pauses[0] < pauses[-1]
    for pause, least in zip(pauses[1:], (1, 2, 4), strict=True):
        assert pause >= least


async def test_a_bot_that_is_invalidated_again_and_again_waits(house: House) -> None:
    before = [datetime.now(UTC).timestamp()] * (FREE + 12)
    house.patience = Patience(look_s=0.1)
    async with house.living():
        await house.quiet(house.general)
        (house.memory / "identifies.json").write_text(json.dumps({house.us: before}), encoding="utf-8")
    async with house.adapter() as adapter, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(Heard(adapter, {}).listen(house.lab))
        house.clock.shift += timedelta(hours=1)
        await house.lab.until(lambda: house.lab.identifies == 2)
        house.lab.invalidate()
        await in_trouble(adapter)
        assert house.lab.identifies == 2
        house.clock.shift += timedelta(hours=1)
        await house.lab.until(lambda: house.lab.identifies == 3)
        listening.cancel()


async def test_what_discord_has_left_is_honored(house: House) -> None:
    house.lab.identifies = LIMIT - 1
    house.patience = Patience(look_s=0.1)
    async with house.hearing():
        pass
    async with house.adapter() as adapter, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(Heard(adapter, {}).listen(house.lab))
        await in_trouble(adapter)
        assert len(house.lab.gateway_events("IDENTIFY")) == 1
        house.lab.identifies = 0
        house.clock.shift += timedelta(hours=25)
        await house.lab.until(lambda: house.lab.identifies == 1)
        listening.cancel()
