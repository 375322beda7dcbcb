"""Floods, raids and waves of arrivals; a lively evening is none of them."""

from datetime import timedelta

from bot.core.events import Author, Channel, Join
from bot.moderation.kinds import kinds
from bot.moderation.past import LOOK_BACK_S, MEMBERS, Past, Window
from bot.moderation.rule import Rule
from tests.messages import EPOCH, message
from tests.moderation.crowd import Crowd


def flood(**settings: object) -> Rule:
    return kinds()["flood"].model_validate({"name": "flood", **settings})


def test_a_member_who_floods_is_found_across_channels_and_only_then() -> None:
    crowd = Crowd(flood(member_messages=5, member_seconds=10))
    assert [crowd.says("x", "anna", n) for n in range(6)] == [False, False, False, False, True, True]
    assert not crowd.says("x", "ben")
    assert not crowd.says("x", "anna", after_s=60)


def test_slow_talk_is_no_flood() -> None:
    crowd = Crowd(flood(member_messages=5, member_seconds=10))
    assert not any(crowd.says("x", "anna", after_s=3) for _n in range(50))


def test_somebody_new_is_found_sooner() -> None:
    crowd = Crowd(flood(member_messages=6, newcomer_weight=3))
    crowd.joins("newbie")
    assert [crowd.says("x", "newbie") for _n in range(3)] == [False, True, True]


def test_a_raid_of_strangers_is_found_and_old_members_among_them_are_not() -> None:
    crowd = Crowd(flood(member_messages=0, community_messages=30, joins=20, newcomer_weight=2))
    for n in range(25):
        crowd.joins(f"raider{n}", after_s=0.5)
    assert all(crowd.says("hi", f"raider{n}", after_s=0.2) for n in range(25))
    calm = Crowd(flood(member_messages=0, community_messages=30, newcomer_weight=2))
    for n in range(40):
        calm.joins(f"member{n}", after_s=5)
    calm.now += timedelta(days=3)
    assert not any(calm.says("what a goal", f"member{n}", after_s=0.1) for n in range(40))


def test_new_accounts_count_more_in_a_raid() -> None:
    quiet, raided = (Crowd(flood(member_messages=0, community_messages=30, newcomer_weight=3)) for _n in "ab")
    for n in range(15):
        raided.joins(f"new{n}")
    assert not any(quiet.says("x", f"new{n}", after_s=0.5) for n in range(15))
    assert any(raided.says("x", f"new{n}", after_s=0.5) for n in range(15))


def test_a_channel_has_a_limit_of_its_own() -> None:
    crowd = Crowd(flood(member_messages=0, channel_messages=10))
    found = [crowd.says("x", f"m{n}", 1, after_s=0.5) for n in range(12)]
    assert found == [False] * 9 + [True] * 3
    assert not crowd.says("x", "m99", 2)


def test_a_server_that_dates_messages_into_the_future_gains_nothing() -> None:
    crowd = Crowd(flood(member_messages=4))
    later = EPOCH + timedelta(days=400)
    found = [crowd.says("x", "anna", at=later + timedelta(hours=n)) for n in range(5)]
    assert found == [False, False, False, True, True]


def test_the_memory_of_a_community_is_bounded() -> None:
    past = Past(now=lambda: EPOCH)
    for n in range(3 * MEMBERS):
        author = Author("memory", str(n), "x")
        past.joined(Join(Channel("memory", "home", "a"), author, EPOCH))
        past.said(message("x", author=author, channel=Channel("memory", "home", str(n))))
    assert len(past) == 2 * MEMBERS + 512
    past.forget(("memory", str(3 * MEMBERS - 1)))
    assert len(past) == 2 * MEMBERS + 512 - 2


def test_a_window_counts_what_is_recent_and_no_more_than_asked() -> None:
    window = Window(100)
    for second in range(200):
        window.add(float(second))
    assert len(window) == 100
    assert window.count(since_s=189.0) == 10
    assert window.count(since_s=0.0, most=5) == 5
    assert LOOK_BACK_S >= 600
