"""The edit budget keeps a platform's limit, puts final texts first, and is fair."""

import asyncio
import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.pacing import Bucket, EditBudget, FixedWindow, Limit, Priority, Window
from tests.adapters.virtual_time import now, run


async def turns(budget: EditBudget, asked: Sequence[Priority]) -> list[tuple[int, float]]:
    """Who got a turn and when, if all ask at the same moment."""
    granted: list[tuple[int, float]] = []
    start = now()

    async def ask(number: int, priority: Priority) -> None:
        await budget.lane().turn(priority)
        granted.append((number, now() - start))

    async with asyncio.TaskGroup() as group:
        for number, priority in enumerate(asked):
            group.create_task(ask(number, priority))
    return granted


def test_final_goes_before_first_before_intermediate() -> None:
    asked = [Priority.INTERMEDIATE, Priority.FIRST, Priority.FINAL]
    granted = run(turns(EditBudget(Window(1, 1)), asked))
    assert [number for number, _ in granted] == [2, 1, 0]


@given(st.lists(st.sampled_from(Priority), max_size=40), st.integers(1, 6), st.integers(1, 9))
def test_a_window_never_holds_more_calls_than_it_may(asked: list[Priority], calls: int, seconds: int) -> None:
    times = [at for _, at in run(turns(EditBudget(Window(calls, seconds)), asked))]
    assert len(times) == len(asked)
    assert all(
        later - earlier >= seconds - 1e-5 for earlier, later in zip(times, times[calls:], strict=False)
    )


@given(st.lists(st.floats(0, 3), max_size=40), st.integers(1, 6), st.integers(0, 6))
def test_a_fixed_window_takes_so_many_from_its_first_call_on(
    pauses: list[float], calls: int, spare: int
) -> None:
    window, at, windows = FixedWindow(calls, 5), 1000.0, [(-math.inf, 0)]
    for pause in pauses:
        at = window.ready_at(at + pause, spare)
        began, taken = windows[-1]
        if at >= began + 5:
            windows.append((at, 1))
        else:
            windows[-1] = (began, taken + 1)
        window.take(at)
    assert all(taken <= max(calls - spare, 1) for _began, taken in windows)


def test_a_fixed_window_is_whole_again_when_it_ends() -> None:
    asked = [Priority.FINAL] * 12
    times = [at for _, at in run(turns(EditBudget(FixedWindow(5, 5)), asked))]
    assert times == pytest.approx([0] * 5 + [5] * 5 + [10] * 2)


@given(st.integers(1, 40), st.integers(1, 10))
def test_a_bucket_gives_its_burst_and_then_its_rate(asked: int, burst: int) -> None:
    times = [at for _, at in run(turns(EditBudget(Bucket(0.2, burst)), [Priority.FIRST] * asked))]
    assert times == pytest.approx([max(0, n + 1 - burst) * 5 for n in range(asked)])


@pytest.mark.parametrize("limit", [Window(5, 5), FixedWindow(5, 5), Bucket(1, 5)])
def test_intermediate_edits_leave_the_reserve_to_final_texts(limit: Limit) -> None:
    budget = EditBudget(limit, reserve=3)
    asked = [Priority.INTERMEDIATE] * 5 + [Priority.FINAL] * 2
    granted = run(turns(budget, asked))
    at_once = [number for number, at in granted if at == 0]
    assert at_once[:2] == [5, 6]
    assert len(at_once) == 2, "two of five calls are gone, three are kept"


def test_a_refusal_stops_everyone_for_as_long_as_the_platform_says() -> None:
    async def scenario() -> float:
        budget = EditBudget(Window(5, 5))
        start = now()
        budget.lane().refused(7.5)
        await budget.lane().turn(Priority.FINAL)
        return now() - start

    assert run(scenario()) == pytest.approx(7.5)


def test_who_was_refused_keeps_the_place_in_the_queue() -> None:
    async def scenario() -> list[str]:
        budget, served = EditBudget(Bucket(0.2, 10), finals_at_once=True), list[str]()
        lanes = {name: budget.lane() for name in ("first", "second", "third")}

        async def ask(name: str) -> None:
            await lanes[name].turn(Priority.FINAL)
            served.append(name)

        await ask("first")
        lanes["first"].refused(5)
        async with asyncio.TaskGroup() as tasks:
            for name in ("third", "second", "first"):
                tasks.create_task(ask(name))
        return served

    assert run(scenario()) == ["first", "first", "second", "third"]


