"""`llmos migrate`: bring the database to the schema of this version, with a backup first."""

import asyncio

from bot.cli.options import ConfigOption, print_line, speak_operators_language
from bot.config import load
from bot.core.text import _
from bot.storage.backup import COPY_DAYS
from bot.storage.database import migrate
from bot.storage.inspection import inspect_database
from bot.storage.location import locate
from bot.storage.schema import SCHEMA


def command(*, config: ConfigOption = None) -> int:
    """Bring the database to this version's schema; a copy is made first. Starting the bot does the same."""
    speak_operators_language()
    asyncio.run(_migrate(load(config, secrets=False).storage.full_url()))
    return 0


async def _migrate(url: str) -> None:
    before = await inspect_database(url)
    copy = await migrate(locate(url))
    if before is None:
        print_line(_("A new database with schema {schema} was made.", schema=SCHEMA))
    elif before == SCHEMA:
        print_line(_("The database has the newest schema already ({schema}).", schema=SCHEMA))
    else:
        print_line(_("The database was brought from schema {old} to {new}.", old=before, new=SCHEMA))
    if copy is not None:
        print_line(
            _(
                "A copy from before is {copy}; the bot removes it after {days} days.",
                copy=copy,
                days=COPY_DAYS,
            )
        )
