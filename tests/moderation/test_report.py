"""The report of moderation: what it counts, what it shows, and that each week's is posted once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.actions import Post, Severity
from bot.core.events import Channel, MessageRef
from bot.core.text import speaking
from bot.moderation.chart import chart
from bot.moderation.report import Report, alt, counted, text
from bot.moderation.weekly import OFF, SETTING, Weekly, week_before
from bot.outgoing.keys import named_key
from bot.storage.cases import Case, Outcome, State
from bot.storage.outbox import NewOutboxRow
from bot.storage.rulebooks import Rulebook
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.journeys.script import finished
from tests.living import Life
from tests.messages import ALICE

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
LOG = Channel("memory", "town", "moderators")
PNG = b"\x89PNG\r\n"


def outcome(rule: str, state: State, days_ago: float, took_min: float | None = None) -> Outcome:
    at = MONDAY - timedelta(days=days_ago)
    return Outcome(rule, state, False, at, None if took_min is None else at + timedelta(minutes=took_min))


def some() -> Report:
    return counted(
        [
            *(outcome("rude", "upheld", 6.5, minutes) for minutes in range(1, 10)),
            outcome("rude", "false alarm", 0.5, 600),
            outcome("flood", "open", 3),
            outcome("辱骂", "upheld", 2, 5),
            outcome("", "upheld", 2, 0),
        ],
        before=4,
        until=MONDAY,
    )


def test_cases_are_counted_by_day_and_rule() -> None:
    found = some()
    assert found.cases == 13
    assert list(found.days) == ["rude", "", "flood", "辱骂"]
    assert found.days["rude"] == [9, 0, 0, 0, 0, 0, 1]
    assert found.records["rude"].precision == pytest.approx(0.9)
    assert found.records["flood"].precision is None
    assert found.waiting == 1
    assert found.median_s == pytest.approx(5 * 60)
    assert found.median_s is not None
    assert found.slow_s is not None
    assert found.slow_s > found.median_s


def test_the_text_tells_all_of_it() -> None:
    said = text(some())
    for part in (
        "November 16, 2026",
        "13 cases, 4 in as many days before",
        "1. `rude`: 10 cases, right in 9 of 10 verdicts (90 %)",
        "`flood`: 1 case, no verdict yet",
        "moderators acted by hand",
        "within 5 minutes",
        "waits for you",
    ):
        assert part in said


def test_in_chinese_too() -> None:
    with speaking("zh-CN"):
        assert "2026年11月16日" in text(some())
        assert "辱骂" in alt(some())


def test_nothing_happened_is_a_report_as_well() -> None:
    found = counted([], before=0, until=MONDAY)
    assert "0 cases" in text(found)
    assert chart(found) is None


def test_the_chart_is_a_picture_with_words_for_who_cannot_see_it() -> None:
    picture = chart(some())
    assert picture is not None
    assert picture.content.startswith(PNG)
    assert picture.media_type == "image/png"
    assert "rude 10" in picture.alt
    assert "rude 90%" in picture.alt


def test_a_chart_of_many_rules_and_one_day_can_be_drawn() -> None:
    many = counted([outcome(f"rule{n}", "upheld", 0.5, 1) for n in range(30)], 0, MONDAY, days=1)
    picture = chart(many)
    assert picture is not None
    assert len(text(many)) < 2_000


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (MONDAY, MONDAY),
        (MONDAY - timedelta(seconds=1), MONDAY - timedelta(days=7)),
        (MONDAY + timedelta(days=6, hours=23), MONDAY),
    ],
)
def test_a_week_ends_on_monday_at_nine(now: datetime, monday: datetime) -> None:
    assert week_before(now) == monday


@dataclass
class Clock:
    now: datetime = MONDAY + timedelta(hours=3)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Desk:
    """A community with a case, and what posts its reports."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    begun: list[NewOutboxRow] = field(default_factory=list)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[tuple[Store, Weekly]]:
        """A process of the bot; what it stored the next one finds."""
        url = f"sqlite:///{self.folder}/llmos.db"
        store = await Store.open(url, self.folder / KEY_FILE_NAME, now=self.clock)
        weekly = Weekly(
            store=store, now=self.clock, key=named_key, locale="en", platforms=frozenset({"memory"})
        )
        weekly.hand_to(self.begun.append)
        try:
            yield store, weekly
        finally:
            await store.close()

    async def happened(self, store: Store, days_ago: float = 2) -> None:
        at = self.clock() - timedelta(days=days_ago)
        number = store.cases.next_number()
        ref = MessageRef(Channel("memory", "town", "general"), f"m{number}")
        case = Case(number, "memory/town", ref, ALICE, "you fool", "rude", 1, Severity.QUEUE, False, at)
        await store.settle(Settlement(cases=(case,)))


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    async with made.process() as (store, _weekly):
        await store.rulebooks.save(Rulebook("memory/town", log=LOG), actor="mia")
        await made.happened(store)
    return made


async def test_a_week_is_reported_once_over_restarts(desk: Desk) -> None:
    for _process in range(3):
        async with desk.process() as (_store, weekly):
            await weekly.look()
            await weekly.look()
    (row,) = desk.begun
    assert isinstance(row.action, Post)
    assert row.channel == LOG
    assert "`rude`: 1 case" in row.action.text
    assert row.action.file is not None
    desk.clock.now += timedelta(days=7)
    async with desk.process() as (store, weekly):
        await desk.happened(store, days_ago=1)
        await weekly.look()
    assert len(desk.begun) == 2


async def test_the_row_is_stored_before_it_is_begun(desk: Desk) -> None:
    async with desk.process() as (store, weekly):
        await weekly.look()
        assert [row.key for row in await store.outbox.unfinished("memory")] == [desk.begun[0].key]


async def test_a_long_absence_is_made_up_for_once_and_a_week_without_cases_has_no_report(desk: Desk) -> None:
    desk.clock.now += timedelta(days=28)
    async with desk.process() as (store, weekly):
        await weekly.look()
        assert desk.begun == []
        await desk.happened(store, days_ago=0)
        desk.clock.now += timedelta(days=7)
        await weekly.look()
        await weekly.look()
    assert len(desk.begun) == 1


async def test_nothing_comes_where_it_is_switched_off_or_no_channel_is_named(desk: Desk) -> None:
    async with desk.process() as (store, weekly):
        await store.policies.set("memory/town", SETTING, OFF)
        await weekly.look()
        assert desk.begun == []
        await store.policies.set("memory/town", SETTING, None)
        await store.rulebooks.save(Rulebook("memory/town", version=1), actor="mia")
        await weekly.look()
        assert desk.begun == []


async def test_a_whole_bot_posts_it_with_its_picture_and_not_again_after_a_restart(tmp_path: Path) -> None:
    life = Life(tmp_path)
    log = life.world.channel("moderators")
    at = week_before(life.clock()) - timedelta(days=1)
    async with life.store() as store:
        await store.rulebooks.save(Rulebook("memory/town", log=log), actor="mia")
        ref = MessageRef(life.room, "m1")
        case = Case(
            1, "memory/town", ref, life.person("ben"), "you fool", "rude", 1, Severity.QUEUE, False, at
        )
        await store.settle(Settlement(cases=(case,)))
    for _process in range(2):
        async with life.bot() as app:
            await life.until(lambda: any("`rude`: 1 case" in text for text in life.world.answers(log)))
            await finished(app.store, "memory")
    assert sum("`rude`: 1 case" in text for text in life.world.answers(log)) == 1
