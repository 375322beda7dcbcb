"""`channel set learning`: a room agrees that moderators' verdicts may teach the classifiers, or no longer."""

from bot.commands.command import Context
from bot.conversation.policy import channel_policy
from bot.core.actions import Action, Post, Reply
from bot.core.errors import UserError
from bot.core.events import Channel
from bot.core.text import _, ngettext, speaking
from bot.moderation.agreeing import LEARNS_FROM, can_be_learned_from

_TOLD = "learning_told"
"""Beside the setting: the call that changed it, by which the room is told again after a kill."""


async def change(context: Context, chosen: str | None) -> tuple[Action, ...]:
    """Set it for the room around the caller; the room is told once of each change.

    Raises:
        UserError: nobody may learn from what is said here; it says why.
    """
    policies, room = context.services.store.policies, context.channel.parent
    learns = chosen == "yes"
    if learns:
        _check(room)
    before = channel_policy(policies, room).learning
    changes = before != learns or policies.get(room.key).get(_TOLD) == context.call
    if changes:
        await policies.set(room.key, _TOLD, context.call)
    await policies.set(room.key, "learning", chosen)
    erased = 0 if learns else await context.services.store.examples.end(room.key)
    await context.audit("channel set", f"{room.key} learning {chosen or 'default'}")
    with speaking(context.services.desk.locale):
        told = (Post(room, _begins(context) if learns else _ends(erased)),) if changes else ()
    done = _("Done: verdicts here teach the classifiers.") if learns else _("Done: nothing is learned here.")
    return (Reply(context.to, context.caller, done, notice=True), *told)


def _check(room: Channel) -> None:
    if room.platform not in LEARNS_FROM:
        raise UserError(
            _("This platform does not allow it: nothing that members write here may train a model.")
            if room.platform == "discord"
            else _("Only rooms of Matrix can agree to that.")
        )
    if not can_be_learned_from(room):
        raise UserError(
            _("What is said in an encrypted room, or where only a few can read, teaches nothing, ever.")
        )


def _begins(context: Context) -> str:
    return _(
        "From now on this room helps to train what finds abuse and spam: when its moderators decide about a "
        "message that the bot found, its text is kept for {days:g} days, encrypted, and whoever runs the bot "
        "may train the classifiers with it. What you edit or delete is left out at once. If you do not want "
        "this, write `{prefix}privacy optout`, and nothing of yours is used; `{prefix}privacy forget` "
        "erases what was kept. What was trained already cannot be untrained.",
        days=context.services.evidence_days,
        prefix=context.prefix,
    )


def _ends(erased: int) -> str:
    return " ".join(
        (
            _("From now on nothing that is said in this room trains anything."),
            ngettext(
                "{n} text that was kept for it is erased.",
                "{n} texts that were kept for it are erased.",
                erased,
            ),
        )
    )
