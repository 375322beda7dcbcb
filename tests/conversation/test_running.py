"""Answers being written can be found, stopped and waited for."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bot.conversation.running import Running, Stopped
from bot.core.events import Channel, MessageRef
from tests.conversation.house import THREAD
from tests.messages import ALICE, BOB, CHANNEL

ELSEWHERE = Channel("memory", "home", "elsewhere")
QUESTION = MessageRef(CHANNEL, "q1")


async def test_work_is_done_when_nobody_stops_it() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    with Running().begin(QUESTION, ALICE.identity) as handle:
        assert await handle.unless_stopped(work()) == "done"


async def test_stopping_cancels_the_work_at_once() -> None:
    cleaned: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    running = Running()
    with running.begin(QUESTION, ALICE.identity) as handle:
        asyncio.get_running_loop().call_soon(running.stop, CHANNEL, ALICE.identity, False)
        with pytest.raises(Stopped):
            await handle.unless_stopped(work())
    assert cleaned == ["up"]


async def test_what_is_stopped_already_takes_no_more_work() -> None:
    with Running().begin(QUESTION, ALICE.identity) as handle:
        handle.stop("stopped")
        with pytest.raises(Stopped):
            await handle.unless_stopped(asyncio.sleep(0))

        async def immediate() -> str:
            return "done"

        with pytest.raises(Stopped):
            await handle.unless_stopped(immediate())


async def test_stopping_ends_a_generator_with_its_cleaning_up() -> None:
    closed: list[bool] = []

    async def words() -> AsyncGenerator[str]:
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    with Running().begin(QUESTION, ALICE.identity) as handle:
        said = words()
        assert await handle.unless_stopped(anext(said)) == "one"
        asyncio.get_running_loop().call_soon(handle.stop, "stopped")
        with pytest.raises(Stopped):
            await handle.unless_stopped(anext(said))
    assert closed == [True]


async def test_a_timeout_of_the_work_is_not_taken_for_a_stop() -> None:
    async def work() -> None:
        raise TimeoutError

    with Running().begin(QUESTION, ALICE.identity) as handle:
        with pytest.raises(TimeoutError):
            await handle.unless_stopped(work())
        assert not handle.stopped.is_set()


async def test_a_cancellation_from_outside_goes_on() -> None:
    with Running().begin(QUESTION, ALICE.identity) as handle:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await handle.unless_stopped(asyncio.Event().wait())
        assert not handle.stopped.is_set()


async def test_members_stop_their_own_answers_here_and_moderators_all() -> None:
    running = Running()
    mine = running.begin(QUESTION, ALICE.identity)
    theirs = running.begin(MessageRef(CHANNEL, "q2"), BOB.identity)
    away = running.begin(MessageRef(ELSEWHERE, "q3"), ALICE.identity)
    assert len(running.stop(CHANNEL, ALICE.identity, moderator=False)) == 1
    assert mine.stopped.is_set()
    assert not theirs.stopped.is_set()
    assert len(running.stop(CHANNEL, ALICE.identity, moderator=True)) == 1
    assert theirs.reason == "stopped"
    assert not away.stopped.is_set()
    assert running.stop(CHANNEL, ALICE.identity, moderator=True) == ()


async def test_an_answer_can_be_stopped_in_the_thread_that_was_opened_for_it() -> None:
    running = Running()
    handle = running.begin(MessageRef(CHANNEL, "t1"), ALICE.identity)
    other = running.begin(MessageRef(CHANNEL, "t2"), ALICE.identity)
    assert running.stop(THREAD, BOB.identity, moderator=False) == ()
    assert len(running.stop(THREAD, ALICE.identity, moderator=False)) == 1
    assert handle.stopped.is_set()
    assert not other.stopped.is_set()


async def test_a_deletion_outweighs_a_stop_and_not_the_other_way_round() -> None:
    running = Running()
    handle = running.begin(QUESTION, ALICE.identity)
    handle.stop("stopped")
    assert running.stop_question(QUESTION)
    assert handle.reason == "deleted"
    handle.stop("stopped")
    assert handle.reason == "deleted"
    assert not running.stop_question(MessageRef(ELSEWHERE, "q1"))


async def test_waiting_ends_when_the_answer_is_finished() -> None:
    running = Running()
    order: list[str] = []

    async def wait() -> None:
        await running.wait_for(CHANNEL, "a1")
        order.append("woken")

    handle = running.begin(QUESTION, ALICE.identity)
    handle.wrote(("a1",))
    handle.wrote(("a1", "a2"))
    assert running.is_writing(CHANNEL, "a2")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(wait())
        for _turn in range(5):
            await asyncio.sleep(0)
        order.append("finished")
        handle.finish()
    assert order == ["finished", "woken"]
    assert not running.is_writing(CHANNEL, "a2")
    assert len(running) == 0


async def test_nothing_else_is_waited_for() -> None:
    running = Running()
    running.begin(QUESTION, ALICE.identity).wrote(("a1",))
    await running.wait_for(CHANNEL, "a9")
    await running.wait_for(ELSEWHERE, "a1")


def test_an_answer_that_stands_in_a_thread_of_the_channel_is_found_there() -> None:
    running = Running()
    running.begin(QUESTION, ALICE.identity).wrote(("a1",))
    assert running.is_writing(THREAD, "a1")


async def test_an_answer_that_fails_does_not_keep_others_waiting() -> None:
    running = Running()
    handle = running.begin(QUESTION, ALICE.identity)

    def fail() -> None:
        with handle:
            handle.wrote(("a1",))
            raise ValueError("oops")

    with pytest.raises(ValueError, match="oops"):
        fail()
    await running.wait_for(CHANNEL, "a1")
    await handle.finished()
