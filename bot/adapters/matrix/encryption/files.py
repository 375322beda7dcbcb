"""Files that are encrypted before they are sent, as everything in encrypted rooms is.

Source: specification, "Sending encrypted attachments".
"""

import base64
import binascii
import hmac
import os
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from bot.adapters.matrix.encryption.errors import Undecipherable
from bot.adapters.reading import Json, parse, table, text

_KEY_BYTES = 32  # A256CTR
_COUNTER_BYTES = 16


def decrypted(data: bytes, secret: str) -> bytes:
    """The file.

    Args:
        secret: what its message says about it, `key`, `iv` and `hashes`, as JSON.

    Raises:
        Undecipherable: it is not the file that was sent, or encrypted in a way that is not known.
    """
    try:
        about = parse(secret.encode())
        key, counter = _bytes(table(about, "key"), "k"), _bytes(about, "iv")
        expected = _bytes(table(about, "hashes"), "sha256")
    except (ValueError, binascii.Error) as error:
        raise Undecipherable("it is not said how the file was encrypted") from error
    if about.get("v") != "v2" or len(key) != _KEY_BYTES or len(counter) != _COUNTER_BYTES:
        raise Undecipherable("the file was encrypted in a way that is not known")
    if not hmac.compare_digest(sha256(data).digest(), expected):
        raise Undecipherable("the file is not the one that was sent")
    opened = Cipher(AES(key), CTR(counter)).decryptor()
    return opened.update(data) + opened.finalize()


def encrypted(data: bytes) -> tuple[bytes, Json]:
    """A file as it is uploaded, and what its message says about it, all but where it is."""
    key, half = os.urandom(_KEY_BYTES), os.urandom(_COUNTER_BYTES // 2)
    counter = half + bytes(_COUNTER_BYTES // 2)  # it counts up in its second half
    closed = Cipher(AES(key), CTR(counter)).encryptor()
    sealed = closed.update(data) + closed.finalize()
    about: Json = {
        "v": "v2",
        "key": {
            "kty": "oct",
            "key_ops": ["encrypt", "decrypt"],
            "alg": "A256CTR",
            "k": base64.urlsafe_b64encode(key).decode().rstrip("="),
            "ext": True,
        },
        "iv": _unpadded(counter),
        "hashes": {"sha256": _unpadded(sha256(sealed).digest())},
    }
    return sealed, about


def _unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(parent: Json, name: str) -> bytes:
    """Unpadded base64, of either alphabet."""
    found = text(parent, name) or ""
    return base64.b64decode(found.replace("-", "+").replace("_", "/") + "=" * (-len(found) % 4))
