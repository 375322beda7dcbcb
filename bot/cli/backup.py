"""`llmos backup`: copy the database to a file, also while the bot runs."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from humanize import naturalsize

from bot.cli.options import ConfigOption, print_line, speak_operators_language
from bot.config import load
from bot.core.text import _
from bot.storage.backup import backup_database
from bot.storage.journal import JOURNAL_FILE_NAME
from bot.storage.location import sqlite_file
from bot.storage.seal import KEY_FILE_NAME


def command(
    file: Annotated[Path, Parameter(help="Where to put it; an older backup there is replaced.")],
    *,
    config: ConfigOption = None,
) -> int:
    """Copy the database to a file, whole or not at all; the bot may go on meanwhile."""
    speak_operators_language()
    settings = load(config, secrets=False)
    size = backup_database(sqlite_file(settings.storage.full_url()), file.expanduser())
    print_line(_("The database is copied to {file} ({size}).", file=file, size=naturalsize(size)))
    print_line(
        _(
            "It cannot be read without the key file: keep {key} in a safe place, but not beside the backups. "
            "Keep the newest {journal} too, so that a restore forgets whoever asked for it.",
            key=settings.bot.data_dir / KEY_FILE_NAME,
            journal=JOURNAL_FILE_NAME,
        )
    )
    return 0
