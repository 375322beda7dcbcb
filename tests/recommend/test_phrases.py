"""Words for a schedule, in English and Chinese, and what is said about words that are none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.errors import UserError
from bot.core.text import speaking
from bot.recommend.phrases import expression, quiet_hours, said, zone_meant, zones_like
from bot.recommend.schedule import Plan, cron


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("every monday 9:00", "0 9 * * 1"),
        ("Every Monday at 9 am", "0 9 * * 1"),
        ("9:00 every monday", "0 9 * * 1"),
        ("mondays at 9", "0 9 * * 1"),
        ("every monday and thursday at 18:30", "30 18 * * 1,4"),
        ("mon-fri 9:00", "0 9 * * 1,2,3,4,5"),
        ("saturday to monday 9:00", "0 9 * * 0,1,6"),
        ("daily 8am", "0 8 * * *"),
        ("every day at 8pm", "0 20 * * *"),
        ("12am daily", "0 0 * * *"),
        ("every day 9:00 and 18:00", "0 9,18 * * *"),
        ("weekdays 9.30", "30 9 * * 1,2,3,4,5"),
        ("every weekend 10:00", "0 10 * * 0,6"),
        ("monthly 9:00", "0 9 1 * *"),
        ("1st and 15th at 9", "0 9 1,15 * *"),
        ("last day of the month 18:00", "0 18 L * *"),
        ("every hour", "0 * * * *"),
        ("0 9 * * mon", "0 9 * * 1"),
        ("每周一 9:00", "0 9 * * 1"),
        ("每周一 ９：００", "0 9 * * 1"),
        ("每星期一上午9点", "0 9 * * 1"),
        ("每周一三五上午9点半", "30 9 * * 1,3,5"),
        ("每周一、周四 9:00", "0 9 * * 1,4"),
        ("周一到周五 9:00", "0 9 * * 1,2,3,4,5"),
        ("工作日 18点30分", "30 18 * * 1,2,3,4,5"),
        ("每天 9:00", "0 9 * * *"),
        ("每日晚上8点", "0 20 * * *"),
        ("每天中午12点", "0 12 * * *"),
        ("周末 10点", "0 10 * * 0,6"),
        ("每周日下午3点", "0 15 * * 0"),
        ("每月1日 9:00", "0 9 1 * *"),
        ("每小时", "0 * * * *"),
    ],
)
def test_words_are_understood(words: str, meaning: str) -> None:
    assert expression(words) == meaning


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("banana", "“banana”"),
        ("every monday", "At what time"),
        ("9:00", "On which days"),
        ("every week 9:00", "which day of the week"),
        ("every other monday 9:00", "Every other week"),
        ("每天 25:00", "25:00"),
        ("every monday 9:75", "“9:75”"),
        ("every monday 9:00 and tuesday 10:30", "two digests"),
        ("1st monday 9:00", "not both"),
        ("*/5 * * * *", "once an hour"),
        ("every day at noon", "12:00"),
        ("", "At what time"),
        ("x" * 200, "I do not understand"),
    ],
)
def test_what_is_not_understood_is_said_with_what_would_be(words: str, says: str) -> None:
    with pytest.raises(UserError, match=says.replace("*", r"\*")):
        expression(words)


@given(
    st.one_of(st.text(max_size=120), st.from_regex(r"(every|每|mon|周一|[0-9: ]|点){1,12}", fullmatch=True))
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_typed_becomes_a_schedule_or_a_sentence(words: str) -> None:
    try:
        found = expression(words)
    except UserError:
        return
    assert cron(found) == found


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Shanghai", "Asia/Shanghai"),
        ("new york", "America/New_York"),
        ("北京", "Asia/Shanghai"),
        ("柏林", "Europe/Berlin"),
    ],
)
def test_a_zone_that_is_none_is_answered_with_the_one_that_was_meant(typed: str, zone: str) -> None:
    with pytest.raises(UserError, match=zone):
        zone_meant(typed)
    assert zones_like(typed)[0] == zone


def test_a_zone_nobody_can_guess() -> None:
    with pytest.raises(UserError, match="large city"):
        zone_meant("xyzzy")
    assert zone_meant("europe/BERLIN") == "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("22-7", "22:00-07:00"),
        ("22:30–6:30", "22:30-06:30"),
        ("22到7", "22:00-07:00"),
        ("off", "None"),
        ("关", "None"),
    ],
)
def test_quiet_hours(text: str, shown: str) -> None:
    assert str(quiet_hours(text)) == shown


@pytest.mark.parametrize("text", ["", "22", "22-25", "22-22", "night", "1-2-3"])
def test_what_are_no_quiet_hours(text: str) -> None:
    with pytest.raises(UserError, match="22-7"):
        quiet_hours(text)


@pytest.mark.parametrize(
    ("plan", "english", "chinese"),
    [
        ("0 9 * * 1,4", "every Monday, Thursday at 09:00 (Europe/Berlin)", "星期一"),
        ("0 9,18 * * *", "every day at 09:00, 18:00 (Europe/Berlin)", "每天"),
        ("0 9 1 * *", "on day 1 of the month at 09:00 (Europe/Berlin)", "每月"),
        ("0 9 L * *", "on the last day of the month at 09:00 (Europe/Berlin)", "最后一天"),
        ("0 9 1 1 *", "`0 9 1 1 *` (Europe/Berlin)", "0 9 1 1"),
    ],
)
def test_a_plan_is_said_in_the_readers_words(plan: str, english: str, chinese: str) -> None:
    with speaking("en"):
        assert said(Plan(plan, "Europe/Berlin")) == english
    with speaking("zh-CN"):
        assert chinese in said(Plan(plan, "Europe/Berlin"))


def test_quiet_hours_are_said() -> None:
    plan = Plan("0 9 * * *", "UTC", quiet_hours("22-7"))
    assert said(plan).endswith("never from 22:00 to 07:00")


@pytest.mark.parametrize("text", ["\0", "\ud800", "\u202eabc\u2066", "`x`", "9:00 \x1b[2J"])
def test_what_cannot_be_seen_is_not_repeated(text: str) -> None:
    with pytest.raises(UserError) as raised:
        expression(text)
    words = str(raised.value).replace("`", "")
    assert words.isprintable()
    with pytest.raises(UserError) as raised:
        zone_meant(text)
    assert str(raised.value).isprintable()
