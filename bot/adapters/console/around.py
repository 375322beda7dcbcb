"""What is around the person at the keyboard: channels, and members in whose name they may speak."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime

from bot.core.directory import Past
from bot.core.events import Author, Channel, Identity, Message
from bot.core.permissions import Role
from bot.core.text import _

SPEAK_AS = "as"
"""The line `/as NAME TEXT`: it is this platform's own, like another account elsewhere, and no command."""

_SPOKEN = re.compile(rf"[/／]{SPEAK_AS}(?:\s+@?(?P<name>\S{{1,64}})(?:\s+(?P<text>.+))?)?", re.DOTALL)
_NAMED = 3


class Around:
    """Who and what is at the console; the answers to the core's questions (see `Directory`).

    Args:
        user: who sits there, and may do everything.
        typed: what was said in this process.
    """

    def __init__(self, user: Author, channel: Channel, typed: Iterable[Message]) -> None:
        self._user, self._typed = user, typed
        self._channels = {channel: Role.MEMBER}
        self._roles: dict[Identity, Role] = {}
        self._spoke: set[Identity] = set()
        self._silent: dict[Identity, datetime] = {}
        self._members = {name.casefold(): user for name in (user.id, user.name)}

    def bring(self, channels: Mapping[Channel, Role], members: Mapping[Author, Role]) -> None:
        """A community comes along: channels with the least role that reads them, members with their roles."""
        self._channels.update(channels)
        for member, role in members.items():
            self._roles[member.identity] = role
            for name in (member.id, member.name):
                self._members.setdefault(name.casefold(), member)

    def sits_here(self, author: Author) -> bool:
        """Whether what is for them alone may be read here: they typed, or somebody in their name."""
        return author.identity == self._user.identity or author.identity in self._spoke

    def named(self, name: str) -> Author:
        """The member of a name or id, who speaks now; a name nobody has is that of somebody new."""
        new = Author(self._user.platform, name, name)
        found = self._members.setdefault(name.casefold(), new)
        self._spoke.add(found.identity)
        return found

    def addressee(self, author: Author, line: str) -> tuple[Channel | None, str]:
        """The channel to whose members "#help How …?" is said, and what; None for any other line.

        Only where a community was brought along: to whom sits here alone, such a line is as any other.
        """
        named, _space, said = line.strip().partition(" ")
        role, said = self._role(author), said.strip()
        if len(self._channels) > 1 and said:
            for channel, least in self._channels.items():
                if named == f"#{channel.id}" and role >= least:
                    return channel, said
        return None, line

    def silence(self, author: Author, until: datetime) -> None:
        """A member may say nothing to the channel before that time; to the bot they still may."""
        self._silent[author.identity] = until

    def silent_until(self, author: Author, now: datetime) -> datetime | None:
        """How long a member may say nothing, if they may not now."""
        until = self._silent.get(author.identity, now)
        return until if until > now else None

    def usage(self) -> str:
        """How somebody else speaks, with a few who could and whom rules do not spare."""
        plain = (member for member in self._members.values() if self._role(member) is Role.MEMBER)
        names = list(dict.fromkeys(member.id for member in plain if not member.is_bot))[:_NAMED]
        line = _(
            "`/as NAME TEXT` says TEXT here as NAME, for example `/as {name} hello`.",
            name=[*names, "mira"][0],
        )
        if not names:
            return line
        return line + " " + _("Among those who are here: {names}.", names=", ".join(names))

    def _role(self, author: Author) -> Role:
        if author.identity == self._user.identity:
            return Role.ADMIN
        return self._roles.get(author.identity, Role.MEMBER)

    async def role(self, author: Author, channel: Channel) -> Role:
        """See `Directory`."""
        return self._role(author)

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        """See `Directory`."""
        role = self._role(author)
        return [
            each for each, least in self._channels.items() if each.community == community and role >= least
        ]

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        """See `Directory`."""
        readable = await self.readable_channels(author, community)
        return next((channel for channel in readable if channel.id == id), None)

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        """See `Directory`."""
        return ()

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        """See `Directory`."""
        role = self._channels.get(channel.parent, Role.MEMBER)
        return [
            each
            for each, least in self._channels.items()
            if each.community == channel.community and least <= role
        ]

    async def is_shared(self, thread: Channel) -> bool:
        """See `Directory`."""
        return True

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        """See `Directory`; what was said at another terminal, or before a restart, is not in it."""
        for message in tuple(self._typed):
            if channel == message.ref.channel and message.at > since:
                yield message

    async def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        """See `Directory`."""
        nothing: tuple[Past, ...] = ()
        for page in nothing:
            yield page

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        """See `Directory`."""
        return ()

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        """See `Directory`."""
        return ()

    async def staff_channel(self, channel: Channel) -> Channel | None:
        """See `Directory`."""
        return None

    async def link(self, channel: Channel, message_id: str) -> str | None:
        """See `Directory`."""
        return None


def spoken(line: str) -> tuple[str, str] | None:
    """Name and text of a line that is somebody else's, each "" where it is missing; None for any other."""
    found = _SPOKEN.fullmatch(line.strip())
    return None if found is None else (found["name"] or "", found["text"] or "")
