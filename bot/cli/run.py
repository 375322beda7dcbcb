"""`llmos run`: the service, on all configured platforms."""

import asyncio
import gc
import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

from cyclopts import Parameter

from bot import __version__, logs
from bot.adapters.adapter import Adapter
from bot.app import opened
from bot.cli import check as check_command
from bot.cli.options import ConfigOption, speak_operators_language
from bot.cli.platforms import adapters_for
from bot.config import Config, load
from bot.core.errors import ConfigError
from bot.core.text import _

log = logging.getLogger(__name__)

_ENDINGS = (signal.SIGTERM, signal.SIGINT)


def command(
    *,
    config: ConfigOption = None,
    check: Annotated[bool, Parameter(negative="", help="Only validate the configuration.")] = False,
) -> int:
    """Run the service on all configured platforms until it is told to stop."""
    if check:
        return check_command.command(config=config)
    speak_operators_language()
    settings = load(config)
    adapters = adapters_for(settings)
    if not adapters:
        raise ConfigError(
            _(
                "No platform is configured, so there is nothing to serve. Add a [discord] or a "
                "[matrix] section, which `llmos init` writes for you, or talk to the bot in this terminal: "
                "`llmos chat`."
            )
        )
    logs.set_up(secret_values=[secret.reveal() for secret in settings.secrets().values()])
    asyncio.run(serve(settings, adapters))
    return 0


async def serve(settings: Config, adapters: Sequence[Adapter]) -> None:
    """Serve until a signal ends it: what is half-written then is taken up at the next start.

    Raises:
        PlatformError: an operator has to mend something.
        StorageError: the database failed.
    """
    names = ", ".join(adapter.platform for adapter in adapters)
    with _told_to_stop() as told:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(_serve(settings, adapters), name="serve")
            waiting = tasks.create_task(told.wait(), name="wait for a signal")
            log.info("LLMOS %s serves %s", __version__, names)
            await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
            serving.cancel()
            waiting.cancel()
    log.info("ended; what was unfinished is taken up at the next start")


async def _serve(settings: Config, adapters: Sequence[Adapter]) -> None:
    async with opened(settings, adapters) as app:
        gc.freeze()  # what is made by now stays: no search for garbage needs to look at it again
        await app.run()


@contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    """Set by the first SIGTERM or SIGINT; the next one ends the process at once, and loses nothing."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        told.set()
        forget()

    def forget() -> None:
        for number in _ENDINGS:
            loop.remove_signal_handler(number)

    for number in _ENDINGS:
        loop.add_signal_handler(number, tell)
    try:
        yield told
    finally:
        forget()
