"""What is sealed as one value, of which people's words may end sooner than the rest.

What was said in an encrypted room can be read by the process that heard it and by nobody afterwards; who was
banned there, and why a moderator may lift it, has to outlive a restart.
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.core.errors import ValueEnded
from bot.storage.seal import Seal

_WORDS = "words"


def enclose(seal: Seal, facts: Mapping[str, object], words: Mapping[str, object], *, fleeting: bool) -> bytes:
    """Seal facts for as long as the key file lasts, and words as long, or (`fleeting`) for this process."""
    said = seal.seal(json.dumps(words, ensure_ascii=False), fleeting=True).hex() if fleeting else None
    whole = {**facts, **words} if said is None else {**facts, _WORDS: said}
    return seal.seal(json.dumps(whole, ensure_ascii=False))


def disclose(seal: Seal, sealed: bytes) -> dict[str, Any]:
    """Facts and words; words that have ended are not among them.

    Raises:
        ValueUnreadable
    """
    return reveal(seal, json.loads(seal.open(sealed)))


def reveal(seal: Seal, found: dict[str, Any]) -> dict[str, Any]:
    """Open the words in what was enclosed, where there are any apart."""
    said = found.pop(_WORDS, None)
    if not isinstance(said, str):
        return found
    try:
        words: dict[str, Any] = json.loads(seal.open(bytes.fromhex(said)))
    except ValueEnded:
        return found
    return found | words
