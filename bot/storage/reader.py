"""Reads: on the async engine, beside the writer, always of what is already durable."""

from collections.abc import Callable, Sequence
from typing import TypeVarTuple

from sqlalchemy import Row, Select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.core.errors import StorageError

Ts = TypeVarTuple("Ts")


class Reader:
    """Runs one SELECT at a time, each on a connection of the pool."""

    def __init__(self, engine: AsyncEngine, explain: Callable[[SQLAlchemyError], StorageError]) -> None:
        """Args: explain: turns the database's error into ours."""
        self._engine, self._explain = engine, explain
        self.dialect = engine.dialect.name

    async def rows(self, query: Select[*Ts]) -> Sequence[Row[*Ts]]:
        """All rows of a query.

        Raises:
            StorageError: the database failed.
        """
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(query)).all()
        except SQLAlchemyError as error:
            raise self._explain(error) from error

    async def first(self, query: Select[*Ts]) -> Row[*Ts] | None:
        """The first row, or None."""
        found = await self.rows(query.limit(1))
        return found[0] if found else None

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
