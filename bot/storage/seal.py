"""Encryption of bodies and pseudonyms of people, both under one key file.

Without the key file the database tells nobody what was said or by whom; losing the file loses the bodies.
"""

import base64
import binascii
import os
import secrets
import stat
from collections import deque
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from bot.core.errors import StorageError, ValueEnded, ValueUnreadable
from bot.core.events import Identity
from bot.storage.files import sync

KEY_FILE_NAME = "llmos.key"
"""Its name in the data directory."""

_KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits
_NONCES = 256
_LASTING = b"\x01"  # AES-256-GCM, nonce first
_FLEETING = b"\x02"  # the same, under a key that no file holds
_PEOPLE_IN_MEMORY = 10_000
_PSEUDONYM_CHARS = 22  # 132 bits of the digest in base64


class Seal:
    """AES-256-GCM for texts and HMAC-SHA256 pseudonyms, each with its own key derived from the master key."""

    def __init__(self, master: bytes) -> None:
        """Args: master: 32 random bytes."""
        self._ciphers = {
            _LASTING: AESGCM(_derive(master, b"llmos body v1")),
            _FLEETING: AESGCM(AESGCM.generate_key(8 * _KEY_BYTES)),
        }
        self._mac = _Mac(_derive(master, b"llmos pseudonym v1"))
        self._nonces: deque[bytes] = deque()
        self._pseudonym = lru_cache(_PEOPLE_IN_MEMORY)(self.fingerprint)

    @classmethod
    def from_file(cls, path: Path) -> "Seal":
        """Read the key file, and create it (0600) where there is none.

        Raises:
            StorageError: it is readable by others, unreadable for us, or no key.
        """
        try:
            if not path.exists():
                _create(path)
            return cls(_read(path))
        except OSError as error:
            raise StorageError(
                f"The key file {path} cannot be used: {error.strerror}. Give it to the user LLMOS runs as: "
                f"chown that-user {path} && chmod 600 {path}"
            ) from error

    def seal(self, text: str, *, fleeting: bool = False) -> bytes:
        """Encrypt any text, lone surrogates and NUL included.

        Args:
            fleeting: under a key that ends with this process, so that nobody can read the text afterwards.
        """
        kind, nonce = _FLEETING if fleeting else _LASTING, self._nonce()
        return kind + nonce + self._ciphers[kind].encrypt(nonce, text.encode("utf-8", "surrogatepass"), None)

    def open(self, sealed: bytes) -> str:
        """Decrypt.

        Raises:
            ValueEnded: it was fleeting, and sealed by another process.
            ValueUnreadable: another key sealed it, or it was damaged.
        """
        kind = sealed[:1]
        if kind not in self._ciphers:
            raise ValueUnreadable("A stored text has an unknown format; a newer LLMOS may have written it.")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._ciphers[kind].decrypt(nonce, body, None).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError) as error:
            if kind == _FLEETING:
                raise ValueEnded("A stored text was kept for a process that has ended.") from error
            raise ValueUnreadable(
                "A stored text cannot be decrypted: the key file is not the one it was written with, "
                "or the database is damaged."
            ) from error

    def pseudonym(self, identity: Identity) -> str:
        """A stable name for a person that only this key can tie to (platform, id)."""
        return self._pseudonym("\0".join(identity))

    def fingerprint(self, text: str) -> str:
        """A keyed hash, 22 url-safe characters; equal texts give equal hashes."""
        digest = self._mac.digest(text.encode("utf-8", "surrogatepass"))
        return base64.urlsafe_b64encode(digest)[:_PSEUDONYM_CHARS].decode()

    def _nonce(self) -> bytes:
        """Random bytes, fetched many at a time: each fetch gives the interpreter lock away."""
        try:
            return self._nonces.popleft()  # atomic: no two threads ever get the same
        except IndexError:
            fresh = os.urandom(_NONCE_BYTES * _NONCES)
            self._nonces.extend(
                fresh[n : n + _NONCE_BYTES] for n in range(_NONCE_BYTES, len(fresh), _NONCE_BYTES)
            )
            return fresh[:_NONCE_BYTES]


class _Mac:
    """HMAC-SHA256 (RFC 2104) whose key is hashed once; `hmac.digest` takes three times as long."""

    def __init__(self, key: bytes) -> None:
        block = key.ljust(sha256().block_size, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), _KEY_BYTES, purpose).derive(master)


def _create(path: Path) -> None:
    """Write a new key whole or not at all; a second process that is faster wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
        sync(path.parent)
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise StorageError(
            f"The key file {path} can be read by other users (mode {mode:04o}), so its database is not safe. "
            f"Run: chmod 600 {path}"
        )
    try:
        master = base64.urlsafe_b64decode(path.read_bytes().strip())
    except binascii.Error:
        master = b""
    if len(master) != _KEY_BYTES:
        raise StorageError(
            f"{path} does not hold an LLMOS key. Put the right key file there; without it the stored "
            f"texts cannot be read. To start anew, move both the key file and the database away."
        )
    return master
