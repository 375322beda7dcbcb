"""`helper on, off, pass`: members who want to be asked, now and then, when nobody answers a question."""

from typing import Annotated

from bot.commands.command import Context, Doc, Range, command
from bot.conversation.climbing import NO_MORE
from bot.core.actions import Action, Post
from bot.core.controls import Control
from bot.core.errors import UserError
from bot.core.text import N_, _, ngettext

USUAL, MOST = 2, 10
"""Questions a day, if nothing else is said, and at most."""


@command("helper on", private=True, examples=(N_("helper on"), N_("helper on 5")))
async def on(
    context: Context,
    most: Annotated[int, Range(1, MOST), Doc("How many questions a day at most.")] = USUAL,
) -> tuple[Action, ...]:
    """Be asked privately, now and then, when nobody has answered a question here."""
    if context.channel.private:
        raise UserError(
            _("Tell me that in a channel of your community, so that I know which questions you mean.")
        )
    store = context.services.store
    if store.privacy.opted_out(context.caller.identity):
        raise UserError(_("You opted out of being remembered, and I would have to remember whom to ask."))
    await store.helpers.add(context.channel, context.caller, context.locale, most)
    told = ngettext(
        "Thank you! I ask you privately, at most {n} question a day, in turn with the other helpers, and "
        "only what you can read yourself. `{prefix}helper off` ends it.",
        "Thank you! I ask you privately, at most {n} questions a day, in turn with the other helpers, and "
        "only what you can read yourself. `{prefix}helper off` ends it.",
        most,
        prefix=context.prefix,
    )
    return (context.reply(told, private=True), _welcome(context))


@command("helper off", private=True)
async def off(context: Context) -> tuple[Action, ...]:
    """Be asked no more; in a private conversation with me that holds everywhere."""
    here = None if context.channel.private else context.channel.community_key
    removed = await context.services.store.helpers.remove(context.caller.identity, here)
    if not removed:
        return (context.reply(_("You are no helper here, so I ask you nothing."), private=True),)
    return (context.reply(_("Done: I ask you no more. Thank you for helping!"), private=True),)


@command("helper pass", private=True, examples=(N_("helper pass 3"),))
async def leave(
    context: Context,
    number: Annotated[int, Range(1, 2**53 - 1), Doc("The number of the question.")],
) -> tuple[Action, ...]:
    """Leave a question that I asked you about to others."""
    store = context.services.store
    question = await store.unanswered.get(number)
    if question is None or question.helper != store.seal.pseudonym(context.caller.identity):
        raise UserError(_("I asked you no question {number}.", number=number))
    told = await context.services.climbing.passed(question)
    return (*told, *context.thanks(_("That is fine, others see it.")))


def _welcome(context: Context) -> Post:
    """The first message of a private conversation shows at once whether the others will arrive."""
    text = _(
        "This is where I ask you when nobody has answered a question. `{prefix}helper off` ends it.",
        prefix=context.prefix,
    )
    no_more = Control("🔕", N_("Ask me no more"), NO_MORE).translated()
    return Post(context.channel, text, controls=(no_more,), to=context.caller, private=True)
