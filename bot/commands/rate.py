"""`rate`: say whether an answer helped. Below answers it is two buttons, or two reactions."""

from typing import Annotated, Literal

from bot.commands.command import Context, Doc, command
from bot.commands.reference import MESSAGE, referenced
from bot.core.actions import Action
from bot.core.controls import Control
from bot.core.errors import UserError
from bot.core.text import N_, _

HELPFUL = Control("👍", N_("Helpful"), ("rate",), {"verdict": "helpful"})
UNHELPFUL = Control("👎", N_("Not helpful"), ("rate",), {"verdict": "unhelpful"})


@command("rate", private=True, examples=(N_("rate helpful"), N_("rate unhelpful")))
async def rate(
    context: Context,
    verdict: Annotated[Literal["helpful", "unhelpful"], Doc("Whether the answer helped you.")],
    message: Annotated[str | None, MESSAGE, Doc("A link to the answer, or its id; or reply to it.")] = None,
) -> tuple[Action, ...]:
    """Say whether an answer of mine helped you."""
    ref = await referenced(context, message)
    if ref is None or not context.services.store.messages.is_ours(ref.channel, ref.id):
        raise UserError(_("Which answer? Reply to an answer of mine with `rate helpful`, or give its link."))
    store = context.services.store
    if store.privacy.opted_out(context.caller.identity):
        raise UserError(_("You opted out of being remembered, so I keep no rating of yours either."))
    await store.ratings.rate(ref, context.caller.identity, helpful=verdict == "helpful")
    return context.thanks(_("Thank you, I have noted that."))
