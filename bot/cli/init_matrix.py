"""The part of `llmos init` about Matrix: which account, how it opens, and whether that is true."""

import asyncio
from dataclasses import dataclass

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm, Prompt

from bot.cli.homeserver import discovered, visiting
from bot.cli.secret_file import ask_hidden
from bot.config import Matrix
from bot.config.addresses import is_private_url
from bot.core.errors import PlatformError
from bot.core.text import _

PASSWORD_FILE, TOKEN_FILE = "matrix-password", "matrix-token"
"""Beside config.toml, for its owner only."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account on a homeserver; `secret` is its password, or an access token."""

    homeserver: str
    user_id: str
    secret: str
    is_token: bool

    @property
    def key(self) -> str:
        """The key of [matrix] that names the secret."""
        return "access_token" if self.is_token else "password"

    @property
    def file_name(self) -> str:
        """Where the secret is written."""
        return TOKEN_FILE if self.is_token else PASSWORD_FILE


def ask(console: Console) -> Account | None:
    """Ask for an account until one opens, or the person gives up; None for no Matrix."""
    try:
        if not Confirm.ask(_("Shall it live on Matrix?"), default=False, console=console):
            return None
    except EOFError:  # answers from a file may end here: what is asked from now on is not needed
        return None
    while True:
        account = _ask_account(console)
        try:
            asyncio.run(_try(account))
        except PlatformError as error:
            console.print(escape(_("This account does not open: {why}", why=error)))
            if Confirm.ask(_("Ask again? Otherwise it is written as it is."), default=True, console=console):
                continue
        else:
            console.print(escape(_("{user} opens.", user=account.user_id)))
        return account


def _ask_account(console: Console) -> Account:
    user_id = _ask_valid("user_id", _("The user id of its account, such as @llmos:example.org"), "", console)
    server = f"https://{user_id.partition(':')[2]}"
    guess = server if is_private_url(server) else asyncio.run(discovered(server))
    homeserver = _ask_valid("homeserver", _("The address of its homeserver"), guess, console).rstrip("/")
    for number, way in enumerate((_("password"), _("access token")), start=1):
        console.print(f"  {number}  {escape(way)}")
    is_token = Prompt.ask(_("How does it log in?"), choices=["1", "2"], default="1", console=console) == "2"
    question = _("The access token") if is_token else _("The password")
    return Account(homeserver, user_id, ask_hidden(question, console), is_token)


def _ask_valid(key: str, question: str, default: str, console: Console) -> str:
    while True:
        text = Prompt.ask(question, default=default or None, console=console)
        try:
            Matrix.model_validate({key: (text or "").strip()})
        except ValidationError:
            console.print(escape(_("{given} has the wrong form.", given=text)))
        else:
            return str(text).strip()


async def _try(account: Account) -> None:
    password, token = (None, account.secret) if account.is_token else (account.secret, None)
    opened = visiting(account.homeserver, account.user_id, password=password, token=token)
    async with opened as visitor:
        if visitor.user_id != account.user_id:
            raise PlatformError(_("The token belongs to {user}.", user=visitor.user_id))
