"""Cross-signing: the account's identity signs its own device, so that clients trust what it sends.

Source: specification, "Cross-signing"; MSC4153, by which clients leave out devices that nobody signed.
"""

import base64
import json
import logging
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.adapters.files import write_private
from bot.adapters.matrix.account import Account, Interaction
from bot.adapters.matrix.encryption.keeping import read_json
from bot.adapters.reading import Json, table, text
from bot.core.errors import PlatformError

FILE = "cross-signing.json"
"""The three seeds, by usage, in base64. Whoever has them speaks for the account."""

_USAGES = ("master", "self_signing", "user_signing")
_SEED_BYTES = 32

_log = logging.getLogger(__name__)


class Key:
    """One key of the account's identity."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = _base64(self._private.public_key().public_bytes_raw())

    def sign(self, document: Json, user_id: str) -> Json:
        """The document with one more signature."""
        signature = _base64(self._private.sign(canonical(bare(document))))
        signatures = table(document, "signatures")
        mine = {**table(signatures, user_id), f"ed25519:{self.public}": signature}
        return {**bare(document), "signatures": {**signatures, user_id: mine}}


class Identity:
    """The account's own keys."""

    def __init__(self, user_id: str, seeds: Mapping[str, str]) -> None:
        self._user_id = user_id
        self._keys = {usage: Key(base64.b64decode(seeds[usage])) for usage in _USAGES}

    @property
    def master(self) -> str:
        """The public master key, by which others know the account."""
        return self._keys["master"].public

    def upload(self) -> Json:
        """The body of `/keys/device_signing/upload`."""
        return {f"{usage}_key": self._document(usage) for usage in _USAGES}

    def signed(self, device: Json) -> Json:
        """A device's keys with the signature that says: this device is mine."""
        return self._keys["self_signing"].sign(device, self._user_id)

    def has_signed(self, device: Json) -> bool:
        """Whether a device carries a signature of ours that is right."""
        return is_signed(device, self._keys["self_signing"].public)

    def _document(self, usage: str) -> Json:
        public = self._keys[usage].public
        document: Json = {
            "user_id": self._user_id,
            "usage": [usage],
            "keys": {f"ed25519:{public}": public},
        }
        return document if usage == "master" else self._keys["master"].sign(document, self._user_id)


async def sign_device(account: Account, folder: Path, device: Json, known: Json) -> None:
    """See to it that the account has an identity and that it has signed our device.

    An identity that another client made is left alone: replacing it would end the trust of everybody who
    verified the account.

    Args:
        device: our device's keys as we have them; nothing that a homeserver says is signed.
        known: what the homeserver answered to `/keys/query` for the account.

    Raises:
        PlatformError: it could not be done now.
    """
    master = next(iter(table(known, "master_keys", account.user_id, "keys").values()), None)
    seeds = read_json(folder / FILE)
    if seeds is None and master is not None:
        _log.warning(
            "the account has a cross-signing identity of another client, so this device is not signed; "
            "verify it from there"
        )
        return
    if seeds is None:
        seeds = {usage: base64.b64encode(secrets.token_bytes(_SEED_BYTES)).decode() for usage in _USAGES}
        write_private(folder / FILE, json.dumps(seeds))  # first: a master key that is lost cannot be replaced
    identity = Identity(account.user_id, seeds)
    if master is None:
        await _upload(account, identity)
    elif master != identity.master:
        _log.warning("the account's cross-signing identity was replaced, so this device is not signed by it")
        return
    device_id = text(device, "device_id") or ""
    if not identity.has_signed(table(known, "device_keys", account.user_id, device_id)):
        signed = {account.user_id: {device_id: identity.signed(device)}}
        answer = await account.request("POST", "keys", "signatures", "upload", body=signed)
        if table(answer, "failures"):
            raise PlatformError(f"the homeserver refuses the device's signature: {answer['failures']}")
        _log.info("the device is signed by the account's identity", extra={"device": device_id})


async def _upload(account: Account, identity: Identity) -> None:
    """Publish the identity; some homeservers ask for the password once more."""
    path = ("keys", "device_signing", "upload")
    try:
        await account.request("POST", *path, body=identity.upload())
    except Interaction as asked:
        auth = account.password_again(text(asked.answer, "session"))
        await account.request("POST", *path, body={**identity.upload(), "auth": auth})


def is_signed(document: Json, signer: str | None) -> bool:
    """Whether a user's key signed a document of the same user."""
    signature = text(table(document, "signatures", text(document, "user_id") or ""), f"ed25519:{signer}")
    if signer is None or signature is None:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(_bytes(signer))
        public.verify(_bytes(signature), canonical(bare(document)))
    except (InvalidSignature, ValueError):
        return False
    return True


def bare(document: Json) -> Json:
    """What of an object is signed."""
    return {name: value for name, value in document.items() if name not in ("signatures", "unsigned")}


def _bytes(unpadded: str) -> bytes:
    return base64.b64decode(f"{unpadded}==")


def canonical(document: Json) -> bytes:
    """JSON as it is signed. Source: specification, "Canonical JSON"."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _base64(data: bytes) -> str:
    """Unpadded, as the specification wants it."""
    return base64.b64encode(data).decode().rstrip("=")
