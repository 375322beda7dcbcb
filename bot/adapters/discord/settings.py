"""What the Discord adapter is told by the configuration, as plain values."""

from dataclasses import dataclass, field
from pathlib import Path

from bot.core.permissions import Role


@dataclass(frozen=True, slots=True)
class Grants:
    """Who is a moderator or an administrator beside those whose permissions on Discord say so.

    Attributes:
        moderator_roles, admin_roles: ids of roles.
        moderators, admins: ids of users, in every guild.
    """

    moderator_roles: frozenset[str] = frozenset()
    admin_roles: frozenset[str] = frozenset()
    moderators: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()

    def role(self, user_id: str, roles: frozenset[str]) -> Role:
        """The role that is granted to a member with these roles."""
        if user_id in self.admins or roles & self.admin_roles:
            return Role.ADMIN
        if user_id in self.moderators or roles & self.moderator_roles:
            return Role.MODERATOR
        return Role.MEMBER


@dataclass(frozen=True, slots=True)
class Settings:
    """One bot account.

    Attributes:
        folder: for what the account has to remember; made with mode 0700.
        api_base: base URL of the REST API, such as a proxy's; None for Discord's own.
        gateway_url: where the gateway is asked for; None for Discord's own.
        message_content: ask for the privileged intent that shows what is not said to the bot.
        moderators_channel: id of the channel that alerts go to.
    """

    token: str = field(repr=False)
    folder: Path
    api_base: str | None = None
    gateway_url: str | None = None
    message_content: bool = False
    moderators_channel: str | None = None
    grants: Grants = Grants()
