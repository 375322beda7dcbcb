"""A new SQLite database as all migrations make it, at once and without loading what runs them.

`fresh.sql` is written by `python -m bot.storage.fresh` after a migration was added; a test compares.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from importlib import resources
from pathlib import Path

from sqlalchemy import Connection, text

from bot.storage.schema import SCHEMA

FILE = "fresh.sql"
_BETWEEN = "\n--\n"  # statements; a trigger has semicolons of its own


def create(connection: Connection) -> None:
    """Make everything, inside the connection's transaction; the database must be empty."""
    script = (resources.files("bot.storage") / FILE).read_text(encoding="utf-8")
    for statement in script.strip().split(_BETWEEN):
        connection.exec_driver_sql(statement)
    connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": SCHEMA})


def script_of(database: Path) -> str:
    """The statements that make a database of this schema, with what stands in a new one."""
    query = "SELECT type, name, sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(f"{query} ORDER BY rowid").fetchall()
        dumped = list(connection.iterdump())
    indexes = tuple(f"{name}_" for _kind, name, sql in rows if sql.startswith("CREATE VIRTUAL TABLE"))
    made = [sql for kind, name, sql in rows if kind != "table" or not name.startswith(indexes)]
    ours = tuple(f'INSERT INTO "{name}" ' for kind, name, _sql in rows if kind == "table")
    theirs = tuple(f'INSERT INTO "{name}' for name in (*indexes, "alembic_version"))
    filled = [line.rstrip(";") for line in dumped if line.startswith(ours) and not line.startswith(theirs)]
    return _BETWEEN.join(made + filled) + "\n"


def main() -> None:
    """Write the script anew, from a database that the migrations make."""
    from bot.storage.migrating import migrate_sqlite  # noqa: PLC0415 - Alembic

    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "llmos.db"
        migrate_sqlite(database)
        script = script_of(database)
    Path(__file__).with_name(FILE).write_text(script, encoding="utf-8")
    sys.stdout.write(f"{FILE}: schema {SCHEMA}\n")


if __name__ == "__main__":
    main()
