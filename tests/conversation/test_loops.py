"""Machines that talk to the bot for ever are noticed and left alone."""

import pytest

from bot.conversation.loops import COMMANDS_RUNNING, RUNNING, LoopGuard
from bot.core.events import Author, Channel
from tests.conversation.house import Clock
from tests.messages import ALICE, BOB, CHANNEL, ROBOT, message

ELSEWHERE = Channel("memory", "home", "elsewhere")


def answered(guard: LoopGuard, clock: Clock, author: Author = ALICE, channel: Channel = CHANNEL) -> None:
    guard.answered(message("?", author=author, channel=channel), clock())


def exchange(guard: LoopGuard, clock: Clock, after_s: float, *, is_command: bool = False) -> str | None:
    """One message of Alice's, so long after the last answer; answered if it may be. Returns the refusal."""
    clock.later(seconds=after_s)
    refusal = guard.refuses(message("Go on"), is_command=is_command)
    if refusal is None:
        clock.later(seconds=5)
        answered(guard, clock)
    return None if refusal is None else refusal.outcome


def test_notices_and_bots_are_never_answered(clock: Clock) -> None:
    guard = LoopGuard(clock)
    notice = guard.refuses(message("I am a program", notice=True))
    robot = guard.refuses(message("So am I", author=ROBOT))
    assert notice is not None
    assert robot is not None
    assert (notice.outcome, robot.outcome) == ("ignored:notice", "ignored:bot")
    assert notice.actions == robot.actions == ()


def test_a_machine_gets_three_answers_and_then_silence(clock: Clock) -> None:
    guard = LoopGuard(clock)
    outcomes = [exchange(guard, clock, 0.1) for _time in range(20)]
    assert outcomes == [None] * RUNNING + ["ignored:loop"] * (20 - RUNNING)


def test_the_moderators_are_told_once(clock: Clock) -> None:
    guard = LoopGuard(clock)
    for _time in range(RUNNING):
        exchange(guard, clock, 0.1)
    first, second = guard.refuses(message("Go on")), guard.refuses(message("Go on"))
    assert first is not None
    assert second is not None
    assert [alert.channel for alert in first.actions] == [CHANNEL]
    assert ALICE.id in first.actions[0].text
    assert "10 minutes" in first.actions[0].text
    assert second.actions == ()


def test_after_ten_minutes_a_new_chance(clock: Clock) -> None:
    guard = LoopGuard(clock)
    for _time in range(RUNNING + 1):
        exchange(guard, clock, 0.1)
    clock.later(minutes=9, seconds=59)
    assert exchange(guard, clock, 0) == "ignored:loop"
    assert exchange(guard, clock, 1.5) is None


def test_a_person_who_takes_time_is_always_answered(clock: Clock) -> None:
    guard = LoopGuard(clock)
    assert [exchange(guard, clock, 1.1) for _time in range(50)] == [None] * 50


def test_one_pause_between_fast_messages_starts_the_count_again(clock: Clock) -> None:
    guard = LoopGuard(clock)
    outcomes = [exchange(guard, clock, 2.0 if n % 3 == 0 else 0.1) for n in range(30)]
    assert outcomes == [None] * 30


def test_a_person_may_try_commands_quickly(clock: Clock) -> None:
    guard = LoopGuard(clock)
    assert [exchange(guard, clock, 0.3, is_command=True) for _time in range(10)] == [None] * 10


def test_a_machine_that_sends_commands_is_stopped_too(clock: Clock) -> None:
    guard = LoopGuard(clock)
    outcomes = [exchange(guard, clock, 0.1, is_command=True) for _time in range(30)]
    assert outcomes == [None] * COMMANDS_RUNNING + ["ignored:loop"] * (30 - COMMANDS_RUNNING)


def test_commands_among_answers_do_not_hide_a_machine(clock: Clock) -> None:
    guard = LoopGuard(clock)
    outcomes = [exchange(guard, clock, 0.1, is_command=n % 2 == 0) for n in range(10)]
    assert outcomes[-1] == "ignored:loop"
    assert outcomes.count(None) <= 2 * RUNNING


def test_many_questions_sent_before_any_answer_are_no_loop(clock: Clock) -> None:
    guard = LoopGuard(clock)
    for _time in range(50):
        assert guard.refuses(message("And this?")) is None
    answered(guard, clock)
    for _time in range(50):
        assert guard.refuses(message("And this?")) is None


def test_fast_messages_in_another_place_do_not_follow_the_answer(clock: Clock) -> None:
    guard = LoopGuard(clock)
    for _time in range(10):
        answered(guard, clock)
        assert guard.refuses(message("Hi", channel=ELSEWHERE)) is None


def test_everybody_is_counted_alone(clock: Clock) -> None:
    guard = LoopGuard(clock)
    for _time in range(RUNNING + 1):
        exchange(guard, clock, 0.1)
    assert guard.refuses(message("Hi", author=BOB)) is None


@pytest.mark.parametrize("platform", ["console"])
def test_scripts_at_the_console_are_trusted(clock: Clock, platform: str) -> None:
    guard = LoopGuard(clock)
    channel = Channel(platform, "home", "general")
    author = Author(platform, "me", "Me")
    for _time in range(20):
        assert guard.refuses(message("Next", author=author, channel=channel)) is None
        answered(guard, clock, author, channel)


def test_memory_is_bounded_and_the_least_recent_is_forgotten(clock: Clock) -> None:
    guard = LoopGuard(clock, size=2)
    for _time in range(RUNNING):
        exchange(guard, clock, 0.1)
    for n in range(3):
        answered(guard, clock, Author("memory", f"m{n}", "M"))
    clock.later(seconds=0.1)
    assert guard.refuses(message("Go on")) is None
