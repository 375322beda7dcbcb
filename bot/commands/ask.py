"""`ask`: a question, answered from what the community has written, or by the model."""

from collections.abc import AsyncIterator
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.conversation.policy import channel_policy
from bot.core.actions import Chunk
from bot.core.events import Message
from bot.core.text import N_


@command(
    "ask",
    slow=True,
    menu=N_("Ask about this"),
    form=("question",),
    file=N_("A text, code or PDF file that the question is about."),
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
        attachments=context.files,
    )
    policy = channel_policy(services.store.policies, context.channel)
    return context.stream(lambda handle: services.conversation.ask(message, handle, policy))