def test_finals_at_once_wait_for_a_refusal_only() -> None:
    async def scenario() -> tuple[list[float], float]:
        budget = EditBudget(Bucket(0.2, 3), finals_at_once=True)
        finals = [at for _, at in await turns(budget, [Priority.FINAL] * 12)]
        budget.lane().refused(7.5)
        start = now()
        await budget.lane().turn(Priority.FINAL)
        return finals, now() - start

    finals, after_refusal = run(scenario())
    assert finals == pytest.approx([0] * 12)
    assert after_refusal == pytest.approx(7.5)


def test_finals_at_once_count_and_what_the_platform_took_is_no_debt() -> None:
    async def scenario() -> list[float]:
        budget = EditBudget(Bucket(0.2, 3), finals_at_once=True)
        await turns(budget, [Priority.FINAL] * 12)
        return [at for _, at in await turns(budget, [Priority.FIRST] * 2)]

    assert run(scenario()) == pytest.approx([5, 10])


def test_after_a_refusal_a_bucket_is_as_empty_as_the_platform_says() -> None:
    async def scenario() -> list[float]:
        budget = EditBudget(Bucket(0.2, 10))
        budget.lane().refused(2)
        return [at for _, at in await turns(budget, [Priority.FIRST] * 3)]

    assert run(scenario()) == pytest.approx([2, 7, 12])


def test_after_three_refusals_only_the_final_text_is_shown() -> None:
    async def scenario() -> float:
        lane = EditBudget(Window(5, 5)).lane()
        for _ in range(3):
            lane.refused(0.1)
        start = now()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(lane.turn(Priority.INTERMEDIATE))
            await asyncio.sleep(3600)
            still = not waiting.done()
            lane.urge(Priority.FINAL)
        assert still
        return now() - start

    assert run(scenario()) == pytest.approx(3600)


def test_a_stream_that_ends_lets_the_others_edit_more_often() -> None:
    async def scenario() -> tuple[float, float]:
        budget = EditBudget(Window(5, 5))
        lanes = [budget.lane() for _ in range(10)]
        crowded = budget.interval_s
        for lane in lanes[1:]:
            lane.close()
        return crowded, budget.interval_s

    assert run(scenario()) == (12.5, 1.25)


def test_what_a_bucket_saved_up_lets_a_lone_stream_edit_more_often_at_first() -> None:
    async def scenario() -> list[float]:
        budget = EditBudget(Bucket(0.2, 10), reserve=3)
        lane, times = budget.lane(), list[float]()
        while now() < 1_000 + 300:
            await lane.turn(Priority.INTERMEDIATE)
            times.append(now() - 1_000)
        lane.close()
        return times

    times = run(scenario())
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[0] < 3.5
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(5, rel=0.01), "in the long run it spends what comes in"


def test_streams_on_a_bucket_always_leave_calls_for_final_texts() -> None:
    async def scenario() -> float:
        limit = Bucket(0.2, 10)
        budget = EditBudget(limit, reserve=3)

        async def stream() -> None:
            lane = budget.lane()
            while True:
                await lane.turn(Priority.INTERMEDIATE)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stream()) for _ in range(4)]
            await asyncio.sleep(600)
            ready_at = limit.ready_at(now(), spare=2)
            for task in tasks:
                task.cancel()
        return ready_at - now()

    assert run(scenario()) == 0


def test_a_cancelled_turn_is_given_to_the_next() -> None:
    async def scenario() -> float:
        budget = EditBudget(Window(1, 10))
        await budget.lane().turn(Priority.FIRST)
        start = now()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(budget.lane().turn(Priority.FINAL))
            group.create_task(budget.lane().turn(Priority.FINAL))
            await asyncio.sleep(1)
            first.cancel()
        return now() - start

    assert run(scenario()) == pytest.approx(10)


def test_streams_take_turns() -> None:
    async def scenario() -> dict[int, int]:
        budget = EditBudget(Window(5, 5))
        count = dict.fromkeys(range(6), 0)

        async def stream(number: int) -> None:
            lane = budget.lane()
            while True:
                await lane.turn(Priority.INTERMEDIATE)
                count[number] += 1

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stream(number)) for number in count]
            await asyncio.sleep(300)
            for task in tasks:
                task.cancel()
        return count

    count = run(scenario())
    assert max(count.values()) - min(count.values()) <= 1
    assert sum(count.values()) == 180, "three of five calls, two are kept for final texts"
