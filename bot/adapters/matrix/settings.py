"""What the Matrix adapter is told by the configuration, as plain values."""

from dataclasses import dataclass, field
from pathlib import Path

from bot.core.permissions import Role


@dataclass(frozen=True, slots=True)
class Grants:
    """Who is a moderator or an administrator: by power level in the room, or by name.

    Attributes:
        moderator_power: the least power level of a moderator; None makes nobody one by power.
        moderators: user ids that are moderators in every room.
    """

    moderator_power: int | None = 50
    admin_power: int | None = 100
    moderators: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()

    def role(self, user_id: str, power: float) -> Role:
        """The role of a member with this power level; creators of rooms since version 12 have infinity."""
        if user_id in self.admins or _reaches(power, self.admin_power):
            return Role.ADMIN
        if user_id in self.moderators or _reaches(power, self.moderator_power):
            return Role.MODERATOR
        return Role.MEMBER


@dataclass(frozen=True, slots=True)
class Settings:
    """One account on one homeserver; a password or an access token is there.

    Attributes:
        homeserver: base URL of the client-server API, without a slash at the end.
        folder: for what the account has to remember; made with mode 0700.
        invites_from: servers and user ids whose invitations are accepted; None for the own homeserver.
        encryption: read and write in encrypted rooms; otherwise they are left.
        moderators_room: id of the room that alerts go to; None for the room they are about.
    """

    homeserver: str
    user_id: str
    folder: Path
    password: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    device_name: str = "LLMOS"
    encryption: bool = True
    invites_from: tuple[str, ...] | None = None
    moderators_room: str | None = None
    grants: Grants = Grants()


def _reaches(power: float, least: int | None) -> bool:
    return least is not None and power >= least
