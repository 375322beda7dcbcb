"""`stop`: end an answer that is being written."""

from bot.commands.command import Context, command
from bot.core.permissions import Role
from bot.core.text import _, ngettext


@command("stop")
async def stop(context: Context) -> str:
    """Stop the answer I am writing; moderators stop anybody's."""
    running, caller = context.services.running, context.caller.identity
    stopped = running.stop(context.channel, by=caller, moderator=False)
    if not stopped and len(running) and await context.role() >= Role.MODERATOR:
        stopped = running.stop(context.channel, by=caller, moderator=True)
    if stopped:
        return ngettext("I stopped; what I had written stays.", "I stopped {n} answers.", stopped)
    return _("I am not writing an answer to you here. Only who asked, or a moderator, can stop an answer.")
