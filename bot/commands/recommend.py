"""`recommend`: threads that the caller may like, and why."""

from typing import Annotated

from bot.commands.command import Context, Doc, Range, command
from bot.commands.reasons import listed
from bot.commands.rules.book import readable
from bot.core.actions import Action
from bot.core.errors import UserError
from bot.core.text import N_, _


@command("recommend", private=True, examples=(N_("recommend"), N_("recommend 10")))
async def recommend(
    context: Context,
    n: Annotated[int, Range(1, 20), Doc("How many threads, 1 to 20.")] = 5,
) -> tuple[Action, ...]:
    """Show me threads that I may like, and why."""
    if context.channel.private:
        raise UserError(_("Ask me that in a channel of your community: I recommend what is said there."))
    services, caller = context.services, context.caller.identity
    channels = {channel.parent.key for channel in await readable(context)}
    found = await services.recommendations.for_member(
        caller, context.channel.community_key, channels, n, services.now()
    )
    lines = [_("Worth reading for you:"), await listed(services.directory, found)]
    if not found:
        lines = [
            _(
                "I have nothing to recommend to you yet. I learn from threads, answers and reactions in the "
                "channels you can read, and show you only what you have not touched."
            )
        ]
    elif services.store.privacy.opted_out(caller):
        lines.append(
            _("You opted out of being remembered, so this is what I would show to anybody who can read it.")
        )
    return (context.reply("\n".join(lines), personal=True),)
