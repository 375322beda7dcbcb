"""A digest comes once for each slot, on time, whatever happens to the process and its clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.actions import Post
from bot.core.errors import PlatformError
from bot.core.events import Channel
from bot.core.text import set_locale
from bot.outgoing.keys import named_key
from bot.recommend.card import LONGEST
from bot.recommend.digest import AHEAD, LOOK_EVERY, Digesting
from bot.recommend.phrases import expression
from bot.storage.digests import Digest
from bot.storage.outbox import NewOutboxRow
from bot.storage.store import Store
from tests.commands.house import Clock, Platform
from tests.messages import CHANNEL
from tests.recommend.shelf import Line, Pen, Shelf, worth

HOME = CHANNEL.community_key
OTHER = Channel("memory", "home", "other")
SECRET = Channel("memory", "home", "secret")
MONDAY = datetime.fromisoformat("2026-01-05T09:00+01:00")
"""The first slot of most tests."""


@dataclass
class Town(Platform):
    """A platform on which channels have readers and threads can be private."""

    shared: tuple[Channel, ...] = (CHANNEL, OTHER)
    closed: set[str] = field(default_factory=set)

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        if self.broken:
            raise PlatformError("the platform is down")
        return self.shared

    async def is_shared(self, thread: Channel) -> bool:
        return thread.key not in self.closed


@dataclass
class Desk:
    """One process: a store, what it decided to post, and a clock that others may share."""

    store: Store
    clock: Clock
    shelf: Shelf
    town: Town
    posted: list[NewOutboxRow] = field(default_factory=list)
    pen: Pen = field(default_factory=Pen)

    def __post_init__(self) -> None:
        self.digesting = self.made()

    def made(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Digesting:
        """Another clock of digests at this desk, with a sleep of its own."""
        digesting = Digesting(
            store=self.store,
            directory=self.town,
            chooser=self.shelf,
            now=self.clock,
            key=named_key,
            locale="en",
            platforms={"memory"},
            lacking=self.town.lacks,
            introducer=self.pen,
            sleep=sleep,
        )
        digesting.hand_to(self.posted.append)
        return digesting

    async def add(self, when: str = "every monday 9:00", quiet: str = "", n: int = 5) -> Digest:
        return await self.store.digests.add(
            CHANNEL,
            cron=expression(when),
            zone="Europe/Berlin",
            n=n,
            quiet=quiet,
            actor="mia",
            call=f"{when}{quiet}{n}",
        )

    async def at(self, moment: datetime) -> int:
        """Look at a moment; how many posts there are by then."""
        self.clock.at = moment
        await self.digesting.look()
        return len(self.posted)

    @property
    def texts(self) -> list[str]:
        return [row.action.text for row in self.posted if isinstance(row.action, Post)]

    async def told(self) -> Digest:
        (digest,) = await self.store.digests.all()
        return digest


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    set_locale("en")
    clock = Clock(MONDAY - timedelta(days=2))
    store = await Store.open(f"sqlite:///{tmp_path}/llmos.db", tmp_path / "llmos.key", now=clock)
    shelf = Shelf()
    shelf.put(*(worth(f"t{number}", f"Thread {number}") for number in range(500)))
    yield Desk(store, clock, shelf, Town())
    await store.close()


async def test_it_comes_at_its_time_and_not_before_and_once(desk: Desk) -> None:
    await desk.add()
    assert await desk.at(MONDAY - timedelta(seconds=1)) == 0
    assert await desk.at(MONDAY) == 1
    assert await desk.at(MONDAY + timedelta(seconds=5)) == 1
    assert await desk.at(MONDAY + timedelta(days=6)) == 1
    assert await desk.at(MONDAY + timedelta(days=7)) == 2
    assert (await desk.told()).fate == "posted"


async def test_a_look_says_when_the_next_one_is_needed(desk: Desk) -> None:
    await desk.add()
    desk.clock.at = MONDAY - timedelta(seconds=2)
    assert await desk.digesting.look() == MONDAY
    desk.clock.at = MONDAY
    assert await desk.digesting.look() == MONDAY + LOOK_EVERY


async def test_the_post_and_its_slot_are_stored_together(desk: Desk) -> None:
    await desk.add(n=2)
    await desk.at(MONDAY)
    (row,) = await desk.store.outbox.unfinished("memory")
    assert (row.key, row.action) == (desk.posted[0].key, desk.posted[0].action)
    assert await desk.store.digests.shown_in(CHANNEL.key) == {f"{CHANNEL.key}/t0", f"{CHANNEL.key}/t1"}


async def test_nothing_is_shown_twice_in_a_channel(desk: Desk) -> None:
    await desk.add("every hour", n=3)
    for hour in range(4):
        await desk.at(MONDAY + timedelta(hours=hour))
    shown = [line for text in desk.texts for line in text.splitlines() if "**Thread" in line]
    assert len(shown) == len(set(line.partition(". ")[2] for line in shown)) == 12


async def test_of_two_digests_at_once_each_shows_something_else(desk: Desk) -> None:
    """Two processes decide about two digests of a channel, both having looked at what was shown before."""
    one, two = await desk.add("every monday 9:00", n=1), await desk.add("every monday 9:00 ", n=1)
    desk.shelf.threads = desk.shelf.threads[:2]
    desk.clock.at = MONDAY
    async with asyncio.TaskGroup() as tasks:
        for digest in (one, two):
            tasks.create_task(desk.digesting.decide(digest, "2026-01-05T09:00", MONDAY))
    assert sorted("Thread 0" in text for text in desk.texts) == [False, True]


async def test_without_anything_new_there_is_no_post_and_the_list_says_why(desk: Desk) -> None:
    await desk.add("daily 9:00")
    desk.shelf.threads.clear()
    for day in range(7):
        assert await desk.at(MONDAY + timedelta(days=day)) == 0
    assert (await desk.told()).fate == "nothing new"
    assert desk.shelf.asked == 7, "once a slot"


async def test_of_many_missed_slots_one_is_made_up_for(desk: Desk) -> None:
    await desk.add("daily 9:00")
    assert await desk.at(MONDAY + timedelta(days=9, hours=3)) == 1
    assert await desk.at(MONDAY + timedelta(days=9, hours=4)) == 1
    assert await desk.at(MONDAY + timedelta(days=10)) == 2


async def test_what_was_due_before_the_digest_was_made_is_not_due(desk: Desk) -> None:
    desk.clock.at = MONDAY + timedelta(minutes=1)
    await desk.add()
    assert await desk.at(MONDAY + timedelta(hours=1)) == 0


@pytest.mark.parametrize(
    ("step", "jumped_over"), [(timedelta(hours=2), "10:00"), (timedelta(hours=-2), "14:00")]
)
async def test_a_clock_that_is_set_doubles_no_slot_and_makes_up_for_one(
    desk: Desk, step: timedelta, jumped_over: str
) -> None:
    """Of two slots that a jump of two hours leaves out, the newer one is made up for."""
    desk.clock.at = MONDAY.replace(hour=0)
    await desk.add("0 6-22 * * *", n=1)
    await live_a_day(desk, step)
    names = await slots(desk)
    expected = [f"2026-01-05T{hour:02}:00" for hour in range(6, 23)]
    assert names == [name for name in expected if not name.endswith(jumped_over)]
    assert len(desk.posted) == len(names)


@pytest.mark.parametrize("step", [timedelta(hours=2), timedelta(hours=-2)])
async def test_a_clock_that_is_set_loses_no_slot_of_a_usual_digest(desk: Desk, step: timedelta) -> None:
    desk.clock.at = MONDAY.replace(hour=0)
    await desk.add("0 10,14 * * *", n=1)
    await live_a_day(desk, step)
    assert await slots(desk) == ["2026-01-05T10:00", "2026-01-05T14:00"]
    assert len(desk.posted) == 2


async def live_a_day(desk: Desk, step: timedelta) -> None:
    """A look every five minutes of the true time; from 9:30 to 15:30 the clock is wrong."""
    begin = MONDAY.replace(hour=0)
    for minute in range(0, 24 * 60, 5):
        wrong = step if 9 * 60 + 30 <= minute < 15 * 60 + 30 else timedelta()
        await desk.at(begin + timedelta(minutes=minute) + wrong)


async def slots(desk: Desk) -> list[str]:
    digest = await desk.told()
    hours = [f"2026-01-05T{hour:02}:00" for hour in range(24)]
    return [name for name in hours if await desk.store.digests.fate(digest, name) is not None]


@given(
    jumps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(-130, 200), st.booleans()), min_size=1, max_size=25
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_restarts_clock_steps_and_two_processes_never_double_a_slot(
    jumps: list[tuple[int, int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Processes look in any order, at a clock that jumps to and fro, and forget all they knew at any time."""
    folder = tmp_path_factory.mktemp("two")
    clock = Clock(MONDAY - timedelta(hours=1))
    store = await Store.open(f"sqlite:///{folder}/llmos.db", folder / "llmos.key", now=clock)
    other = await Store.open(f"sqlite:///{folder}/llmos.db", folder / "llmos.key", now=clock)
    shelf, town = Shelf([worth(f"t{number}") for number in range(200)]), Town()
    desks = [Desk(store, clock, shelf, town), Desk(other, clock, shelf, town)]
    digest = await desks[0].add("every hour", n=1)
    rows: list[NewOutboxRow] = []
    for which, minutes, restarts in jumps:
        mine = desks[which % 2]
        await mine.at(clock.at + timedelta(minutes=minutes))
        if restarts:
            rows += mine.posted
            desks[which % 2] = Desk(mine.store, clock, shelf, town)
    rows += [row for mine in desks for row in mine.posted]
    assert len({row.key for row in rows}) == len(rows)
    assert len(await store.outbox.unfinished("memory")) == len(rows)
    assert (await store.digests.tally(digest, MONDAY - timedelta(days=9))).slots["posted"] == len(rows)
    await store.close()
    await other.close()


