"""What guilds say about rights, places and history, asked at the moment of use."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import discord

from bot.adapters.discord.calls import Calls
from bot.adapters.discord.decoding import Malformed, Ourselves, message, thread_opened
from bot.adapters.discord.gaps import pages
from bot.adapters.discord.gateway import Gateway
from bot.adapters.discord.places import PLATFORM, PRIVATE_THREAD, id_of, place_of
from bot.adapters.discord.settings import Grants
from bot.adapters.discord.snowflakes import first_at, snowflake, time_of
from bot.adapters.reading import Json, flag, integer, table, tables, text, texts
from bot.core.directory import Past
from bot.core.errors import Forbidden, Gone, PlatformError
from bot.core.events import Author, Channel, Message, Reaction, ThreadOpened
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

Place = discord.abc.GuildChannel

_READING = discord.Permissions(view_channel=True, read_message_history=True).value


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
        member = await self._member(author, community)
        if member is None:
            return []
        return [
            Channel(PLATFORM, community, str(channel.id))
            for channel in _channels(member.guild)
            if _may_read(channel, member)
        ]

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        """See `Directory`; a private thread is for who is in it, and for who manages threads."""
        member = await self._member(author, community)
        if member is None or not id.isdigit():
            return None
        try:
            about = await self._calls.channel(id)
        except (Forbidden, Gone):
            return None
        found = place_of(about, snowflake(about, "guild_id"))
        if found is None or found.private or found.community != community:
            return None
        around = member.guild.get_channel(int(found.id))
        if around is None or not _may_read(around, member):
            return None
        is_private = integer(about, "type") == PRIVATE_THREAD
        manages = around.permissions_for(member).manage_threads
        if is_private and not (manages or await self._calls.is_in_thread(id, author.id)):
            return None
        return found

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        """See `Directory`; private threads are not suggested to anybody."""
        member = await self._member(author, community)
        if member is None:
            return []
        return [
            (Channel(PLATFORM, community, str(thread.parent_id), str(thread.id)), thread.name)
            for thread in sorted(member.guild.threads, key=lambda thread: -thread.id)
            if thread.parent is not None and not thread.is_private() and _may_read(thread.parent, member)
        ]

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        """See `Directory`: what @everyone may read, and what has exactly the same readers as this channel."""
        guild = self._guild(channel)
        target = guild.get_channel(int(channel.id)) if guild is not None else None
        if guild is None or target is None:
            raise PlatformError("Discord has not told about this channel")
        return [
            Channel(PLATFORM, channel.community, str(each.id))
            for each in _channels(guild)
            if each.id == target.id or _reads_along(each, target)
        ]

    async def is_shared(self, thread: Channel) -> bool:
        """See `Directory`; a private thread has readers of its own."""
        if thread.thread is None:
            return True
        try:
            found = await self._calls.channel(id_of(thread))
        except (Forbidden, Gone):
            return False
        return integer(found, "type") != PRIVATE_THREAD

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        """See `Directory`; Discord gives the newest text of a message that was edited."""
        if self._is_forum(channel):
            return  # it holds threads and nothing else
        root = await self._root(channel)
        if root is not None and root.at > since:
            yield root
        async for page in pages(self._calls, id_of(channel), first_at(since)):
            for raw in page:
                found = self._read(raw, channel)
                if found is not None and found.at > since:
                    yield found

    async def _root(self, thread: Channel) -> Message | None:
        """The message that a thread hangs on; the first of a forum's post is in the thread itself."""
        if thread.thread is None:
            return None
        try:
            return self._read(await self._calls.message(thread.id, thread.thread), thread.parent)
        except (Forbidden, Gone):
            return None

    def _read(self, raw: Json, channel: Channel) -> Message | None:
        try:
            found = message(raw, channel, Ourselves("0"))
        except Malformed:
            return None
        if found is None:
            return None
        ours = found.author.id == self._us.user_id
        author = replace(found.author, is_bot=ours or found.author.is_bot)
        return replace(found, author=author, addressed=self._us.without_mention(found.text, raw))

    async def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        """See `Directory`; of a reaction Discord keeps who, and not when."""
        begin, _slash, after = position.partition("/")
        opened = await self._opened(channel, since)
        for place_id in sorted({channel.id, *opened}, key=int):
            if begin and int(place_id) < int(begin):
                continue
            place = channel if place_id == channel.id else replace(channel, thread=place_id)
            if place_id in opened and place_id != begin and opened[place_id].at > since:
                yield Past((opened[place_id],), f"{place_id}/{int(place_id) - 1}")
            start = after if place_id == begin else first_at(since)
            try:
                async for page in pages(self._calls, place_id, start):
                    events = [event for raw in page for event in await self._standing(raw, place)]
                    yield Past(events, f"{place_id}/{page[-1]['id']}")
            except (Forbidden, Gone):
                continue

    async def _opened(self, channel: Channel, since: datetime) -> Mapping[str, ThreadOpened]:
        """The public threads of a channel by id."""
        try:
            threads = await self._threads(channel, since)
        except (Forbidden, Gone):
            return {}
        opened: dict[str, ThreadOpened] = {}
        for place, about in threads.items():
            with suppress(Malformed):
                opened[id_of(place)] = thread_opened(about, place)
        return opened

    async def _standing(self, raw: Json, place: Channel) -> Sequence[Message | Reaction]:
        """A message, and who reacted to it."""
        try:
            found = message(raw, place, Ourselves("0"))
        except Malformed:
            return ()
        if found is None:
            return ()
        events: list[Message | Reaction] = [found]
        for about in tables(raw, "reactions"):
            emoji = table(about, "emoji")
            name, custom = text(emoji, "name") or "", snowflake(emoji, "id")
            sign = f"{name}:{custom}" if custom is not None else name
            for user in await self._calls.reacted(id_of(place), found.ref.id, sign):
                who, is_bot = snowflake(user, "id"), flag(user, "bot")
                if who is not None and who != self._us.user_id:
                    author = Author(PLATFORM, who, text(user, "username") or who, is_bot)
                    events.append(Reaction(found.ref, author, sign, True, found.at))
        return events

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        """See `Directory`."""
        if self._guild(channel) is None or channel.thread is not None:
            return []
        threads = await self._threads(channel, since)
        return [place for place, about in threads.items() if _said_in(about) > since]

    async def _threads(self, channel: Channel, since: datetime) -> Mapping[Channel, Json]:
        """The public threads of a channel, without those in which nothing can have been said since."""
        found = await self._calls.threads(channel.community, channel.id, since)
        places = [(place_of(about, channel.community), about) for about in found]
        return {
            place: about for place, about in places if place is not None and place.thread and not place.hidden
        }

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

    async def _member(self, author: Author, community: str) -> discord.Member | None:
        """Somebody in a guild, with the roles they have now."""
        guild = self._gateway.get_guild(int(community)) if community.isdigit() else None
        if guild is None:
            return None
        try:
            found = await self._calls.member(community, author.id)
        except (Forbidden, Gone):
            return None
        return discord.Member(data=found, guild=guild, state=guild._state)  # type: ignore[arg-type]

    def _is_forum(self, channel: Channel) -> bool:
        guild = self._guild(channel) if channel.thread is None else None
        return guild is not None and isinstance(guild.get_channel(int(channel.id)), discord.ForumChannel)

    def _guild(self, channel: Channel) -> discord.Guild | None:
        if channel.platform != PLATFORM or channel.private or not channel.community.isdigit():
            return None
        return self._gateway.get_guild(int(channel.community))


