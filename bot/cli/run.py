"""`llmos run`: the service, on all configured platforms."""

from typing import Annotated

from cyclopts import Parameter

from bot.cli import check as check_command
from bot.cli.options import ConfigOption, speak_operators_language
from bot.config import load
from bot.core.errors import ConfigError
from bot.core.text import _


def command(
    *,
    config: ConfigOption = None,
    check: Annotated[bool, Parameter(negative="", help="Only validate the configuration.")] = False,
) -> int:
    """Run the service on all configured platforms until it is told to stop."""
    if check:
        return check_command.command(config=config)
    speak_operators_language()
    load(config)
    raise ConfigError(
        _(
            "No platform is configured, so there is nothing to serve. This version talks in a terminal: "
            "`llmos chat`. Discord and Matrix come next."
        )
    )