@pytest.mark.parametrize(
    ("night", "zone_night"), [("2026-03-28T23:00+01:00", "03-29"), ("2026-10-24T23:00+02:00", "10-25")]
)
async def test_in_the_night_in_which_the_clock_is_set_a_digest_comes_once(
    desk: Desk, night: str, zone_night: str
) -> None:
    begin = datetime.fromisoformat(night)
    desk.clock.at = begin
    digest = await desk.add("30 2 * * *")
    for minutes in range(0, 8 * 60, 5):
        await desk.at(begin + timedelta(minutes=minutes))
    assert len(desk.posted) == 1
    assert await desk.store.digests.fate(digest, f"2026-{zone_night}T02:30") == "posted"


async def test_quiet_hours_put_a_digest_off_until_they_end(desk: Desk) -> None:
    await desk.add("0 */3 * * *", quiet="22:00-07:00")
    await desk.at(MONDAY.replace(hour=21))
    before = len(desk.posted)
    for hour in range(22, 31):
        assert await desk.at(MONDAY.replace(hour=0) + timedelta(hours=hour)) == before
    assert await desk.at(MONDAY.replace(hour=0) + timedelta(hours=31)) == before + 1, "one for the night"
    assert await desk.at(MONDAY.replace(hour=0) + timedelta(hours=32)) == before + 1
    assert await desk.at(MONDAY.replace(hour=0) + timedelta(hours=33)) == before + 2


