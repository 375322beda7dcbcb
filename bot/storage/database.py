"""Opening a database by its location: migrated, with a writer's connection and an engine for reads."""

import asyncio
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import StorageError
from bot.storage.fresh import create
from bot.storage.location import Location, PostgresServer, SqliteFile
from bot.storage.postgres import PostgresTransactor, postgres_engine, postgres_error, postgres_schema
from bot.storage.reader import Reader
from bot.storage.schema import SCHEMA
from bot.storage.sqlite import BUSY_S, SqliteTransactor, create_file, sqlite_reader
from bot.storage.version import schema_of
from bot.storage.writer import Transactor


async def open_database(location: Location, busy_s: float = BUSY_S) -> tuple[Transactor, Reader]:
    """Migrate if needed, then connect.

    Raises:
        StorageError: with what happened and what to do.
    """
    match location:
        case SqliteFile(path=path):
            transactor = await asyncio.to_thread(_open_sqlite, path, busy_s)
            return transactor, Reader(sqlite_reader(path, busy_s), transactor.explain)
        case PostgresServer(url=url):
            if await postgres_schema(url) != SCHEMA:
                await migrate(location)
            return PostgresTransactor(url), Reader(
                postgres_engine(url), lambda error: postgres_error(error, url)
            )


async def migrate(location: Location, busy_s: float = BUSY_S) -> Path | None:
    """Bring a database to this version's schema.

    Returns:
        The copy that was made before, or None: nothing to do, a new file, or a server.

    Raises:
        StorageError: nothing was changed.
    """
    from bot.storage import migrating  # noqa: PLC0415 - Alembic, only when there is something to do

    match location:
        case SqliteFile(path=path):
            return await asyncio.to_thread(migrating.migrate_sqlite, path, busy_s=busy_s)
        case PostgresServer():
            await migrating.migrate_postgres(location)
            return None


def _open_sqlite(path: Path, busy_s: float) -> SqliteTransactor:
    create_file(path)
    transactor = SqliteTransactor(path, busy_s)
    try:
        found = transactor.transaction(_schema_or_create)
        if found == SCHEMA:
            return transactor
        transactor.close()
        if found is not None:
            from bot.storage import migrating  # noqa: PLC0415 - Alembic, only when there is something to do

            migrating.migrate_sqlite(path, busy_s=busy_s)
    except SQLAlchemyError as error:
        transactor.close()
        raise transactor.explain(error) from error
    except StorageError:
        transactor.close()
        raise
    return SqliteTransactor(path, busy_s)


def _schema_or_create(connection: Connection) -> str | None:
    """The schema of a database; None if it was empty, and has the newest one now."""
    found = schema_of(connection)
    if found is None:
        create(connection)
    return found
