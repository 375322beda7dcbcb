"""How a device stands with its homeserver: whether it has the keys that we have, and who signed them."""

from dataclasses import dataclass
from typing import Literal

from bot.adapters.matrix.encryption.signing import is_signed
from bot.adapters.reading import Json, table, text

Keys = Literal["same", "other", "absent"]
"""What the homeserver has of a device."""

Signature = Literal["valid", "no identity", "to be made by us", "to be made by another", "replaced"]
"""What the account's cross-signing identity says of a device: that it is its own, or nothing.

Nothing, because there is no identity, because its maker (we, or another client) has not signed yet, or
because another client put its own identity in the place of ours.
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What others learn about a device."""

    keys: Keys
    signature: Signature


def standing(answer: Json, user_id: str, device_id: str, key: str, our_master: str | None) -> Standing:
    """What an answer of `/keys/query` about ourselves means.

    Args:
        key: the device's public Ed25519 key, as the store has it.
        our_master: the public master key of the identity that we made, if we made one.
    """
    device = table(answer, "device_keys", user_id, device_id)
    found = text(table(device, "keys"), f"ed25519:{device_id}")
    keys: Keys = "absent" if found is None else "same" if found == key else "other"
    master = table(answer, "master_keys", user_id)
    return Standing(keys, _signature(device, table(answer, "self_signing_keys", user_id), master, our_master))


def _signature(device: Json, self_signing: Json, master: Json, our_master: str | None) -> Signature:
    if _public(master) is None:
        return "no identity"
    if is_signed(self_signing, _public(master)) and is_signed(device, _public(self_signing)):
        return "valid"
    if our_master is None:
        return "to be made by another"
    return "to be made by us" if our_master == _public(master) else "replaced"


def _public(key: Json) -> str | None:
    """A cross-signing key has one."""
    return next((public for public in table(key, "keys").values() if isinstance(public, str)), None)
