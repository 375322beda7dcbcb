"""PostgreSQL: every statement compiles for it, and what fails says why. No server is used here."""

import socket
from io import StringIO
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Executable, delete, select, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import ClauseElement

from bot.core.errors import StorageError
from bot.storage import migrations
from bot.storage.location import PostgresServer, SqliteFile, locate, sqlite_file
from bot.storage.migrating import revisions
from bot.storage.personal import Declaration, Keep, personal
from bot.storage.postgres import postgres_error, postgres_schema
from bot.storage.schema import metadata
from bot.storage.writer import Write
from bot.storage.writes import Writes
from tests.messages import EPOCH

URL_WITH_PASSWORD = URL.create("postgresql+asyncpg", "llmos", "hunter2", "db.example", database="llmos")
DIALECT = URL_WITH_PASSWORD.get_dialect()()


def _compiled(statement: Executable) -> str:
    assert isinstance(statement, ClauseElement)
    return str(statement.compile(dialect=DIALECT))


def test_every_statement_of_the_hot_path_compiles_for_postgresql() -> None:
    writes = {name: write for name, write in vars(Writes("postgresql")).items() if isinstance(write, Write)}
    assert len(writes) >= 13
    for name, write in writes.items():
        assert _compiled(write.statement).split()[0] in {"INSERT", "UPDATE", "DELETE"}, name
    assert "ON CONFLICT (key) DO NOTHING RETURNING inbox.key" in _compiled(writes["take"].statement)


def test_the_tables_and_their_partial_indexes_compile_for_postgresql() -> None:
    for table in metadata.tables.values():
        assert str(CreateTable(table).compile(dialect=DIALECT))
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=DIALECT))
    (said,) = (index for index in metadata.tables["messages"].indexes if index.name == "ix_messages_said")
    sql = str(CreateIndex(said).compile(dialect=DIALECT))
    assert sql.endswith("WHERE ours = true AND body IS NOT NULL")


def test_the_migrations_are_sql_for_postgresql() -> None:
    written = StringIO()
    options = {"as_sql": True, "output_buffer": written}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        for revision in sorted(revisions()):
            ScriptDirectory(str(Path(migrations.__file__).parent)).get_revision(revision).module.upgrade()
    sql = written.getvalue()
    assert sql.count("CREATE TABLE") == len(metadata.tables)
    assert "ALTER TABLE messages ADD COLUMN opened_thread BOOLEAN" in sql
    assert "WHERE ours = true AND body IS NOT NULL" in sql
    assert "ours = 1" not in sql


@pytest.mark.parametrize("entry", personal(), ids=lambda entry: entry.table.name)
def test_what_is_declared_about_people_compiles_for_postgresql(entry: Declaration) -> None:
    assert _compiled(select(entry.table).where(entry.mine("x")))
    for expiry in entry.expiries:
        rows = expiry.rows(EPOCH, Keep(24))
        assert _compiled(delete(entry.table).where(rows))
        if expiry.values is not None:
            assert _compiled(update(entry.table).values(**expiry.values).where(rows))


def test_a_password_is_in_no_error() -> None:
    error = postgres_error(ProgrammingError("SELECT", {}, Exception("no such\n  table")), URL_WITH_PASSWORD)
    assert "hunter2" not in str(error)
    assert "no such table" in str(error)


async def test_without_a_driver_or_a_server_the_operator_is_told_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        url = URL.create(
            "postgresql+asyncpg", "llmos", "hunter2", "127.0.0.1", taken.getsockname()[1], "llmos"
        )
        with pytest.raises(StorageError, match=r"llmos-bot\[postgres\]|Check that the server runs") as caught:
            await postgres_schema(url)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("sqlite:///data/llmos.db", "data/llmos.db"),
        ("sqlite:////var/lib/llmos.db", "/var/lib/llmos.db"),
        ("sqlite:///with space.db", "with space.db"),
    ],
)
def test_a_sqlite_url_is_a_file(url: str, found: str) -> None:
    assert isinstance(locate(url), SqliteFile)
    assert str(sqlite_file(url)) == found


def test_a_postgresql_url_gets_the_driver_and_no_file() -> None:
    found = locate("postgresql://llmos:hunter2@db.example/llmos")
    assert isinstance(found, PostgresServer)
    assert found.url == URL_WITH_PASSWORD
    with pytest.raises(StorageError, match="pg_dump"):
        sqlite_file("postgresql://llmos@db.example/llmos")


@pytest.mark.parametrize("url", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "llmos.db", "://"])
def test_another_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(StorageError, match=r"sqlite:///data/llmos\.db"):
        locate(url)
