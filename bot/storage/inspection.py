"""A look at a database from outside, without opening it for the bot: is it whole, and of which version?"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bot.storage.copying import check_integrity
from bot.storage.location import PostgresServer, SqliteFile, locate
from bot.storage.postgres import postgres_engine, postgres_error
from bot.storage.sqlite import BUSY_S, sqlite_error
from bot.storage.version import schema_of


async def inspect_database(url: str) -> str | None:
    """Read every page of a SQLite file, or ask a server; nothing is written.

    Returns:
        The revision of its schema, None if there is no database yet.

    Raises:
        StorageError: it is damaged, locked or cannot be reached.
    """
    match locate(url):
        case SqliteFile(path=path):
            return await asyncio.to_thread(_inspect_file, path)
        case PostgresServer() as server:
            return await _inspect_server(server)


def _inspect_file(path: Path) -> str | None:
    if not path.exists() or not path.stat().st_size:
        return None
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
            check_integrity(connection, path)
            known = connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
            return None if row is None else str(row[0])
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error


async def _inspect_server(server: PostgresServer) -> str | None:
    engine = postgres_engine(server.url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(schema_of)
    except (SQLAlchemyError, OSError) as error:
        raise postgres_error(error, server.url) from error
    finally:
        await engine.dispose()