async def test_a_platform_that_is_down_puts_it_off_and_the_list_says_so(desk: Desk) -> None:
    await desk.add()
    desk.town.broken = True
    assert await desk.at(MONDAY) == 0
    assert "down" in (await desk.told()).trouble
    desk.town.broken = False
    assert await desk.at(MONDAY + timedelta(minutes=10)) == 1
    assert (await desk.told()).trouble == ""


async def test_a_digest_that_fails_does_not_hold_up_the_others(desk: Desk) -> None:
    await desk.add("every monday 8:00")
    await desk.add("every monday 9:00")
    desk.shelf.error = RuntimeError("a fault of ours")
    assert await desk.at(MONDAY - timedelta(hours=1)) == 0
    desk.shelf.error = None
    assert await desk.at(MONDAY) == 2


async def test_without_the_right_to_post_nothing_counts_as_shown_until_it_is_given(desk: Desk) -> None:
    await desk.add()
    desk.town.forbids = "it takes “Embed Links”"
    for minutes in range(5):
        assert await desk.at(MONDAY + timedelta(minutes=minutes)) == 0
    assert await desk.store.digests.shown_in(CHANNEL.key) == set()
    assert (await desk.told()).trouble == "it takes “Embed Links”"
    desk.town.forbids = ""
    assert await desk.at(MONDAY + timedelta(minutes=6)) == 1


