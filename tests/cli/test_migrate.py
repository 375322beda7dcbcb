"""`llmos migrate`: says what it did, and where the copy from before is."""

import sqlite3

import pytest

from bot.storage.migrating import migrate_sqlite
from bot.storage.schema import SCHEMA
from tests.cli.keeping import CONFIG, live, place
from tests.cli.operator import Operator

pytestmark = pytest.mark.drives("cli:migrate")


def test_an_old_database_is_brought_along_and_copied_before(operator: Operator) -> None:
    operator.writes(CONFIG)
    migrate_sqlite(place(operator).file, to="0001")
    outcome = operator.types("migrate")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"from schema 0001 to {SCHEMA}" in outcome.out
    copy = place(operator).file.with_name(f"llmos.db.before-{SCHEMA}")
    assert str(copy) in outcome.out
    assert copy.exists()
    assert place(operator).ask("SELECT version_num FROM alembic_version") == [(SCHEMA,)]


def test_a_new_database_is_made(operator: Operator) -> None:
    operator.writes(CONFIG)
    outcome = operator.types("migrate")
    assert outcome.code == 0
    assert "A new database" in outcome.out
    assert place(operator).count("messages") == 0


def test_the_newest_schema_is_left_as_it_is(operator: Operator) -> None:
    live(operator)
    outcome = operator.types("migrate")
    assert outcome.code == 0
    assert f"the newest schema already ({SCHEMA})" in outcome.out
    assert not list(place(operator).folder.glob("*.before-*"))


def test_a_newer_database_is_refused(operator: Operator) -> None:
    live(operator)
    place(operator).ask("UPDATE alembic_version SET version_num = '9999'")
    outcome = operator.types("migrate")
    assert (outcome.code, outcome.out) == (1, "")
    assert "newer LLMOS" in outcome.err


def test_a_migration_that_fails_is_a_sentence(operator: Operator) -> None:
    operator.writes(CONFIG)
    migrate_sqlite(place(operator).file, to="0001")
    place(operator).ask("CREATE INDEX ix_messages_said ON messages (at)")
    outcome = operator.types("migrate")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("llmos: The database ")
    with sqlite3.connect(place(operator).file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    connection.close()
