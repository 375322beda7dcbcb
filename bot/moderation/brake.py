"""The brake on runaway rules: one that acts too often is stopped, and the moderators are told once."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

PER_MINUTE = 60
"""Actions of one rule in a minute; a rule against the whole community would do more within seconds."""

BURST_FACTOR = 10
"""So much more for rules that are meant for floods."""

MINUTE = timedelta(minutes=1)


class Brake:
    """Counts the actions of each rule in each community."""

    def __init__(self, now: Callable[[], datetime], per_minute: int = PER_MINUTE) -> None:
        self._now, self._per_minute = now, per_minute
        self._acted: dict[tuple[str, str], deque[datetime]] = {}
        self._stopped: set[tuple[str, str]] = set()

    def allows(self, community: str, rule: str, *, bursts: bool = False) -> bool:
        """Note that a rule is about to act; once it did so too often, it may not until it is released."""
        key = (community, rule)
        if key in self._stopped:
            return False
        most = self._per_minute * (BURST_FACTOR if bursts else 1)
        acted = self._acted.setdefault(key, deque(maxlen=most))
        now = self._now()
        if len(acted) == most and now - acted[0] < MINUTE:
            self._stopped.add(key)
            return False
        acted.append(now)
        return True

    def stopped(self, community: str) -> tuple[str, ...]:
        """The rules that are stopped in a community."""
        return tuple(sorted(rule for where, rule in self._stopped if where == community))

    def release(self, community: str, rule: str) -> None:
        """Let a rule act again: somebody looked at it."""
        self._stopped.discard((community, rule))
        self._acted.pop((community, rule), None)
