"""Which member a moderator means: by mention, by id, or as the author of the message replied to."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import unquote

from bot.commands.command import PLATFORM_TIMEOUT_S, Context, Matching
from bot.commands.conversion import shown
from bot.core.errors import PlatformError, UserError
from bot.core.events import Author, Channel, Message, MessageRef
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.moderation.cards import plain

MEMBER = Matching(
    r"<@!?\d{1,20}>|<?https://matrix\.to/#/(?:@|%40)[!-~]{1,500}>?|@[^\s@]{1,254}|\d{15,20}",
    N_("a mention of a member, or an id"),
)
"""A mention on Discord, a link to somebody or an id on Matrix, a snowflake, `@name` at the console."""

LOOK_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=14))
"""How far a platform's history is read for the author of a message, step by step."""

MOST_READ = 5_000
"""Messages of it that are looked at."""


async def meant(context: Context, member: str | None) -> Author:
    """The member meant; without one the author of the message replied to.

    Raises:
        UserError: it cannot be told who that is.
    """
    if member is None:
        if context.target is None:
            raise UserError(_("Whom? Mention the member, give an id, or reply to a message of theirs."))
        return (await written(context, context.target))[0]
    id = _id(member)
    if _kind(id) != _kind(context.caller.id):
        raise UserError(
            _(
                "“{member}” is nobody on this platform. Mention the member, or reply to a message.",
                member=shown(member),
            )
        )
    found = Author(context.caller.platform, id, id)
    known = await context.services.store.cases.of(context.channel.community_key, found.identity, 1)
    return known[0].author if known else found


async def written(context: Context, ref: MessageRef) -> tuple[Author, str]:
    """Who wrote a message, and its text.

    Raises:
        UserError: it is the bot's own, or nobody knows any more.
    """
    store = context.services.store
    if store.messages.is_ours(ref.channel, ref.id):
        raise UserError(_("That message is mine. Reply to a message of the member, or mention them."))
    for case in await store.cases.about(ref):
        return case.author, case.text
    found = await _in_history(context, ref)
    if found is None:
        raise UserError(
            _("I do not know any more who wrote that message. Mention the member, or give an id.")
        )
    return found.author, found.text


async def spare_moderators(context: Context, member: Author, channel: Channel) -> None:
    """Refuse what is meant for somebody who moderates there, as the platform sees it now.

    Raises:
        UserError
    """
    if member.identity == context.caller.identity:
        raise UserError(_("That is you. I do nothing to moderators."))
    if await context.role(member, channel) >= Role.MODERATOR:
        raise UserError(
            _(
                "{name} moderates here, and I do nothing to moderators, administrators or myself.",
                name=plain(member.name),
            )
        )


async def _in_history(context: Context, ref: MessageRef) -> Message | None:
    stored = await context.services.store.messages.get(ref)
    now, read = context.services.now(), 0
    starts = [stored.at - timedelta(seconds=1)] if stored is not None else [now - age for age in LOOK_BACK]
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            for since in starts:
                async for message in context.services.directory.history(ref.channel, since):
                    read += 1
                    if message.ref.id == ref.id:
                        return message
                    if read >= MOST_READ:
                        return None
    except (PlatformError, TimeoutError):
        return None
    return None


def _id(member: str) -> str:
    """The id in what was typed."""
    member = member.strip("<>")
    if member.startswith("https://"):
        return unquote(re.split(r"[?]", member.split("#/", 1)[1])[0])
    if re.fullmatch(r"@!?\d{1,20}", member):
        return member.lstrip("@!")
    return member if ":" in member else member.removeprefix("@")


def _kind(id: str) -> str:
    """What ids of a platform look like: numbers, names with a server, or anything else."""
    if id.isdecimal():
        return "number"
    return "server" if id.startswith("@") and ":" in id else "name"
