"""`llmos chat`: the bot at a terminal, or in a pipe of programs."""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from getpass import getuser
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

from cyclopts import Parameter

from bot import logs
from bot.adapters.console import ConsoleAdapter
from bot.adapters.console.adapter import COMMUNITY, PLATFORM
from bot.cli.options import ConfigOption, operators_locale, speak_operators_language
from bot.config import Config, load
from bot.core.events import Author, Channel, Event
from bot.core.text import _
from bot.knowledge.document import Document

if TYPE_CHECKING:
    from bot.storage.policies import Policies

HISTORY_FILE, LOG_FILE = "history", "chat.log"

HELP = Channel(PLATFORM, COMMUNITY, "help")
"""Where members of the sample community ask each other."""

SAMPLE_ENDED = timedelta(hours=1)
"""The sample community fell silent so long ago: nobody there waits for an answer."""


def command(
    *,
    as_: Annotated[str | None, Parameter(name="--as", help="Who you are; else your login name.")] = None,
    channel: Annotated[str, Parameter(help="The channel you talk in.")] = "general",
    sample: Annotated[
        bool, Parameter(negative="", help="Bring a synthetic community of ninety days along.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Talk to the bot here; with no terminal on stdin each line is a message, answered in order."""
    speak_operators_language()
    settings = load(config)
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    with _logging(settings, at_terminal):
        adapter = _adapter(settings, as_ or _login(), channel, at_terminal=at_terminal, sample=sample)
        asyncio.run(_talk(settings, adapter, sample=sample, at_terminal=at_terminal))


async def _talk(settings: Config, adapter: ConsoleAdapter, *, sample: bool, at_terminal: bool) -> None:
    """Run a bot with one platform until the person leaves; many may talk at once, so no port is taken.

    Most of the bot is imported behind the prompt, so that the first question can be typed at once.
    """
    quiet = settings.model_copy(update={"metrics": settings.metrics.model_copy(update={"listen": ""})})
    async with asyncio.TaskGroup() as tasks:
        if at_terminal:
            adapter.begin(tasks)
        opened = (await asyncio.to_thread(import_module, "bot.app")).opened
        async with opened(quiet, [adapter]) as app:
            if sample:
                await app.learn(adapter.channel.community_key, _threads())
                await _hint_in(HELP, app.store.policies)
            await app.run(adapter.progress, {PLATFORM: _sample(adapter)} if sample else {})


async def _hint_in(place: Channel, policies: "Policies") -> None:
    """What is asked again in the sample's help channel gets a hint, unless somebody chose otherwise."""
    if "duplicates" not in policies.get(place.key):
        await policies.set(place.key, "duplicates", "on")


def _adapter(settings: Config, name: str, channel: str, *, at_terminal: bool, sample: bool) -> ConsoleAdapter:
    locale = operators_locale(os.environ)
    if at_terminal:
        settings.bot.data_dir.mkdir(parents=True, exist_ok=True)
        return ConsoleAdapter.terminal(
            name,
            channel,
            settings.bot.data_dir / HISTORY_FILE,
            locale=locale,
            more=_try_a_hint() if sample else "",
        )
    from bot.adapters.console.piped import read_lines  # noqa: PLC0415 - only for pipes

    return ConsoleAdapter.piped(name, channel, read_lines(), sys.stdout, sys.stderr, locale=locale)


def _sample(adapter: ConsoleAdapter) -> Iterator[Event]:
    """The life of the sample community, which is the one around the person at the keyboard."""
    from bot.sample import community  # noqa: PLC0415 - a megabyte that few chats need

    told = community.load()
    members = {
        Author(PLATFORM, member.id, member.name, member.is_bot): member.role
        for member in told.members.values()
    }
    adapter.beside({channel.id: channel.role for channel in told.channels.values()}, members)
    return told.events(datetime.now(UTC) - SAMPLE_ENDED, PLATFORM, COMMUNITY)


def _threads() -> Iterator[Document]:
    from bot.sample import community, knowledge  # noqa: PLC0415 - as above

    return knowledge.threads(community.load(), datetime.now(UTC) - SAMPLE_ENDED)


def _try_a_hint() -> str:
    return _(
        "Around you is a sample community. “#{channel} QUESTION” asks its members and not me; I only speak up"
        " if it was answered before.",
        channel=HELP.id,
    )


def _login() -> str:
    try:
        return getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "you"


@contextmanager
def _logging(settings: Config, at_terminal: bool) -> Iterator[None]:
    """Log to stderr, or to a file where a person reads the screen."""
    secret_values = [secret.reveal() for secret in settings.secrets().values()]
    if not at_terminal:
        logs.set_up(logging.WARNING, secret_values=secret_values)
        yield
        return
    with _private_file(settings.bot.data_dir / LOG_FILE) as file:
        logs.set_up(logging.INFO, secret_values=secret_values, stream=file)
        yield


def _private_file(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace", buffering=1)
