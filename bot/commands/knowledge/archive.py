"""`channel set archive`: a channel is told once that it is archived; what was kept goes when that ends."""

from bot.commands.command import Context
from bot.conversation.policy import can_be_archived, channel_policy
from bot.core.actions import Action, Post
from bot.core.controls import Control
from bot.core.errors import UserError
from bot.core.events import Channel
from bot.core.text import N_, _, ngettext, speaking

READ_DAYS = 90
READ = Control("📚", N_("Read the last 90 days"), ("knowledge", "read"))

_TOLD = "archive_told"
"""Beside the setting: the call by which the place was told, which tells it again after a kill."""


def check(context: Context, place: Channel) -> None:
    """Raises UserError where nothing may be archived, with why."""
    if not context.services.store.passages.supported:
        raise UserError(
            _("I cannot archive: this bot runs on PostgreSQL, where I cannot search yet. It takes SQLite.")
        )
    if place.encrypted:
        raise UserError(_("What is said in an encrypted room stays there, so I archive nothing of it."))
    if not can_be_archived(place):
        raise UserError(
            _("Only a few can read this place, so what is said here is not to be found by others.")
        )


async def begin(context: Context, scope: str, place: Channel) -> tuple[Action, ...]:
    """Note that a place is going to be archived, before it is; what the place is told, if it was not yet."""
    policies = context.services.store.policies
    told = policies.get(scope).get(_TOLD)
    if told != context.call and channel_policy(policies, place).archive:
        return ()
    await policies.set(scope, _TOLD, context.call)
    with speaking(context.services.desk.locale):
        notice = _notice(context)
    if place.key == context.channel.key:
        return (Post(place, notice),)
    return (Post(place, notice), Post(context.channel, notice))  # a forum has no room for it but its threads


async def end(context: Context, scope: str, place: Channel) -> str:
    """Remove what stands where nothing is archived any more; says so."""
    store = context.services.store
    await store.policies.set(scope, _TOLD, None)

    def archived(channel: Channel) -> bool:
        return channel_policy(store.policies, channel).archive

    removed = await store.archive.drop(archived)
    if not archived(place):
        await store.archive.forget_reading(place)
    return ngettext("{n} archived message is removed.", "{n} archived messages are removed.", removed)


def offer(context: Context) -> str:
    """What a moderator can do next."""
    lines = [
        _(
            "What is said here from now on can be found by whoever may read this place. I can also read the "
            "last {days} days: press 📚 or write `{prefix}knowledge read`.",
            days=READ_DAYS,
            prefix=context.prefix,
        ),
        *(
            f"{line.name}: {line.detail}"
            for line in context.services.status()
            if line.name == context.channel.platform and line.detail != _("connected")
        ),
    ]
    return "\n".join(lines)


def _notice(context: Context) -> str:
    return _(
        "From now on I keep what is said here, and the text of files, for {days:g} days, encrypted, so that "
        "I can answer from it. Only who may read this place is shown any of it. What you edit or delete, I "
        "edit or delete. If you do not want this, write `{prefix}privacy optout`, and I keep nothing of "
        "yours; `{prefix}privacy forget` erases what I have.",
        days=context.services.archive_days,
        prefix=context.prefix,
    )
