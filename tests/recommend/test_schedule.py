"""Slots are named by the clock on the wall, and each comes exactly once, whatever happens to the clock."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.errors import UserError
from bot.recommend.schedule import Plan, Quiet, Slot, cron, zone_named, zones

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

CRONS = st.builds(
    lambda minute, hours, days: f"{minute} {','.join(map(str, sorted(hours)))} * * {days}",
    st.integers(0, 59),
    st.sets(st.integers(0, 23), min_size=1, max_size=24),
    st.sampled_from(("*", "1", "0,6", "1,2,3,4,5")),
)
PLANS = st.builds(
    Plan, CRONS, st.sampled_from((BERLIN, NEW_YORK, "Australia/Lord_Howe", "Asia/Kolkata", "UTC"))
)
INSTANTS = st.timedeltas(timedelta(), timedelta(days=1000)).map(lambda age: BEGIN - timedelta(days=365) + age)


def walk(plan: Plan, begin: datetime, end: datetime) -> list[Slot]:
    """All slots of a while, one after the other."""
    found: list[Slot] = []
    due = plan.next(begin)
    while due is not None and due.at <= end:
        found.append(due)
        due = plan.next(due.at)
    return found


def slot(wall: str, at: str) -> Slot:
    return Slot(datetime.fromisoformat(wall), utc(at))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        (BERLIN, "2026-03-28", "2026-03-28T01:30"),
        (BERLIN, "2026-03-29", "2026-03-29T01:30"),  # there is no 02:30: it is the instant called 03:30
        (BERLIN, "2026-03-30", "2026-03-30T00:30"),
        (BERLIN, "2026-10-24", "2026-10-24T00:30"),
        (BERLIN, "2026-10-25", "2026-10-25T00:30"),  # 02:30 comes twice: the first
        (BERLIN, "2026-10-26", "2026-10-26T01:30"),
        (NEW_YORK, "2026-03-08", "2026-03-08T07:30"),
        (NEW_YORK, "2026-03-09", "2026-03-09T06:30"),
    ],
)
def test_a_slot_in_the_night_in_which_the_clock_is_set(zone: str, day: str, instant: str) -> None:
    found = Plan("30 2 * * *", zone).next(utc(f"{day}T00:00"))
    assert found == slot(f"{day}T02:30", instant)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
@pytest.mark.parametrize("month", [3, 10, 11])
@pytest.mark.parametrize("hour", range(5))
def test_a_month_in_which_the_clock_is_set_has_each_day_once(zone: str, month: int, hour: int) -> None:
    home = ZoneInfo(zone)
    begin = datetime(2026, month, 1, tzinfo=home)
    end = datetime(2026, month + 1, 1, tzinfo=home)
    slots = walk(Plan(f"30 {hour} * * *", zone), begin - timedelta(seconds=1), end - timedelta(seconds=1))
    days = (end.replace(tzinfo=None) - begin.replace(tzinfo=None)).days
    assert [slot.name for slot in slots] == [
        f"2026-{month:02}-{day:02}T{hour:02}:30" for day in range(1, days + 1)
    ]
    assert len({slot.at for slot in slots}) == days


def test_every_hour_of_the_night_in_which_an_hour_is_missing_comes_once() -> None:
    slots = walk(Plan("30 * * * *", BERLIN), utc("2026-03-28T23:00"), utc("2026-03-29T03:00"))
    assert [slot.name[-5:] for slot in slots] == ["00:30", "01:30", "02:30", "04:30"]
    assert [slot.at.hour for slot in slots] == [23, 0, 1, 2]


def test_every_hour_of_the_night_in_which_an_hour_comes_twice_comes_once() -> None:
    slots = walk(Plan("30 * * * *", BERLIN), utc("2026-10-24T22:00"), utc("2026-10-25T03:00"))
    assert [slot.name[-5:] for slot in slots] == ["00:30", "01:30", "02:30", "03:30"]
    assert [slot.at.hour for slot in slots] == [22, 23, 0, 2]


@given(PLANS, INSTANTS)
@settings(max_examples=60, deadline=None)
def test_slots_rise_and_no_name_comes_twice(plan: Plan, begin: datetime) -> None:
    slots = walk(plan, begin, begin + timedelta(days=3))
    assert [slot.at for slot in slots] == sorted({slot.at for slot in slots})
    assert len({slot.name for slot in slots}) == len(slots)
    assert all(begin < slot.at for slot in slots)


@given(PLANS, INSTANTS, st.timedeltas(timedelta(), timedelta(days=3)))
@settings(max_examples=60, deadline=None)
def test_whoever_looks_finds_the_same_slots(plan: Plan, begin: datetime, later: timedelta) -> None:
    """Two processes, or one before and after a restart: what is due does not depend on when they began."""
    now = begin + later
    expected = walk(plan, begin, now)
    assert plan.last(begin, now) == (expected[-1] if expected else None)
    assert plan.last(begin - timedelta(days=900), now) == plan.last(now - timedelta(days=12), now)


def test_the_rarest_slot_is_found() -> None:
    plan = Plan(cron("0 9 29 2 *"), BERLIN)
    assert plan.next(BEGIN) == slot("2028-02-29T09:00", "2028-02-29T08:00")
    assert plan.last(utc("2020-01-01T00:00"), BEGIN) == slot("2024-02-29T09:00", "2024-02-29T08:00")
    assert plan.last(utc("2024-03-01T00:00"), BEGIN) is None


@pytest.mark.parametrize(
    ("text", "spelled_out"),
    [
        ("0 9 * * 1", "0 9 * * 1"),
        ("0 9 * * MON-fri", "0 9 * * 1,2,3,4,5"),
        ("0 9 * * 7", "0 9 * * 0"),
        ("0 9 * * 5-7", "0 9 * * 0,5,6"),
        ("15 8-18/4 * * *", "15 8,12,16 * * *"),
        ("0 */6 * * *", "0 0,6,12,18 * * *"),
        ("0 9 1,15 jan,JUL *", "0 9 1,15 1,7 *"),
        ("0 9 L * ?", "0 9 L * *"),
        ("05 09 * * */2", "5 9 * * 0,2,4,6"),
    ],
)
def test_an_expression_is_spelled_out(text: str, spelled_out: str) -> None:
    assert cron(text) == spelled_out
    assert cron(spelled_out) == spelled_out


def test_monday_is_the_monday_of_cron_and_not_of_apscheduler() -> None:
    found = Plan(cron("0 9 * * 1"), "UTC").next(BEGIN)
    assert found is not None
    assert found.at.strftime("%A") == "Monday"


def test_the_last_day_of_a_month() -> None:
    slots = walk(Plan(cron("0 9 L * *"), "UTC"), BEGIN, BEGIN + timedelta(days=95))
    assert [(slot.at.month, slot.at.day) for slot in slots] == [(1, 31), (2, 28), (3, 31)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0 9 * *", "five fields"),
        ("0 0 9 * * 1", "five fields"),
        ("*/5 * * * *", "once an hour"),
        ("0,30 9 * * *", "once an hour"),
        ("0 9 1 * 1", "disagree"),
        ("0 25 * * *", "0 to 23"),
        ("0 9 * * 8", "day of the week"),
        ("0 9 * 13 *", "month"),
        ("60 9 * * *", "minute"),
        ("0 9 30 2 *", "never comes"),
        ("0 9-7 * * *", "hour"),
        ("0 ９９９ * * *", "hour"),
        ("0 */0 * * *", "hour"),
    ],
)
def test_what_is_no_expression_for_a_digest(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        cron(text)


@given(st.text(max_size=120))
@settings(max_examples=200, deadline=None)
def test_whatever_is_typed_is_an_expression_or_an_error_for_people(text: str) -> None:
    try:
        found = cron(text)
    except UserError:
        return
    assert cron(found) == found


@pytest.mark.parametrize(
    ("quiet", "at", "holds"),
    [
        (Quiet(time(22), time(7)), time(23), True),
        (Quiet(time(22), time(7)), time(6, 59), True),
        (Quiet(time(22), time(7)), time(7), False),
        (Quiet(time(22), time(7)), time(12), False),
        (Quiet(time(12), time(14)), time(13), True),
        (Quiet(time(12), time(14)), time(14), False),
    ],
)
def test_quiet_hours_may_span_midnight(quiet: Quiet, at: time, holds: bool) -> None:
    assert quiet.holds(at) == holds


def test_quiet_hours_are_those_of_the_zone_and_end_when_they_end_there() -> None:
    plan = Plan("0 9 * * *", BERLIN, Quiet(time(22), time(7)))
    night = utc("2026-06-01T23:00")  # 01:00 in Berlin
    assert plan.is_quiet(night)
    assert plan.wakes(night) == utc("2026-06-02T05:00")
    assert not plan.is_quiet(plan.wakes(night))
    assert plan.wakes(utc("2026-06-02T10:00")) == utc("2026-06-02T10:00")


@given(INSTANTS, st.times(), st.times())
@settings(max_examples=100, deadline=None)
def test_quiet_hours_always_end(at: datetime, begins: time, ends: time) -> None:
    begins, ends = begins.replace(second=0, microsecond=0), ends.replace(second=0, microsecond=0)
    if begins == ends:
        return
    for zone in (BERLIN, NEW_YORK):
        wakes = Plan("0 9 * * *", zone, Quiet(begins, ends)).wakes(at)
        assert timedelta() <= wakes - at <= timedelta(hours=26)


def test_zones_are_found_in_any_spelling() -> None:
    assert zone_named("europe/berlin") == BERLIN
    assert zone_named(" America/New York ") == NEW_YORK
    assert zone_named("utc") == "UTC"
    assert zone_named("Middle Earth") is None
    assert {BERLIN, NEW_YORK, "UTC"} <= set(zones())