def _channels(guild: discord.Guild) -> Sequence[discord.TextChannel | discord.ForumChannel]:
    return (*guild.text_channels, *guild.forums)


def _may_read(channel: discord.abc.GuildChannel, who: discord.Member | discord.Role) -> bool:
    allowed = channel.permissions_for(who)
    return allowed.view_channel and allowed.read_message_history


def _reads_along(channel: Place, target: Place) -> bool:
    """Whether whoever may read a target may read a channel, and expects what stands there."""
    if _is_nsfw(channel) and not _is_nsfw(target):
        return False
    return _is_open(channel) or _gates(channel) == _gates(target)


def _is_open(channel: Place) -> bool:
    """Whether @everyone may read a channel and no role or member is kept out."""
    allowed = channel.permissions_for(channel.guild.default_role)
    return (
        allowed.view_channel
        and allowed.read_message_history
        and not any(denied for _allowed, denied in _gates(channel).values())
    )


def _gates(channel: Place) -> Mapping[int, tuple[int, int]]:
    """What the channel itself allows and denies whom, as far as reading goes."""
    gates = {}
    for target, overwrite in channel.overwrites.items():
        allow, deny = (bits.value & _READING for bits in overwrite.pair())
        if allow or deny:
            gates[target.id] = (allow, deny)
    return gates


def _is_nsfw(channel: Place) -> bool:
    return isinstance(channel, discord.TextChannel | discord.ForumChannel) and channel.is_nsfw()


def _said_in(thread: Json) -> datetime:
    """When the last message of a thread was written; its id is known though it may be deleted."""
    last = snowflake(thread, "last_message_id") or snowflake(thread, "id")
    return time_of(last or "0")


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
