"""Old databases come along with all their data, or stay exactly as they were."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect

from bot.core.actions import Receipt, Reply
from bot.core.errors import StorageError
from bot.core.events import Channel
from bot.storage.codec import Work, encode_event, encode_work
from bot.storage.database import open_database
from bot.storage.fresh import script_of
from bot.storage.inspection import inspect_database
from bot.storage.location import SqliteFile
from bot.storage.migrating import migrate_sqlite, revisions
from bot.storage.schema import SCHEMA, WORDS_INDEX, metadata
from bot.storage.seal import Seal
from bot.storage.sqlite import SqliteTransactor
from tests.messages import ALICE, BOB, CHANNEL, EPOCH, message
from tests.storage.house import PLATFORM, Clock, Place

_AT = int(EPOCH.timestamp() * 1_000_000)
_THREAD = Channel(PLATFORM, "home", "general", "3")


def _old(place: Place) -> None:
    """A database as the first version left it, with a row in every table."""
    migrate_sqlite(place.file, to="0001")
    seal = Seal.from_file(place.key)
    alice, bob = (seal.pseudonym(person.identity) for person in (ALICE, BOB))
    event = message("pending", id="9")
    work = Work(CHANNEL, None, Reply(event.ref, ALICE, "under way"))
    rows: dict[str, list[tuple[object, ...]]] = {
        "meta": [("key_check", seal.seal("llmos"))],
        "cursors": [(PLATFORM, "scope", "cursor")],
        "inbox": [(1, seal.fingerprint(event.key), PLATFORM, alice, _AT, seal.seal(encode_event(event)))],
        "outbox": [
            (1, "k", PLATFORM, CHANNEL.key, "9", alice, 1, _AT, 1, '["88"]', seal.seal(encode_work(work)))
        ],
        "messages": [
            (1, CHANNEL.key, "1", alice, 0, 1, None, _AT, seal.seal("a question"), "answered"),
            (2, CHANNEL.key, "2", "", 1, 0, "1", _AT + 1, seal.seal("an answer"), ""),
            (3, CHANNEL.key, "3", bob, 0, 1, None, _AT + 2, seal.seal("another"), "answered"),
            (4, _THREAD.key, "4", "", 1, 0, "3", _AT + 3, seal.seal("in a thread"), ""),
        ],
        "policies": [("memory/home", "answer", "all")],
        "usage": [(f"member:{alice}", EPOCH.date().isoformat(), 3, 30)],
        "audit": [(1, _AT, PLATFORM, "home", CHANNEL.key, alice, "stop", "detail", bob)],
        "optouts": [(bob, _AT)],
    }
    with closing(sqlite3.connect(place.file)) as connection, connection:
        for table, values in rows.items():
            marks = ",".join("?" * len(values[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


async def test_a_database_of_the_first_version_comes_along_with_its_data(place: Place, clock: Clock) -> None:
    _old(place)
    store = await place.open(clock)
    assert await store.inbox.cursors(PLATFORM) == {"scope": "cursor"}
    assert await store.inbox.pending(PLATFORM) == (message("pending", id="9"),)
    (row,) = await store.outbox.unfinished(PLATFORM)
    assert (row.key, row.receipt, row.attempts) == ("k", Receipt(("88",)), 1)
    context = await store.messages.before(CHANNEL, EPOCH + timedelta(seconds=1), 9)
    assert [known.text for known in context] == ["a question", "an answer", "another"]
    assert store.messages.is_ours(CHANNEL, "2")
    assert dict(store.policies.get("memory/home")) == {"answer": "all"}
    assert store.usage.today(f"member:{store.seal.pseudonym(ALICE.identity)}", EPOCH.date()) == (3, 30)
    assert [entry.verb for entry in await store.audit.recent(PLATFORM, "home", 9)] == ["stop"]
    assert store.privacy.opted_out(BOB.identity)
    await store.close()


async def test_what_a_new_column_says_is_worked_out_for_old_rows(place: Place, clock: Clock) -> None:
    _old(place)
    store = await place.open(clock)
    assert store.messages.opened_thread(_THREAD)
    assert place.ask("SELECT message_id FROM messages WHERE opened_thread") == [("4",)]
    kept = (await store.privacy.export(ALICE.identity))["kept"]
    assert isinstance(kept, dict)
    assert [row["body"] for row in kept["messages"]] == ["a question", "an answer"]
    await store.close()


async def test_a_copy_is_made_before_a_migration_and_it_is_the_old_database(
    place: Place, clock: Clock
) -> None:
    _old(place)
    before = _dump(place.file)
    await (await place.open(clock)).close()
    copy = place.file.with_name(f"llmos.db.before-{SCHEMA}")
    assert _dump(copy) == before
    assert copy.stat().st_mode & 0o777 == 0o600
    assert await inspect_database(f"sqlite:///{copy}") == "0001"


def test_every_step_makes_a_copy_of_its_own(place: Place) -> None:
    _old(place)
    steps = sorted(revisions())[1:]
    assert [migrate_sqlite(place.file, to=step) for step in steps] == [
        place.file.with_name(f"llmos.db.before-{step}") for step in steps
    ]
    assert migrate_sqlite(place.file) is None


def test_a_new_database_has_no_copy(place: Place) -> None:
    assert migrate_sqlite(place.file) is None
    assert [path.name for path in place.folder.iterdir()] == ["llmos.db"]


async def test_a_new_database_is_what_the_migrations_make(place: Place, tmp_path: Path) -> None:
    transactor, reader = await open_database(SqliteFile(place.file))
    transactor.close()
    await reader.close()
    migrated = tmp_path / "migrated.db"
    migrate_sqlite(migrated)
    assert script_of(place.file) == script_of(migrated), "run `python -m bot.storage.fresh`"
    assert _dump(place.file) == _dump(migrated)


def test_a_migration_that_fails_leaves_the_old_database_as_it_was(place: Place) -> None:
    _old(place)
    place.ask("CREATE INDEX ix_messages_said ON messages (at)")  # the last statement will clash with it
    before = _dump(place.file)
    with pytest.raises(StorageError, match="ix_messages_said"):
        migrate_sqlite(place.file)
    assert _dump(place.file) == before


async def test_a_database_of_a_newer_version_is_left_alone(place: Place, clock: Clock) -> None:
    await (await place.open(clock)).close()
    place.ask("UPDATE alembic_version SET version_num = '9999'")
    before = _dump(place.file)
    with pytest.raises(StorageError, match=r"newer LLMOS \(schema 9999"):
        await place.open(clock)
    assert _dump(place.file) == before


async def test_a_database_of_another_program_is_left_alone(place: Place, clock: Clock) -> None:
    place.ask("CREATE TABLE customers (name TEXT)")
    before = _dump(place.file)
    with pytest.raises(StorageError, match="another program"):
        await place.open(clock)
    assert _dump(place.file) == before


def test_the_newest_revision_is_the_one_the_code_expects() -> None:
    assert revisions()[0] == SCHEMA
    assert len(set(revisions())) == len(revisions())


def test_migrations_end_at_exactly_the_declared_tables(place: Place) -> None:
    migrate_sqlite(place.file)
    transactor = SqliteTransactor(place.file)
    try:
        found = transactor.transaction(
            lambda connection: {
                table: (
                    {column["name"]: column["nullable"] for column in inspect(connection).get_columns(table)},
                    {
                        str(index["name"]): index["column_names"]
                        for index in inspect(connection).get_indexes(table)
                    },
                    inspect(connection).get_pk_constraint(table)["constrained_columns"],
                )
                for table in inspect(connection).get_table_names()
                if table != "alembic_version" and not table.startswith(WORDS_INDEX)
            }
        )
    finally:
        transactor.close()
    declared = {
        table.name: (
            {column.name: column.nullable for column in table.columns},
            {str(index.name): [column.name for column in index.columns] for index in table.indexes},
            [column.name for column in table.primary_key.columns],
        )
        for table in metadata.tables.values()
    }
    assert json.dumps(found, sort_keys=True) == json.dumps(declared, sort_keys=True)
