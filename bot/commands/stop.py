"""`stop`: end an answer that is being written."""

import asyncio
import logging
from collections.abc import Iterable

from bot.commands.command import Context, command
from bot.conversation.running import Handle
from bot.core.controls import Control
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext

ENDS_WITHIN_S = 2.0
"""A model stops within two tokens; no platform that is slow to show the end keeps anybody waiting longer."""

STOP = Control("⏹️", N_("Stop"), ("stop",))

_log = logging.getLogger(__name__)


@command("stop")
async def stop(context: Context) -> str:
    """Stop the answer I am writing; moderators stop anybody's."""
    running, caller = context.services.running, context.caller.identity
    stopped = running.stop(context.channel, by=caller, moderator=False)
    if not stopped and len(running) and await context.role() >= Role.MODERATOR:
        stopped = running.stop(context.channel, by=caller, moderator=True)
    if stopped:
        await _ended(stopped)
        return ngettext("I stopped; what I had written stays.", "I stopped {n} answers.", len(stopped))
    return _("I am not writing an answer to you here. Only who asked, or a moderator, can stop an answer.")


async def _ended(answers: Iterable[Handle]) -> None:
    """Wait until the answers stand as they will stay: "I stopped" is said below them, and is true then."""
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            for answer in answers:
                await answer.finished()
    except TimeoutError:
        _log.info("a stopped answer is not complete yet")
