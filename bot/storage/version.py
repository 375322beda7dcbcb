"""Which revision of the schema a database has."""

from sqlalchemy import Connection, inspect, text

from bot.core.errors import StorageError
from bot.storage.schema import SCHEMA


def schema_of(connection: Connection) -> str | None:
    """The revision of a database, None if it is empty.

    Raises:
        StorageError: it holds tables that are not ours.
    """
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise StorageError(
                f"The database holds tables of another program ({', '.join(sorted(tables)[:3])}). "
                "Give LLMOS a database of its own in [storage] url."
            )
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def newer_schema(found: str) -> StorageError:
    """What to say about a database from the future."""
    return StorageError(
        f"The database was written by a newer LLMOS (schema {found}; this version knows up to {SCHEMA}). "
        "Install that version again, or restore a backup that is older than it."
    )
