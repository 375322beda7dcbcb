"""Since when: lengths, days and dates, in both languages, and nothing that is no time."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from bot.commands.since import EARLIEST, SINCE, moment, spoken_moment

NOW = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "at", "rest"),
    [
        ("2h", NOW - timedelta(hours=2), ""),
        ("3天", NOW - timedelta(days=3), ""),
        ("半小时", NOW - timedelta(minutes=30), ""),
        ("90", NOW - timedelta(minutes=90), ""),
        ("2 days #help", NOW - timedelta(days=2), "#help"),
        ("today", datetime(2026, 1, 5, tzinfo=UTC), ""),
        ("Yesterday #help", datetime(2026, 1, 4, tzinfo=UTC), "#help"),
        ("昨天", datetime(2026, 1, 4, tzinfo=UTC), ""),
        ("2026-01-03", datetime(2026, 1, 3, tzinfo=UTC), ""),
        ("2026-01-03T09:15 #help", datetime(2026, 1, 3, 9, 15, tzinfo=UTC), "#help"),
        ("999999w", EARLIEST, ""),
        ("0001-01-01", EARLIEST, ""),
    ],
)
def test_what_people_write_is_a_moment(line: str, at: datetime, rest: str) -> None:
    word, _space, behind = line.partition(" ")
    assert re.fullmatch(SINCE.pattern, word)
    assert moment(word, behind, NOW) == (at, rest)


@pytest.mark.parametrize("word", ["2026-13-01", "2026-02-30", "2026-01-01T25:00", "0h"])
def test_what_is_no_day_is_none(word: str) -> None:
    assert re.fullmatch(SINCE.pattern, word)
    assert moment(word, "", NOW) is None


@pytest.mark.parametrize("word", ["#help", "1461234567890123456", "tomorrow", "<#123>", "https://a.b/1"])
def test_a_place_is_no_time(word: str) -> None:
    assert not re.fullmatch(SINCE.pattern, word)


def test_a_moment_is_told_so_that_it_holds_everywhere() -> None:
    assert spoken_moment(NOW) == "2026-01-05 12:30 UTC"