async def test_what_could_not_be_decided_is_tried_once_a_minute(desk: Desk) -> None:
    await desk.add()
    desk.shelf.error = PlatformError("down")
    for seconds in range(0, 180, 5):
        await desk.at(MONDAY + timedelta(seconds=seconds))
    assert desk.shelf.asked == 3
    desk.shelf.error = None
    assert await desk.at(MONDAY + timedelta(minutes=2, seconds=59)) == 0
    assert await desk.at(MONDAY + timedelta(minutes=3)) == 1


async def test_only_what_every_reader_may_read_is_shown(desk: Desk) -> None:
    desk.shelf.threads = [
        worth("open", "open", channel=OTHER),
        worth("secret", "secret", channel=SECRET),
        worth("closed", "closed"),
        worth("fine", "fine"),
    ]
    desk.town.closed = {f"{CHANNEL.key}/closed"}
    await desk.add()
    await desk.at(MONDAY)
    (text,) = desk.texts
    assert "open" in text
    assert "fine" in text
    assert "secret" not in text
    assert "closed" not in text


async def test_a_chooser_that_hands_out_too_much_is_not_believed(desk: Desk) -> None:
    """Rights and what was shown are checked on what comes back, not only asked for."""
    desk.shelf.threads = [worth("secret", "secret", channel=SECRET)]

    async def everything(*_asked: object, **_more: object) -> Sequence[object]:
        return desk.shelf.threads

    desk.shelf.for_channel = everything  # type: ignore[method-assign, assignment]
    await desk.add()
    assert await desk.at(MONDAY) == 0
    assert (await desk.told()).fate == "nothing new"


async def test_where_no_channel_can_be_read_there_is_no_post_and_the_list_says_so(desk: Desk) -> None:
    desk.town.shared = ()
    await desk.add()
    assert await desk.at(MONDAY) == 0
    assert (await desk.told()).fate == "no channels"


async def test_the_digests_of_a_platform_that_is_not_served_here_are_left_alone(desk: Desk) -> None:
    elsewhere = Channel("discord", "1", "2")
    await desk.store.digests.add(
        elsewhere, cron="0 9 * * *", zone="UTC", n=1, quiet="", actor="mia", call="elsewhere"
    )
    assert await desk.at(MONDAY + timedelta(days=1)) == 0
    assert (await desk.told()).fate is None


async def test_a_removed_digest_comes_no_more(desk: Desk) -> None:
    digest = await desk.add("daily 9:00")
    assert await desk.at(MONDAY) == 1
    await desk.store.digests.remove(HOME, digest.number)
    assert await desk.at(MONDAY + timedelta(days=1)) == 1


async def test_it_looks_again_and_again_and_just_in_time(desk: Desk) -> None:
    await desk.add()
    desk.clock.at = MONDAY - timedelta(seconds=12)
    pauses: list[float] = []

    class Enough(Exception):
        pass

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        desk.clock.at += timedelta(seconds=seconds)
        if len(pauses) == 4:
            raise Enough

    digesting = desk.made(sleep)
    with pytest.raises(Enough):
        await digesting.keep()
    assert pauses == [5, 5, 2, 5]
    assert len(desk.posted) == 1


# Lines about threads


async def ahead(desk: Desk, moment: datetime) -> None:
    desk.clock.at = moment
    await desk.digesting.look_ahead()


async def test_lines_are_asked_for_shortly_before_and_shown_at_the_time(desk: Desk) -> None:
    await desk.add(n=2)
    desk.pen.on, desk.pen.lines = True, {"t0": Line("About *bees*, @all."), "t1": Line("About hives.")}
    await ahead(desk, MONDAY - AHEAD - timedelta(seconds=1))
    assert desk.pen.asked == []
    await ahead(desk, MONDAY - AHEAD)
    await ahead(desk, MONDAY - timedelta(seconds=1))
    assert desk.pen.asked == ["t0", "t1"], "each thread once"
    assert await desk.at(MONDAY) == 1
    assert "🤖 About \\*bees\\*, @\u200ball." in desk.texts[0]
    assert "🤖 About hives." in desk.texts[0]
    assert desk.texts[0].endswith("🤖 = in the words of a language model, which may be wrong")
    (row,) = await desk.store.outbox.unfinished("memory")
    assert row.action == desk.posted[0].action, "written once, with its lines"


