"""`ask`: a question to the model, answered as it is written."""

from collections.abc import AsyncIterator
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.conversation.policy import channel_policy
from bot.conversation.running import Handle
from bot.core.actions import Chunk
from bot.core.events import Message
from bot.core.text import N_


@command(
    "ask",
    slow=True,
    menu=N_("Ask about this"),
    form=("question",),
    examples=(N_("ask How do I make a backup?"),),
)
async def ask(
    context: Context, question: Annotated[str, Doc("What you want to know, in your own words.")]
) -> AsyncIterator[Chunk]:
    """Ask me a question."""
    services = context.services
    message = Message(
        ref=context.to,
        author=context.caller,
        text=question,
        at=context.at,
        addressed=question,
        reply_to=None if context.target is None else context.target.id,
        locale=context.locale,
        quoted=context.quoted,
    )
    policy = channel_policy(services.store.policies, context.channel)
    if context.begin is not None:
        return services.conversation.answer(message, context.begin(context.to, context.caller), policy)
    handle = services.running.begin(context.to, context.caller.identity)
    return _finished(services.conversation.answer(message, handle, policy), handle)


async def _finished(chunks: AsyncIterator[Chunk], handle: Handle) -> AsyncIterator[Chunk]:
    with handle:
        async for chunk in chunks:
            yield chunk
