"""Retention: each kind of row lives as long as declared, and a purge gives way to other writers."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Connection, text

from bot.storage.erasing import SLICE_ROWS
from bot.storage.journal import Journal
from bot.storage.messages import SaidMessage
from bot.storage.personal import DEDUPE_DAYS, OWN_DAYS
from bot.storage.privacy import Privacy
from bot.storage.reader import Reader
from bot.storage.seal import Seal
from bot.storage.settlement import Settlement
from bot.storage.sqlite import SqliteTransactor, sqlite_reader
from bot.storage.store import Store
from bot.storage.writer import Writer
from tests.messages import ALICE, CHANNEL, EPOCH, message
from tests.storage.house import PLATFORM, Clock, Place, fill, hear, numbered, said

T = TypeVar("T")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
QUESTION = message("where?", id="1", to_us=True)


async def _left(store: Store, place: Place, after: timedelta) -> dict[str, int]:
    """Rows per table after a purge at that age, with a context of 24 hours and an audit of 365 days."""
    await store.privacy.purge(EPOCH + after, context_hours=24)
    return {table: place.count(table) for table in ("messages", "inbox", "outbox", "usage", "audit")}


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (timedelta(0), {"messages": 2, "inbox": 1, "outbox": 3, "usage": 1, "audit": 2}),
        (24 * HOUR, {"messages": 2, "inbox": 1, "outbox": 3, "usage": 1, "audit": 2}),
        (25 * HOUR, {"messages": 1, "inbox": 1, "outbox": 3, "usage": 1, "audit": 2}),
        (3 * DAY, {"messages": 1, "inbox": 1, "outbox": 3, "usage": 0, "audit": 2}),
        (DEDUPE_DAYS * DAY + HOUR, {"messages": 1, "inbox": 0, "outbox": 0, "usage": 0, "audit": 2}),
        (OWN_DAYS * DAY + HOUR, {"messages": 0, "inbox": 0, "outbox": 0, "usage": 0, "audit": 2}),
        (366 * DAY, {"messages": 0, "inbox": 0, "outbox": 0, "usage": 0, "audit": 0}),
    ],
    ids=str,
)
async def test_each_table_keeps_its_rows_as_long_as_declared(
    store: Store, place: Place, after: timedelta, left: dict[str, int]
) -> None:
    await fill(store, QUESTION, "there")
    assert await _left(store, place, after) == left


async def test_an_answer_loses_its_text_with_the_context_and_stays_known_as_ours(
    store: Store, place: Place
) -> None:
    await fill(store, QUESTION, "there")
    await store.privacy.purge(EPOCH + 25 * HOUR, context_hours=24)
    assert place.ask("SELECT body, about, ours FROM messages") == [(None, None, 1)]
    assert store.messages.is_ours(CHANNEL, "answer to 1")


async def test_no_context_at_all_can_be_wanted(store: Store, place: Place) -> None:
    await fill(store, QUESTION, "there")
    await store.privacy.purge(EPOCH + timedelta(seconds=1), context_hours=0)
    assert place.ask("SELECT body FROM messages WHERE body IS NOT NULL") == []


async def test_a_purge_of_nothing_changes_nothing(store: Store) -> None:
    await fill(store, QUESTION, "there")
    assert await store.privacy.purge(EPOCH, context_hours=24) == 0


class Counting(SqliteTransactor):
    """Notes how many rows each transaction changes."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.file)
        self.changed: list[int] = []

    def transaction(self, work: Callable[[Connection], T]) -> T:
        def counted(connection: Connection) -> T:
            count = text("SELECT total_changes()")
            before = connection.execute(count).scalar_one()
            done = work(connection)
            self.changed.append(connection.execute(count).scalar_one() - before)
            return done

        return super().transaction(counted)


async def test_a_purge_changes_a_bounded_number_of_rows_at_a_time_and_others_get_in_between(
    place: Place, clock: Clock
) -> None:
    store = await place.open(clock)
    await hear(store, *numbered(1_500))
    await store.settle(Settlement(said=tuple(said(QUESTION, "a", id=f"s{n}") for n in range(700))))
    await store.inbox.take(PLATFORM, numbered(900), {})
    await store.close()

    transactor = Counting(place)
    writer = Writer(transactor)
    reader = Reader(sqlite_reader(place.file), transactor.explain)
    seal = Seal.from_file(place.key)
    privacy = Privacy(reader, writer, seal, Journal(place.journal), clock)
    async with asyncio.TaskGroup() as tasks:
        purging = tasks.create_task(privacy.purge(EPOCH + 60 * DAY, context_hours=24))
        between = 0
        while not purging.done():
            await writer.call(lambda connection: None)
            between += 1
    assert purging.result() == 1_500 + 700 + 700 + 900  # answers are blanked first and go later
    assert max(transactor.changed) <= SLICE_ROWS
    assert between > purging.result() / SLICE_ROWS
    await writer.close()
    await reader.close()
    assert [place.count(table) for table in ("messages", "inbox")] == [0, 0]


def test_old_rows_are_found_through_an_index_and_not_by_reading_the_others(
    place: Place, clock: Clock
) -> None:
    asyncio.run(_made(place, clock))
    queries = {
        "messages WHERE at < 5 AND ours = 0": "ix_messages_ours_at",
        "messages WHERE at < 5 AND ours = 1 AND body IS NOT NULL": "ix_messages_said",
        "inbox WHERE taken_at < 5": "ix_inbox_taken_at",
        "outbox WHERE opened_at < 5": "ix_outbox_opened_at",
        "audit WHERE at < 5": "ix_audit_at",
    }
    for query, index in queries.items():
        plan = str(place.ask(f"EXPLAIN QUERY PLAN SELECT seq FROM {query} LIMIT 25"))
        assert "SEARCH" in plan
        assert f"INDEX {index} " in plan


async def _made(place: Place, clock: Clock) -> None:
    await (await place.open(clock)).close()


async def test_own_messages_without_a_member_expire_too(store: Store, place: Place) -> None:
    post = SaidMessage(message("", id="p").ref, "digest", None, EPOCH)
    await store.settle(Settlement(said=(post,)))
    await store.privacy.purge(EPOCH + 25 * HOUR, context_hours=24)
    assert place.ask("SELECT body FROM messages") == [(None,)]
    assert await store.privacy.show(ALICE.identity) == {}
    await store.privacy.purge(EPOCH + (OWN_DAYS + 1) * DAY, context_hours=24)
    assert place.count("messages") == 0
