"""`mod purge`, `mod lock`: what is done to a place by hand."""

import asyncio
from collections import deque
from datetime import timedelta
from typing import Annotated, Literal

from bot.commands.command import Context, Doc, Range, command
from bot.commands.member import MEMBER, meant, spare_moderators
from bot.commands.mod.members import refuse_private
from bot.core.actions import Action, Lock, Purge
from bot.core.errors import PlatformError, UserError
from bot.core.events import Identity, MessageRef
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.desk import ByHand, nobody

MOST_PURGED = 100

LOOK_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""How far the history is read, step by step, until enough messages are found."""

HISTORY_S = 20.0
"""How long a platform may take to tell a place's history."""


@command(
    "mod purge",
    role=Role.MODERATOR,
    private=True,
    slow=True,
    examples=(N_("mod purge 10"), N_("mod purge 20 @ben")),
)
async def purge(
    context: Context,
    n: Annotated[int, Range(1, MOST_PURGED), Doc("How many of the last messages here.")],
    member: Annotated[str | None, MEMBER, Doc("Only those of this member: a mention, or an id.")] = None,
) -> tuple[Action, ...]:
    """Delete the last messages here for good, all or those of a member."""
    refuse_private(context)
    who = None if member is None else await meant(context, member)
    if who is not None:
        await spare_moderators(context, who, context.channel)
    ids = await _last(context, n, None if who is None else who.identity)
    if not ids:
        raise UserError(_("I find no such message of the last thirty days here."))
    said = ngettext("{n} message", "{n} messages", len(ids))
    done = ByHand("purge", MessageRef(context.channel, ""), who or nobody(context.channel), why=(said,))
    decided = await context.services.desk.act(done, context.caller, context.call)
    reason = _("purged by {who}", who=context.caller.name)
    answer = ngettext(
        "I am deleting {n} message (case {number}).",
        "I am deleting {n} messages (case {number}).",
        len(ids),
        number=decided.case.number,
    )
    return (Purge(context.channel, ids, reason), *decided.actions, context.reply(answer, private=True))


async def _last(context: Context, n: int, member: Identity | None) -> tuple[str, ...]:
    """The last messages before the call, oldest first; those found so far where a history is very long."""
    found: deque[str] = deque()
    try:
        async with asyncio.timeout(HISTORY_S):
            for age in LOOK_BACK:
                found = await _since(context, age, member, n)
                if len(found) == n:
                    break
    except (PlatformError, TimeoutError) as error:
        if not found:
            raise UserError(
                _("I could not read the history of this place, so I deleted nothing. Try again in a minute.")
            ) from error
    return tuple(found)


async def _since(context: Context, age: timedelta, member: Identity | None, n: int) -> deque[str]:
    """The last `n` messages that are not older than that, but for the call itself."""
    found: deque[str] = deque(maxlen=n)
    async for message in context.services.directory.history(context.channel, context.at - age):
        is_meant = member is None or message.author.identity == member
        if is_meant and message.ref.id != context.to.id and message.at <= context.at:
            found.append(message.ref.id)
    return found


@command("mod lock", role=Role.MODERATOR, private=True, examples=(N_("mod lock"), N_("mod lock unlock")))
async def lock(
    context: Context,
    what: Annotated[Literal["unlock"] | None, Doc("Say unlock to open it again.")] = None,
) -> tuple[Action, ...]:
    """Let only moderators write in this place, until it is unlocked."""
    refuse_private(context)
    reason = _("decided by {who}", who=context.caller.name)
    if what == "unlock":
        await context.audit("unlock", context.channel.key)
        opened = Lock(context.channel, locked=False, reason=reason)
        return (opened, context.reply(_("Everybody may write here again, as before."), private=True))
    done = ByHand("lock", MessageRef(context.channel, ""), nobody(context.channel))
    decided = await context.services.desk.act(done, context.caller, context.call)
    answer = _(
        "Only moderators may write here now (case {number}). `{prefix}mod lock unlock` opens it again.",
        number=decided.case.number,
        prefix=context.prefix,
    )
    shut = Lock(context.channel, locked=True, reason=reason)
    return (shut, *decided.actions, context.reply(answer, private=True))
