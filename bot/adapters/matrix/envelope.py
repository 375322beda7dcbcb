"""How events look on their way to a room and back: as they are, or encrypted for its members."""

from typing import TYPE_CHECKING

from bot.adapters.matrix.decoding import ENCRYPTED
from bot.adapters.matrix.frame import EVENT_BYTES, KEY
from bot.adapters.matrix.rooms import Room
from bot.adapters.reading import Json, table
from bot.core.errors import Unsupported

if TYPE_CHECKING:  # without encryption its packages are not needed
    from bot.adapters.matrix.encryption.encryption import Encryption

SEALED_BYTES = EVENT_BYTES * 3 // 4 - 1_000
"""How much fits into an encrypted event: base64 takes a third more, and the algorithm names itself."""


class Envelope:
    """The messages of one room.

    Args:
        encryption: None where the account does not encrypt.
    """

    def __init__(self, room: Room, encryption: "Encryption | None") -> None:
        self._room, self._encryption = room, encryption

    @property
    def encrypted(self) -> bool:
        """Whether what is sent there is encrypted first."""
        return self._room.encrypted

    @property
    def event_bytes(self) -> int:
        """How large the content of a message may be."""
        return SEALED_BYTES if self._room.encrypted else EVENT_BYTES

    async def close(self, kind: str, content: Json) -> tuple[str, Json]:
        """The type and content that are sent.

        Raises:
            Unsupported: plain text does not belong into an encrypted room.
        """
        if not self._room.encrypted:
            return kind, content
        if self._encryption is None:
            raise Unsupported(f"{self._room.id} is encrypted, and encryption is switched off")
        sealed = await self._encryption.encrypt(self._room.id, self._room.readers, kind, content)
        return ENCRYPTED, sealed | ({KEY: content[KEY]} if KEY in content else {})

    async def open(self, event: Json) -> Json:
        """The event as it would have been without encryption.

        Raises:
            Locked, Undecipherable: we cannot read it.
        """
        if event.get("type") != ENCRYPTED or self._encryption is None or not table(event, "content"):
            return event
        return await self._encryption.decrypt(self._room.id, event)
