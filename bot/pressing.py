"""A reaction as a press: below a card it calls the command behind its emoji, below an answer it rates it."""

from bot.commands.rate import HELPFUL, UNHELPFUL
from bot.core.controls import same_emoji
from bot.core.events import Invocation, Reaction
from bot.storage.store import Store


def pressed(reaction: Reaction, store: Store) -> Invocation | None:
    """The call a reaction stands for, in the name of who reacted; None for a reaction that is only one.

    Machines press nothing, and taking a reaction back takes nothing back.
    """
    if not reaction.added or reaction.author.is_bot:
        return None
    control = store.controls.pressed(reaction.ref, reaction.emoji)
    if control is None and store.messages.is_ours(reaction.ref.channel, reaction.ref.id):
        found = (each for each in (HELPFUL, UNHELPFUL) if same_emoji(each.emoji, reaction.emoji))
        control = next(found, None)
    if control is None:
        return None
    return Invocation(
        id=reaction.key,
        channel=reaction.ref.channel,
        author=reaction.author,
        command=control.command,
        at=reaction.at,
        arguments=dict(control.arguments),
        target=reaction.ref,
        silent=True,
    )
