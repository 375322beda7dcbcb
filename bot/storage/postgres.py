"""PostgreSQL: asyncpg under SQLAlchemy, driven from the writer's thread by an event loop of its own."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import URL, Connection, NullPool, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.core.errors import StorageError
from bot.storage.version import schema_of

T = TypeVar("T")
_READERS = 4


def postgres_engine(url: URL) -> AsyncEngine:
    """The engine for reads.

    Raises:
        StorageError: the driver is not installed.
    """
    return _engine(url, pool_size=_READERS, pool_pre_ping=True)


def _engine(url: URL, **options: object) -> AsyncEngine:
    try:
        return create_async_engine(url, **options)
    except ModuleNotFoundError as error:
        raise StorageError(
            "PostgreSQL needs a driver that is not installed. Run: pip install 'llmos-bot[postgres]'"
        ) from error


def postgres_error(error: Exception, url: URL) -> StorageError:
    """Say in a sentence what happened at a PostgreSQL server; the password stays out of it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = " ".join(str(cause).split())
    where = url.render_as_string(hide_password=True)
    return StorageError(f"The database {where} failed: {said}. Check that the server runs and accepts us.")


async def postgres_schema(url: URL) -> str | None:
    """The revision of the schema, None for an empty database."""
    engine = _engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(schema_of)
    except (SQLAlchemyError, OSError) as error:
        raise postgres_error(error, url) from error
    finally:
        await engine.dispose()


class PostgresTransactor:
    """The writer's connection to a server."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = _engine(url, poolclass=NullPool)
        self._runner = asyncio.Runner()
        self._connection: AsyncConnection | None = None

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """BEGIN, work, COMMIT; a lost connection is made anew by the next call."""
        return self._runner.run(self._transaction(work))

    async def _transaction(self, work: Callable[[Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = await self._engine.connect()
            async with self._connection.begin():
                return await self._connection.run_sync(work)
        except OSError as error:  # asyncpg lets a refused connection through as it is
            raise postgres_error(error, self._url) from error
        finally:
            if self._connection is not None and self._connection.invalidated:
                await self._connection.close()
                self._connection = None

    def scrub(self, thorough: bool) -> None:
        """Let the server reuse the space of deleted rows; bodies in it are sealed."""
        self._runner.run(self._vacuum())

    async def _vacuum(self) -> None:
        async with self._engine.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.execute(text("VACUUM"))

    def explain(self, error: SQLAlchemyError) -> StorageError:
        """See `postgres_error`."""
        return postgres_error(error, self._url)

    def close(self) -> None:
        """Close the connection and the loop."""
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        await self._engine.dispose()
