"""Coming into rooms and leaving them."""

import logging
from collections.abc import Iterable

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.errands import Deed, Errands
from bot.adapters.matrix.settings import Settings
from bot.adapters.reading import Json, table, tables, text
from bot.core.errors import PlatformError, RateLimited
from bot.core.text import _

_log = logging.getLogger(__name__)


class Doors:
    """Accepts invitations of those who may invite, follows rooms that move, leaves what it cannot read."""

    def __init__(self, account: Account, settings: Settings) -> None:
        self._account = account
        self._invites_from = settings.invites_from
        self._errands = Errands(account, settings.folder / "errands.json")

    async def keep(self) -> None:
        """Go through doors, for as long as the bot runs."""
        await self._errands.keep()

    async def answer(self, invitations: Json) -> None:
        """Promise to accept or decline invitations, by room id as /sync gives them; `keep` does it.

        Raises:
            PlatformError: the promise cannot be written down.
        """
        deeds: dict[str, Deed] = {}
        for room_id in invitations:
            sender = self._inviter(table(invitations, room_id))
            deeds[room_id] = "join" if self.welcomes(sender) else "leave"
            if deeds[room_id] == "leave":
                _log.info("an invitation is declined", extra={"channel": room_id, "member": sender})
        await self._errands.take(deeds)

    async def closed(self, room_ids: Iterable[str]) -> None:
        """We are out of these rooms, or an invitation was taken back."""
        await self._errands.drop(room_ids)

    async def follow(self, room_id: str, tombstone: Json) -> None:
        """A room was upgraded: go where everybody goes. Source: client-server API, "Room upgrades"."""
        successor = text(tombstone, "replacement_room")
        if successor is not None and successor.startswith("!"):
            _log.info("a room moved to %s", successor, extra={"channel": room_id})
            await self._errands.take({successor: "join"})

    async def leave_encrypted(self, room_id: str) -> None:
        """Say that we cannot read here, and go: whoever invites us again finds out as well."""
        body = _(
            "This room is encrypted, and my operator has switched encryption off, so I leave. "
            "Please invite me to a room without encryption."
        )
        notice = {"msgtype": "m.notice", "body": body, "m.mentions": {}}
        path = ("rooms", room_id, "send", "m.room.message", f"llmos-encrypted-{room_id}")
        try:
            await self._account.request("PUT", *path, body=notice)
        except RateLimited:
            raise
        except PlatformError as error:
            _log.warning("cannot say that a room is encrypted: %s", error, extra={"channel": room_id})
        _log.warning("an encrypted room is left", extra={"channel": room_id})
        await self._errands.take({room_id: "leave"})

    def welcomes(self, sender: str) -> bool:
        """Whether this member's invitations are accepted."""
        server = sender.partition(":")[2]
        if self._invites_from is None:
            return server == self._account.server_name
        return sender in self._invites_from or server in self._invites_from

    def _inviter(self, invitation: Json) -> str:
        for event in tables(table(invitation, "invite_state"), "events"):
            if event.get("type") == "m.room.member" and event.get("state_key") == self._account.user_id:
                return text(event, "sender") or ""
        return ""
