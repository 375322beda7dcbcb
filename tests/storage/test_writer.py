"""The writer: durable on return, in groups, and a bad row harms nobody else."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from typing import TypeVar

import pytest
from sqlalchemy import Connection, insert, select

from bot.core.errors import StorageError
from bot.storage.database import open_database
from bot.storage.location import SqliteFile
from bot.storage.schema import cursors
from bot.storage.sqlite import SqliteTransactor
from bot.storage.writer import Row, Write, Writer
from bot.storage.writes import Writes
from tests.storage.house import Clock, Place

T = TypeVar("T")
PLAIN = Write(insert(cursors), 0)


class Gated(SqliteTransactor):
    """Counts transactions, and waits before each until the gate is open."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.file)
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.transactions = 0

    def transaction(self, work: Callable[[Connection], T]) -> T:
        self.transactions += 1
        self.entered.set()
        self.gate.wait()
        return super().transaction(work)


@pytest.fixture
async def gated(place: Place) -> AsyncIterator[Gated]:
    transactor, reader = await open_database(SqliteFile(place.file))
    transactor.close()
    await reader.close()
    found = Gated(place)
    yield found
    found.gate.set()


def _row(n: int) -> Row:
    return {"platform": "p", "scope": str(n), "value": "v"}


async def test_callers_that_wait_together_share_a_commit_and_all_are_durable(
    gated: Gated, place: Place
) -> None:
    writer = Writer(gated)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.write({PLAIN: [_row(0)]}))
        await asyncio.to_thread(gated.entered.wait)
        for n in range(1, 200):
            tasks.create_task(writer.write({PLAIN: [_row(n)]}))
        await asyncio.sleep(0)
        gated.gate.set()
    assert gated.transactions == 2
    assert place.count("cursors") == 200
    await writer.close()


async def test_what_is_returned_can_be_read_by_another_connection(gated: Gated, place: Place) -> None:
    gated.gate.set()
    writer = Writer(gated)
    for n in range(5):
        await writer.write({PLAIN: [_row(n)]})
        with closing(sqlite3.connect(place.file)) as other:
            assert other.execute("SELECT count(*) FROM cursors").fetchone() == (n + 1,)
    await writer.close()


async def test_one_bad_row_fails_its_own_caller_only(gated: Gated, place: Place) -> None:
    writer = Writer(gated)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.write({PLAIN: [_row(0)]}))
        await asyncio.to_thread(gated.entered.wait)
        good = [tasks.create_task(writer.write({PLAIN: [_row(n)]})) for n in range(1, 5)]
        bad = asyncio.ensure_future(writer.write({PLAIN: [_row(8), _row(9), _row(0)]}))
        await asyncio.sleep(0)
        gated.gate.set()
        with pytest.raises(StorageError, match="UNIQUE"):
            await bad
    assert all(task.done() for task in good)
    assert [scope for (scope,) in place.ask("SELECT scope FROM cursors ORDER BY scope")] == list("01234")
    await writer.close()


async def test_a_call_sees_every_row_submitted_before_it(gated: Gated) -> None:
    writer = Writer(gated)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.write({PLAIN: [_row(0)]}))
        await asyncio.to_thread(gated.entered.wait)
        tasks.create_task(writer.write({PLAIN: [_row(1)]}))
        counting = tasks.create_task(writer.call(lambda c: len(c.execute(select(cursors)).all())))
        await asyncio.sleep(0)
        gated.gate.set()
    assert counting.result() == 2
    await writer.close()


async def test_a_failing_call_leaves_nothing_of_itself(gated: Gated, place: Place) -> None:
    gated.gate.set()
    writer = Writer(gated)

    def half(connection: Connection) -> None:
        connection.execute(PLAIN.statement, [_row(1)])
        raise StorageError("half-way")

    with pytest.raises(StorageError, match="half-way"):
        await writer.call(half)
    await writer.write({PLAIN: [_row(2)]})
    assert place.ask("SELECT scope FROM cursors") == [("2",)]
    await writer.close()


def test_in_a_group_inserts_run_before_updates_and_deletes() -> None:
    writes = Writes("sqlite")
    orders = [writes.take, writes.report, writes.finish, writes.remove]
    assert [write.order for write in orders] == sorted(write.order for write in orders)
    assert writes.open.order < writes.report.order < writes.finish.order
    assert writes.hear.order < writes.say.order
    assert writes.outcome.order < writes.remove.order


async def test_closing_finishes_what_was_submitted_and_refuses_what_comes_later(
    gated: Gated, place: Place
) -> None:
    writer = Writer(gated)
    async with asyncio.TaskGroup() as tasks:
        for n in range(10):
            tasks.create_task(writer.write({PLAIN: [_row(n)]}))
        await asyncio.sleep(0)
        closing_ = tasks.create_task(writer.close())
        await asyncio.sleep(0)
        gated.gate.set()
    assert closing_.done()
    assert place.count("cursors") == 10
    with pytest.raises(StorageError, match="closed"):
        await writer.write({PLAIN: [_row(99)]})


async def test_a_defect_in_a_call_lets_nobody_wait_for_ever(gated: Gated) -> None:
    class Defect(BaseException):
        pass

    def broken(connection: Connection) -> None:
        raise Defect

    writer = Writer(gated)
    caught: list[BaseException | None] = []
    before = threading.excepthook
    threading.excepthook = lambda thrown: caught.append(thrown.exc_value)
    try:
        first = asyncio.ensure_future(writer.call(broken))
        await asyncio.to_thread(gated.entered.wait)
        second = asyncio.ensure_future(writer.write({PLAIN: [_row(1)]}))
        await asyncio.sleep(0)
        gated.gate.set()
        for waiting in (first, second):
            with pytest.raises(StorageError, match="stopped"):
                await waiting
        await writer.close()
    finally:
        threading.excepthook = before
    assert [type(error) for error in caught] == [Defect]


async def test_a_caller_that_is_cancelled_disturbs_nobody(gated: Gated, place: Place) -> None:
    writer = Writer(gated)
    first = asyncio.ensure_future(writer.write({PLAIN: [_row(1)]}))
    await asyncio.to_thread(gated.entered.wait)
    first.cancel()
    second = asyncio.ensure_future(writer.write({PLAIN: [_row(2)]}))
    await asyncio.sleep(0)
    gated.gate.set()
    await second
    assert first.cancelled()
    assert place.count("cursors") == 2
    await writer.close()


async def test_a_scrub_that_fails_undoes_and_repeats_nothing_of_its_group(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await store.close()

    class Unscrubbable(Gated):
        def scrub(self, thorough: bool) -> None:
            raise StorageError("cannot be cut")

    gated, use = Unscrubbable(place), Writes("sqlite").use
    writer = Writer(gated)
    counter = {"scope": "member:x", "day": clock().date(), "requests": 1, "tokens": 1}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.write({PLAIN: [_row(0)]}))
        await asyncio.to_thread(gated.entered.wait)
        tasks.create_task(writer.write({use: [counter]}))
        scrubbing = asyncio.ensure_future(writer.scrub(thorough=True))
        await asyncio.sleep(0)
        gated.gate.set()
        with pytest.raises(StorageError, match="cannot be cut"):
            await scrubbing
    await writer.close()
    assert place.ask("SELECT requests FROM usage") == [(1,)]
