"""`llmos restore`: put a backup in place of the database."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bot.cli.options import ConfigOption, print_line, speak_operators_language
from bot.config import load
from bot.core.text import _, ngettext
from bot.storage.backup import COPY_DAYS
from bot.storage.clock import utc_now
from bot.storage.location import sqlite_file
from bot.storage.restoring import restore_database
from bot.storage.seal import KEY_FILE_NAME


def command(
    file: Annotated[Path, Parameter(help="A file that `llmos backup` wrote.")],
    *,
    config: ConfigOption = None,
) -> int:
    """Put a backup in place of the database; stop the bot first. The database in place is kept aside."""
    speak_operators_language()
    settings = load(config, secrets=False)
    path = sqlite_file(settings.storage.full_url())
    restored = restore_database(file.expanduser(), path, settings.bot.data_dir / KEY_FILE_NAME, utc_now())
    print_line(_("{file} is now the database {path}.", file=file, path=path))
    if restored.erased:
        print_line(
            ngettext(
                "{n} entry about people who asked to be forgotten since was erased again.",
                "{n} entries about people who asked to be forgotten since were erased again.",
                restored.erased,
            )
        )
    if restored.moved_to is not None:
        print_line(
            _(
                "The database that was there is {old}; the bot removes it after {days} days.",
                old=restored.moved_to,
                days=COPY_DAYS,
            )
        )
    return 0
