"""The database: it opens, every page is whole, and its schema is ours."""

from collections.abc import AsyncIterator

from bot.cli.checkups import Finding
from bot.config import Config
from bot.core.errors import ConfigError, StorageError
from bot.core.text import _
from bot.storage.inspection import inspect_database
from bot.storage.schema import SCHEMA


async def findings(config: Config) -> AsyncIterator[Finding]:
    """One row; nothing is written to the database."""
    try:
        found = await inspect_database(config.storage.full_url())
    except (StorageError, ConfigError) as error:
        what, _separator, fix = str(error).partition(". ")
        yield Finding("database", False, what, fix)
        return
    if found is None:
        yield Finding("database", True, _("None yet; it is made at the first start."))
    elif found == SCHEMA:
        yield Finding("database", True, _("whole, schema {schema}", schema=found))
    elif found < SCHEMA:
        detail = _(
            "schema {found} is older than {schema}; the next start migrates it", found=found, schema=SCHEMA
        )
        yield Finding("database", True, detail)
    else:
        detail = _("schema {found} is newer than {schema}", found=found, schema=SCHEMA)
        yield Finding(
            "database", False, detail, _("Install the newer LLMOS again, or restore an older backup.")
        )
