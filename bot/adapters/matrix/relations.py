"""What later events need to know about earlier ones: who wrote them, and where they stand."""

from collections import OrderedDict

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.decoding import NOTHING_KNOWN, Known, Malformed, event_id, known, subject
from bot.adapters.reading import Json
from bot.core.errors import Forbidden, Gone

_REMEMBERED = 10_000


class Relations:
    """Remembers the newest events, and asks the homeserver for others."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: OrderedDict[str, Known] = OrderedDict()

    def remember(self, raw: Json) -> None:
        """Raises: Malformed."""
        self._known[event_id(raw)] = known(raw)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def about(self, raw: Json, room_id: str) -> Known:
        """What is known of the event that this one edits, redacts or reacts to.

        Raises:
            Malformed
        """
        about = subject(raw)
        if about is None:
            return NOTHING_KNOWN
        if about in self._known:
            return self._known[about]
        try:
            return known(await self._account.request("GET", "rooms", room_id, "event", about))
        except (Forbidden, Gone, Malformed):
            return NOTHING_KNOWN
