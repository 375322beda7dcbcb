"""What guilds say about rights, places and history, asked at the moment of use."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime

import discord

from bot.adapters.discord.calls import Calls
from bot.adapters.discord.decoding import Malformed, Ourselves, message
from bot.adapters.discord.gaps import pages
from bot.adapters.discord.gateway import Gateway
from bot.adapters.discord.places import PLATFORM, id_of
from bot.adapters.discord.settings import Grants
from bot.adapters.discord.snowflakes import first_at
from bot.adapters.reading import texts
from bot.core.errors import Forbidden, Gone
from bot.core.events import Author, Channel, Message
from bot.core.permissions import Role

NEEDED = (
    "view_channel",
    "send_messages",
    "send_messages_in_threads",
    "read_message_history",
    "attach_files",
    "add_reactions",
    "embed_links",
    "create_public_threads",
    "manage_messages",
    "pin_messages",
    "manage_threads",
    "manage_channels",
    "manage_roles",
    "moderate_members",
    "kick_members",
    "ban_members",
)
"""What a moderating bot needs, by discord.py's names; the invite link asks for exactly these."""


class DiscordDirectory:
    """See `bot.core.directory.Directory`."""

    def __init__(
        self, gateway: Gateway, calls: Calls, us: Ourselves, grants: Grants, moderators_channel: str | None
    ) -> None:
        self._gateway, self._calls, self._us, self._grants = gateway, calls, us, grants
        self._moderators_channel = moderators_channel

    async def role(self, author: Author, channel: Channel) -> Role:
        """See `Directory`; bots and webhooks never have rights."""
        guild = self._guild(channel)
        if guild is None or author.platform != PLATFORM or author.is_bot:
            return Role.MEMBER
        try:
            member = await self._calls.member(channel.community, author.id)
        except (Forbidden, Gone):
            return Role.MEMBER
        roles = frozenset(texts(member, "roles"))
        return max(_by_permissions(guild, author.id, roles), self._grants.role(author.id, roles))

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        """See `Directory`."""
        guild = self._gateway.get_guild(int(community)) if community.isdigit() else None
        if guild is None:
            return []
        try:
            found = await self._calls.member(community, author.id)
        except (Forbidden, Gone):
            return []
        member = discord.Member(data=found, guild=guild, state=guild._state)  # type: ignore[arg-type]
        readable: list[Channel] = []
        for channel in guild.text_channels:
            allowed = channel.permissions_for(member)
            if allowed.view_channel and allowed.read_message_history:
                readable.append(Channel(PLATFORM, community, str(channel.id)))
        return readable

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        """See `Directory`; Discord gives the newest text of a message that was edited."""
        async for page in pages(self._calls, id_of(channel), first_at(since)):
            for raw in page:
                try:
                    found = message(raw, channel, Ourselves("0"))
                except Malformed:
                    continue
                if found is not None and found.at > since:
                    ours = found.author.id == self._us.user_id
                    yield replace(found, author=replace(found.author, is_bot=ours or found.author.is_bot))

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        """See `Directory`; named as Discord's clients name them."""
        guild = self._guild(channel)
        place = guild.get_channel(int(channel.id)) if guild is not None else None
        if guild is None or place is None:
            return []
        allowed = place.permissions_for(guild.me)
        return [name.replace("_", " ") for name in NEEDED if not getattr(allowed, name)]

    async def staff_channel(self, channel: Channel) -> Channel | None:
        """See `Directory`; the configured channel is one of a single server."""
        guild, wanted = self._guild(channel), self._moderators_channel
        if guild is None or wanted is None or guild.get_channel(int(wanted)) is None:
            return None
        return Channel(PLATFORM, channel.community, wanted)

    async def link(self, channel: Channel, message_id: str) -> str | None:
        """See `Directory`."""
        guild = "@me" if channel.private else channel.community
        return f"https://discord.com/channels/{guild}/{id_of(channel)}/{message_id}"

    def _guild(self, channel: Channel) -> discord.Guild | None:
        if channel.platform != PLATFORM or channel.private or not channel.community.isdigit():
            return None
        return self._gateway.get_guild(int(channel.community))


def _by_permissions(guild: discord.Guild, user_id: str, roles: frozenset[str]) -> Role:
    """What a member's permissions in the whole guild make of them."""
    if str(guild.owner_id) == user_id:
        return Role.ADMIN
    permissions = guild.default_role.permissions
    for role in guild.roles:
        if str(role.id) in roles:
            permissions |= role.permissions
    if permissions.administrator or permissions.manage_guild:
        return Role.ADMIN
    return Role.MODERATOR if permissions.manage_messages or permissions.moderate_members else Role.MEMBER
