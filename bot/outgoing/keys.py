"""Idempotency keys: the same work has the same key in every process that ever tries it."""

import hashlib

from bot.core.events import Event

KEY_BYTES = 9
"""72 bits as 18 characters; with a part's number it stays within Discord's 25 (Create Message, nonce)."""


def event_key(event: Event, ordinal: int = 0) -> str:
    """The key of what follows from an event; `ordinal` tells several things apart."""
    return _digest(f"{event.key}#{ordinal}")


def derived_key(key: str, name: str) -> str:
    """The key of something that follows from an outbox row."""
    return _digest(f"{key}>{name}")


def named_key(name: str) -> str:
    """The key of something that happens once under its name."""
    return _digest(name)


def _digest(name: str) -> str:
    return hashlib.blake2s(name.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).hexdigest()