async def test_at_its_time_a_digest_asks_nobody(desk: Desk) -> None:
    await desk.add(n=2)
    desk.pen.on, desk.pen.stuck = True, True
    assert await desk.at(MONDAY) == 1
    assert desk.pen.asked == []
    assert "🤖" not in desk.texts[0]


async def test_a_model_that_never_ends_delays_no_digest(desk: Desk) -> None:
    await desk.add(n=2)
    desk.pen.on, desk.pen.stuck, desk.clock.at = True, True, MONDAY - timedelta(minutes=1)
    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(desk.digesting.look_ahead())
        await desk.pen.begun.wait()
        assert await desk.at(MONDAY) == 1
        assert not looking.done()
        looking.cancel()
    assert "🤖" not in desk.texts[0]


async def test_whoever_waits_for_lines_waits_for_so_long_only(desk: Desk) -> None:
    digest = await desk.add(n=2)
    desk.pen.on, desk.pen.stuck = True, True
    await desk.digesting.prepare(digest, 0.01)
    assert desk.pen.asked in ([], ["t0"]), "it ended, wherever it was"
    assert await desk.at(MONDAY) == 1


@pytest.mark.parametrize("error", [PlatformError("down"), RuntimeError("a fault"), TimeoutError()])
async def test_what_goes_wrong_ahead_is_not_felt_at_the_time(desk: Desk, error: Exception) -> None:
    await desk.add(n=2)
    desk.pen.on, desk.pen.error = True, error
    await ahead(desk, MONDAY - timedelta(minutes=1))
    assert desk.pen.asked == ["t0"]
    assert await desk.at(MONDAY) == 1
    assert "🤖" not in desk.texts[0]
    assert (await desk.told()).trouble == ""


async def test_a_line_whose_thread_changed_meanwhile_is_not_shown(desk: Desk) -> None:
    await desk.add(n=2)
    desk.pen.on, desk.pen.lines = True, {"t0": Line("About bees."), "t1": Line("About hives.")}
    await ahead(desk, MONDAY - timedelta(minutes=1))
    desk.pen.lines["t0"].stands = False
    await desk.at(MONDAY)
    assert "bees" not in desk.texts[0]
    assert "hives" in desk.texts[0]


async def test_lines_that_are_switched_off_meanwhile_are_not_shown(desk: Desk) -> None:
    await desk.add(n=2)
    desk.pen.on, desk.pen.lines = True, {"t0": Line("About bees.")}
    await ahead(desk, MONDAY - timedelta(minutes=1))
    desk.pen.on = False
    await desk.at(MONDAY)
    assert "🤖" not in desk.texts[0]


async def test_nothing_is_held_once_a_digest_is_decided_or_gone(desk: Desk) -> None:
    """What was asked for one time is asked again for the next one."""
    digest = await desk.add("daily 9:00", n=1)
    desk.shelf.threads = [worth("t0", "Thread 0")]
    desk.pen.on = True
    await ahead(desk, MONDAY - timedelta(minutes=1))
    await ahead(desk, MONDAY + timedelta(hours=2))
    await ahead(desk, MONDAY + timedelta(days=1, minutes=-1))
    assert desk.pen.asked == ["t0", "t0"]
    await desk.store.digests.remove(digest.community, digest.number)
    await ahead(desk, MONDAY + timedelta(days=2, minutes=-1))
    assert desk.pen.asked == ["t0", "t0"]


async def test_a_digest_with_long_lines_still_fits(desk: Desk) -> None:
    """Of the longest titles and lines as many lines are shown as there is room for."""
    await desk.add(n=10)
    desk.shelf.threads = [worth(f"t{number}", f"{number} " + "_" * 120) for number in range(10)]
    desk.pen.on, desk.pen.lines = True, {f"t{number}": Line("*" * 160) for number in range(10)}
    await ahead(desk, MONDAY - timedelta(minutes=1))
    await desk.at(MONDAY)
    assert 0 < desk.texts[0].count("   🤖") < 10
    assert len(desk.texts[0]) <= LONGEST
