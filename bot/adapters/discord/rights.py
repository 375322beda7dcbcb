"""What the bot may do in a guild, computed from what the gateway told: no request is ever refused for it.

Source: Discord, "Permissions" and "Permission Hierarchy".
"""

from collections.abc import Mapping

import discord

from bot.adapters.discord.calls import Calls
from bot.adapters.discord.gateway import Gateway
from bot.adapters.discord.places import PLATFORM
from bot.adapters.news import News
from bot.adapters.reading import texts
from bot.core.actions import (
    Action,
    Alert,
    Archive,
    Ban,
    Delete,
    Hide,
    Kick,
    Lock,
    Moderation,
    OpenThread,
    Pin,
    Post,
    Purge,
    React,
    Reply,
    SlowMode,
    StreamedReply,
    Timeout,
    Unban,
    Update,
    target_of,
)
from bot.core.errors import Forbidden, Gone, PlatformError, Unsupported
from bot.core.events import Author, Channel
from bot.core.text import _

_TITLES = {"moderate_members": "Timeout Members", "view_channel": "View Channels"}
"""Where Discord's clients call a permission otherwise than discord.py does."""


_MODERATION: Mapping[type[Moderation], str] = {
    Delete: "manage_messages",
    Hide: "manage_messages",
    Purge: "manage_messages",
    Timeout: "moderate_members",
    Kick: "kick_members",
    Ban: "ban_members",
    Unban: "ban_members",
    Lock: "manage_roles",  # permission overwrites are set with it
    SlowMode: "manage_channels",
    Archive: "manage_threads",
    Pin: "pin_messages",
}


def title(permission: str) -> str:
    """A permission of discord.py's as Discord's clients call it."""
    return _TITLES.get(permission, permission.replace("_", " ").title())


def place_of(action: Action) -> Channel:
    """Where an action takes effect."""
    match action:
        case Reply(to=ref) | StreamedReply(to=ref) | Update(ref=ref):
            return ref.channel
        case Post() | Alert() | OpenThread():
            return action.channel
        case _:
            return target_of(action)


def needed(action: Action) -> tuple[str, ...]:
    """The permissions that an action takes, by discord.py's names."""
    match action:
        case Reply() | StreamedReply() | Post() | Update():
            writing = "send_messages" if place_of(action).thread is None else "send_messages_in_threads"
            card = isinstance(action, Post | Update) and action.title is not None
            attaching = isinstance(action, Reply | Post) and action.file is not None
            extra = (("embed_links",) if card else ()) + (("attach_files",) if attaching else ())
            return (writing, "read_message_history", *extra)
        case React():
            return ("add_reactions", "read_message_history")
        case OpenThread(at=at):
            return ("create_public_threads",) + (("send_messages",) if isinstance(at, Channel) else ())
        case Alert():
            return ()
        case Lock(channel=channel) | SlowMode(channel=channel) if channel.thread is not None:
            return ("manage_threads",)
        case _:
            return (_MODERATION[type(action)],)


class Rights:
    """Our permissions, and who stands above us."""

    def __init__(self, gateway: Gateway, calls: Calls) -> None:
        self._gateway, self._calls = gateway, calls
        self.news = News()

    async def lacking(self, action: Action) -> str | None:
        """See `Adapter.lacking`."""
        if isinstance(action, Post) and action.private:
            return None
        channel = place_of(action)
        if channel.platform != PLATFORM or channel.private or not channel.community.isdigit():
            return None
        guild = self._gateway.get_guild(int(channel.community))
        if guild is None or guild.me is None:
            raise PlatformError("Discord has not told about this server yet")
        place = guild.get_channel(int(channel.id))
        if isinstance(action, Timeout | Kick | Ban | Unban):
            missing = [name for name in needed(action) if not getattr(guild.me.guild_permissions, name)]
            if missing:
                return _("it takes “{permission}” in the server", permission=title(missing[0]))
            return await self._above(guild, action.author, action)
        if place is None:
            return None
        allowed = place.permissions_for(guild.me)
        taken = needed(action) if allowed.view_channel else ("view_channel",)  # without it nothing is allowed
        missing = [name for name in taken if not getattr(allowed, name)]
        if not missing:
            return None
        named = ", ".join(f"“{title(name)}”" for name in missing)
        return _("it takes {permissions} in #{channel}", permissions=named, channel=place.name)

    def allow(self, channel: Channel, *permissions: str) -> bool:
        """Whether we have permissions in a channel, as far as the gateway has told."""
        guild = self._gateway.get_guild(int(channel.community)) if channel.community.isdigit() else None
        place = guild.get_channel(int(channel.id)) if guild is not None else None
        if guild is None or guild.me is None or place is None:
            return True
        allowed = place.permissions_for(guild.me)
        return all(getattr(allowed, name) for name in permissions)

    async def _above(self, guild: discord.Guild, author: Author, action: Action) -> str | None:
        """Why the role of a member protects them from us."""
        if str(guild.owner_id) == author.id:
            raise Unsupported(_("nobody can do this to the owner of the server"))
        try:
            held = set(texts(await self._calls.member(str(guild.id), author.id), "roles"))
        except (Forbidden, Gone):
            return None  # who is not there has no role
        roles = [role for role in guild.roles if str(role.id) in held]
        if isinstance(action, Timeout) and any(role.permissions.administrator for role in roles):
            raise Unsupported(_("Discord lets nobody time out an administrator"))
        top = max(roles, default=guild.default_role)
        if top < guild.me.top_role:
            return None
        return _(
            "my role “{ours}” has to stand above “{theirs}”", ours=guild.me.top_role.name, theirs=top.name
        )
