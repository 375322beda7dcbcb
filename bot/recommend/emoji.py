"""How much a touch says: a thumbs-up is not a laugh is not a clown."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from bot.storage.policies import Policies

BY_KIND: Mapping[str, float] = MappingProxyType({"opening": 1.0, "reply": 1.0})

BY_EMOJI: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys("😂🤣😆😅😹👀🤔", 0.5),
        **dict.fromkeys("👎🤡💩🤮😡🖕🙄🥱😴💤", -1.0),
    }
)
"""Amusement says less than praise, and mockery or boredom takes a vote back; every other emoji counts 1."""

LEAST = 1.0
"""A member has a vote on a thread when what they did there amounts to a thumbs-up."""

_LOOKS = str.maketrans("", "", "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
"""Variation selectors and skin tones change how an emoji looks, not what it says."""

_REMEMBERED = 4_000

_CUSTOM = re.compile(r"(\w+):\d+")


def plain(emoji: str) -> str:
    """An emoji without skin tone; `name:id` of a custom one becomes its name."""
    custom = _CUSTOM.fullmatch(emoji)
    return custom[1] if custom is not None else emoji.translate(_LOOKS) or emoji


WEIGHTS = "recommend.emoji"
"""The setting of a community that keeps what its moderators chose, as JSON."""


def own_weights(policies: Policies, community: str) -> dict[str, float]:
    """What the moderators of a community set, by emoji."""
    kept = policies.get(community).get(WEIGHTS)
    return {} if kept is None else {str(sign): float(weight) for sign, weight in json.loads(kept).items()}


class Weights:
    """The weights of a community: what its moderators set, else the defaults."""

    def __init__(self, own: Mapping[str, float] = MappingProxyType({})) -> None:
        self._own = own
        self.of = lru_cache(_REMEMBERED)(self._of)
        """What one touch says, by kind and emoji."""

    def _of(self, kind: str, emoji: str) -> float:
        if kind != "reaction":
            return BY_KIND[kind]
        sign = plain(emoji)
        return self._own.get(sign, BY_EMOJI.get(sign, 1.0))

    def cast(self, touches: Sequence[tuple[str, str, float]]) -> float | None:
        """What a member's touches of one thread amount to, each (kind, emoji) once: a vote or none.

        Args:
            touches: (kind, emoji, unix seconds).

        Returns:
            Unix seconds of the first of them, None for no vote.
        """
        if len(touches) == 1:  # the most frequent case by far
            kind, emoji, at = touches[0]
            return at if self.of(kind, emoji) >= LEAST else None
        first: dict[tuple[str, str], float] = {}
        weights: dict[tuple[str, str], float] = {}
        for kind, emoji, at in touches:
            first[kind, emoji] = min(at, first.get((kind, emoji), at))
            weights[kind, emoji] = self.of(kind, emoji)
        return min(first.values()) if sum(weights.values()) >= LEAST else None
