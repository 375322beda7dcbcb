"""The part of `llmos init` about Discord: through the developer portal, and whether the token works."""

import asyncio
import os
from dataclasses import dataclass

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm

from bot.cli.platforms import require_packages
from bot.cli.portal import Visitor, invitation, visiting
from bot.cli.secret_file import ask_hidden
from bot.config import Discord
from bot.config.environment import variable
from bot.core.errors import ConfigError, PlatformError
from bot.core.text import _

TOKEN_FILE = "discord-token"  # noqa: S105 - a name beside config.toml, for its owner only


@dataclass(frozen=True, slots=True)
class Account:
    """A bot account; `link` invites it, "" where nobody knows."""

    token: str
    message_content: bool = False
    link: str = ""


def ask(console: Console) -> Account | None:
    """Ask for a token until one works, or the person gives up; None for no Discord."""
    if not _agreed(_("Shall it live on Discord?"), console):
        return None
    try:
        require_packages("discord")
    except ConfigError as error:
        console.print(escape(str(error)))
        return None
    _explain(console)
    while True:
        token = ask_hidden(_("The token"), console)
        try:
            visitor = asyncio.run(visiting(token, _api_base(console)))
        except PlatformError as error:
            console.print(escape(_("This account does not open: {why}", why=error)))
            if Confirm.ask(_("Ask again? Otherwise it is written as it is."), default=True, console=console):
                continue
            return Account(token)
        return _opened(token, visitor, console)


def _agreed(question: str, console: Console) -> bool:
    """No by default, also where answers from a file end: it can do without."""
    try:
        return Confirm.ask(question, default=False, console=console)
    except EOFError:
        return False


def _api_base(console: Console) -> str | None:
    """A proxy that the environment names already."""
    given = os.environ.get(variable("discord", "api_base"))
    try:
        return Discord(api_base=given or None).api_base
    except ValidationError:
        console.print(escape(_("{given} has the wrong form.", given=given)))
        return None


def _explain(console: Console) -> None:
    steps = (
        _("Open https://discord.com/developers/applications and make an application: New Application."),
        _("On its page Bot press Reset Token and copy the token; Discord shows it only once."),
        _("On the same page, switch Public Bot off if nobody else is to invite it."),
        _(
            "Message Content Intent can stay off: mentions, replies to it, private conversations and "
            "commands work without it."
        ),
    )
    for number, step in enumerate(steps, start=1):
        console.print(f"  {number}  {escape(step)}")


def _opened(token: str, visitor: Visitor, console: Console) -> Account:
    console.print(escape(_("{user} opens.", user=visitor.name)))
    question = _("Message Content Intent is on there. Shall it read what is not said to it?")
    content = visitor.may_read and _agreed(question, console)
    return Account(token, content, invitation(visitor.application_id))
