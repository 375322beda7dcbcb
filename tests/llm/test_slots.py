"""The queue before a model: bounded, fair, and honest about the place."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.errors import ModelBroken, ModelBusy
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Limits, Piece, Queued, Turn
from bot.llm.slots import Slotted
from tests.llm.virtual_time import now, run


def ask(model: Slotted, text: str = "hello") -> AsyncGenerator[Piece]:
    return model.stream([Turn("user", text)], Limits())


async def told(model: Slotted, text: str = "hello") -> list[Piece]:
    return [piece async for piece in ask(model, text)]


async def test_who_finds_a_free_slot_is_not_queued() -> None:
    model = Slotted(EchoModel(), concurrency=1, waiting=0)
    assert await told(model) == ["hello"]
    assert await told(model) == ["hello"]


def test_each_waiter_hears_every_place_it_passes_and_order_is_kept() -> None:
    async def main() -> list[list[Piece]]:
        model = Slotted(EchoModel(Script("done", delay_s=1)), concurrency=1, waiting=9)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(told(model)) for _ in range(4)]
        assert now() == pytest.approx(4)
        return [task.result() for task in tasks]

    assert run(main()) == [
        ["done"],
        [Queued(1), Queued(0), "done"],
        [Queued(2), Queued(1), Queued(0), "done"],
        [Queued(3), Queued(2), Queued(1), Queued(0), "done"],
    ]


def test_never_more_streams_than_slots() -> None:
    async def main() -> None:
        echo = EchoModel(Script("a b c", delay_s=1))
        model = Slotted(echo, concurrency=3, waiting=100)
        most = 0

        async def watch() -> None:
            nonlocal most
            async for _ in ask(model):
                most = max(most, echo.running)

        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(watch())
        assert most == 3
        assert now() == pytest.approx(34 * 3)

    run(main())


async def test_a_full_queue_refuses_at_once() -> None:
    model = Slotted(EchoModel(Script("", stall=True)), concurrency=1, waiting=1)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(told(model))
        async with aclosing(ask(model)) as second:
            await asyncio.sleep(0)
            assert await anext(second) == Queued(1)
            with pytest.raises(ModelBusy):
                await told(model)
            first.cancel()
            assert await anext(second) == Queued(0)


async def test_a_cancelled_waiter_leaves_the_line_and_the_others_move_up() -> None:
    model = Slotted(EchoModel(Script("", stall=True)), concurrency=1, waiting=9)
    async with aclosing(ask(model)) as first, aclosing(ask(model)) as third:
        running = asyncio.ensure_future(anext(first))
        await asyncio.sleep(0)
        second = ask(model)
        assert await anext(second) == Queued(1)
        assert await anext(third) == Queued(2)
        await second.aclose()
        assert await anext(third) == Queued(1)
        running.cancel()
        await asyncio.wait([running])
        assert await anext(third) == Queued(0)


async def test_a_waiter_that_leaves_just_when_its_turn_comes_passes_it_on() -> None:
    model = Slotted(EchoModel(), concurrency=1, waiting=9)
    first, second, third = ask(model), ask(model), ask(model)
    assert await anext(first) == "hello"
    assert await anext(second) == Queued(1)
    assert await anext(third) == Queued(2)
    await first.aclose()
    await second.aclose()
    assert [piece async for piece in third] == [Queued(0), "hello"]
    assert await told(model) == ["hello"]


async def test_a_failed_stream_frees_its_slot() -> None:
    model = Slotted(EchoModel(Script("half", error=ModelBroken("gone"))), concurrency=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ModelBroken):
            await told(model)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10)), max_size=20),
)
def test_whatever_comes_and_goes_every_slot_is_free_in_the_end(
    concurrency: int, waiting: int, visits: list[tuple[int, int]]
) -> None:
    async def main() -> None:
        echo = EchoModel(Script("a b c", delay_s=1))
        model = Slotted(echo, concurrency=concurrency, waiting=waiting)

        async def visit(comes_at_s: int, stays_s: int) -> None:
            await asyncio.sleep(comes_at_s)
            try:
                async with asyncio.timeout(stays_s - 0.5):
                    async for piece in ask(model):
                        assert echo.running <= concurrency
                        assert not isinstance(piece, Queued) or piece.place <= waiting
            except (TimeoutError, ModelBusy):
                pass

        async with asyncio.TaskGroup() as group:
            for comes_at_s, stays_s in visits:
                group.create_task(visit(comes_at_s, stays_s))
        assert echo.running == 0
        async with asyncio.TaskGroup() as group:
            last = [group.create_task(told(model)) for _ in range(concurrency)]
        assert [task.result() for task in last] == [["a", " b", " c"]] * concurrency

    run(main())
