"""What SQLite and PostgreSQL say differently."""

from collections.abc import Callable

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


def insert_for(dialect: str) -> Callable[[Table], Insert]:
    """The INSERT of a database, which knows ON CONFLICT."""
    return postgresql.insert if dialect == "postgresql" else sqlite.insert
