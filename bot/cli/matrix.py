"""`llmos matrix`: looking after the bot's account on Matrix."""

import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from bot.cli.options import ConfigOption, print_line, speak_operators_language
from bot.cli.platforms import matrix_folder, require_packages
from bot.config import Config, Secret, describe_source, load
from bot.core.errors import BotError, ConfigError
from bot.core.text import _, ngettext

command = App(name="matrix", help="Look after the bot's account on Matrix.")

FileArgument = Annotated[Path, Parameter(help="Where to put them; the file must not exist.")]
PassphraseOption = Annotated[
    Path | None,
    Parameter(name="--passphrase-file", help="Holds the passphrase; without it the terminal is asked."),
]


@command.command
def export_keys(
    file: FileArgument, *, passphrase_file: PassphraseOption = None, config: ConfigOption = None
) -> int:
    """Write the keys of all encrypted rooms to a file that Element imports; the bot may go on meanwhile."""
    speak_operators_language()
    settings = load(config, secrets=False)
    user_id = _encrypting_user(settings, describe_source(config))
    require_packages("matrix")
    from bot.adapters.matrix.encryption import kept  # noqa: PLC0415 - its packages are optional

    folder, file = matrix_folder(settings), file.expanduser()
    keys = kept.room_keys(folder, user_id)
    if not keys:
        raise BotError(
            _("There are no keys of encrypted rooms in {folder} yet, so nothing was written.", folder=folder)
        )
    _refuse_unfit(file)
    passphrase = _passphrase(passphrase_file)
    try:
        kept.export_keys(keys, file, passphrase)
    except OSError as error:
        raise _unwritable(file, error) from error
    print_line(ngettext("{n} key is in {file}.", "{n} keys are in {file}.", len(keys), file=file))
    print_line(
        _(
            "Whoever has this file and its passphrase can read what was said under these keys. "
            "Element imports it in the settings under Encryption."
        )
    )
    return 0


def _encrypting_user(config: Config, source: str) -> str:
    """The account that has keys.

    Raises:
        ConfigError: none does.
    """
    if not config.has_matrix or config.matrix.user_id is None:
        raise ConfigError(
            _("{source} has no [matrix] section, so there are no keys to export.", source=source)
        )
    if not config.matrix.encryption:
        raise ConfigError(
            _("{source} says encryption = false in [matrix], so there are no keys to export.", source=source)
        )
    return config.matrix.user_id


def _refuse_unfit(file: Path) -> None:
    """Say what is wrong with the file before a person is asked for anything."""
    if file.exists() or file.is_symlink():
        raise BotError(_("{path} exists already and was left as it is.", path=file))
    if not file.parent.is_dir():
        raise BotError(_("There is no folder {path}.", path=file.parent))


def _unwritable(file: Path, error: OSError) -> BotError:
    return BotError(_("{path} cannot be written: {why}.", path=file, why=error.strerror or error))


def _passphrase(file: Path | None) -> str:
    if file is not None:
        return Secret(f"file:{file}", Path.cwd()).reveal()
    if not sys.stdin.isatty():
        raise ConfigError(
            _(
                "There is no terminal to ask for a passphrase; write it to a file and name that with "
                "--passphrase-file."
            )
        )
    try:
        return _asked()
    except EOFError as error:
        raise ConfigError(_("Without a passphrase nothing is written.")) from error


def _asked() -> str:
    while True:
        passphrase = getpass(_("A passphrase for the file:") + " ")
        if not passphrase:
            print_line(_("An empty passphrase protects nothing."))
        elif getpass(_("The same once more:") + " ") == passphrase:
            return passphrase
        else:
            print_line(_("These two were not the same."))
