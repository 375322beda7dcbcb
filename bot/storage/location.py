"""Where the database is: the url an operator writes, understood."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.core.errors import StorageError


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite database is one file."""

    path: Path


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A PostgreSQL database; `url` is for SQLAlchemy's asyncpg dialect."""

    url: URL


Location = SqliteFile | PostgresServer


def locate(url: str) -> Location:
    """Understand `sqlite:///path/to/file.db` or `postgresql://user@host/name`.

    Raises:
        StorageError: it is neither.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    match parsed.get_backend_name() if parsed else "":
        case "sqlite" if parsed and parsed.database and parsed.database != ":memory:":
            return SqliteFile(Path(parsed.database))
        case "postgresql" if parsed:
            return PostgresServer(parsed.set(drivername="postgresql+asyncpg"))
        case _:
            raise StorageError(
                "The database url in [storage] is not understood. Write sqlite:///data/llmos.db "
                "or postgresql://user@host/name."
            )


def sqlite_file(url: str) -> Path:
    """The file of a SQLite url.

    Raises:
        StorageError: it is a PostgreSQL url; its server has tools of its own.
    """
    location = locate(url)
    if isinstance(location, PostgresServer):
        raise StorageError("This works on a SQLite file only. For PostgreSQL use pg_dump and pg_restore.")
    return location.path
