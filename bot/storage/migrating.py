"""Bringing a database to this version's schema; imported only when there is something to do."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.storage.copying import copy_database
from bot.storage.location import PostgresServer
from bot.storage.postgres import postgres_engine, postgres_error
from bot.storage.schema import SCHEMA
from bot.storage.sqlite import BUSY_S, SqliteTransactor, create_file
from bot.storage.version import newer_schema, schema_of


def migrate_sqlite(path: Path, to: str = SCHEMA, busy_s: float = BUSY_S) -> Path | None:
    """Migrate a SQLite file in one transaction; a file that holds a schema already is copied first.

    Returns:
        The copy, `<file>.before-<revision>`, or None if there was nothing to copy.

    Raises:
        StorageError: the file is from a newer version, damaged, locked, or cannot be written.
    """
    create_file(path)
    transactor = SqliteTransactor(path, busy_s)
    try:
        found = transactor.transaction(schema_of)
        refuse_newer(found)
        if found == to:
            return None
        copy = None if found is None else path.with_name(f"{path.name}.before-{to}")
        if copy is not None:
            copy_database(path, copy)
        transactor.transaction(lambda connection: upgrade(connection, to))
        return copy
    except SQLAlchemyError as error:
        raise transactor.explain(error) from error
    finally:
        transactor.close()


async def migrate_postgres(server: PostgresServer, to: str = SCHEMA) -> None:
    """Migrate a PostgreSQL database in one transaction; its backups are the server's business.

    Raises:
        StorageError: it is from a newer version, or the server failed.
    """
    engine = postgres_engine(server.url)
    try:
        async with engine.begin() as connection:
            refuse_newer(await connection.run_sync(schema_of))
            await connection.run_sync(upgrade, to)
    except (SQLAlchemyError, OSError) as error:
        raise postgres_error(error, server.url) from error
    finally:
        await engine.dispose()


def upgrade(connection: Connection, to: str = SCHEMA) -> None:
    """Run the migrations that are missing, inside the connection's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def revisions() -> list[str]:
    """All revisions this version knows, newest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]


def refuse_newer(found: str | None) -> None:
    """StorageError for a schema this version does not know."""
    if found is not None and found not in revisions():
        raise newer_schema(found)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "bot.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config
