"""When to stop waiting for discord.py, which tries again for ever, and to begin a new session instead.

It can go round in circles: a session that is refused wherever it is resumed, a socket that closes again at
once, a gateway that takes no connection, heartbeats that nobody acknowledges.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a shard may be in trouble.

    Attributes:
        down_s: without a connection that holds; one attempt of discord.py takes up to a minute.
        attempts: connections that did not hold, however fast they follow each other.
        steady_s: a connection that is so old holds.
        silent_s: without an acknowledged heartbeat; Discord asks for one every 41 s (Discord, "Gateway").
        look_s: from one look to the next.
    """

    down_s: float = 150.0
    attempts: int = 20
    steady_s: float = 10.0
    silent_s: float = 180.0
    look_s: float = 5.0


@dataclass(slots=True)
class _Shard:
    """What is known of one shard; the times are the clock's."""

    up_since: float
    beat_at: float
    down_since: float | None = None
    attempts: int = 0
    latency: float | None = None


class Watchdog:
    """Watches the shards of one client.

    Args:
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, patience: Patience, now: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._now = patience, now
        self._shards: dict[int, _Shard] = {}
        self._progress_at = now()

    def connected(self, shard: int) -> None:
        """A session was begun or resumed."""
        known = self._shards.get(shard)
        if known is None:
            self._progress_at = self._now()
            self._shards[shard] = _Shard(self._now(), self._now())
        else:
            known.up_since = known.beat_at = self._now()

    def disconnected(self, shard: int) -> None:
        """A connection ended, or an attempt failed."""
        known = self._shards.get(shard)
        if known is not None:
            self._settle(known)
            known.attempts += 1
            known.up_since = float("inf")
            known.down_since = self._now() if known.down_since is None else known.down_since

    def look(self, latencies: Iterable[tuple[int, float]], shards: int | None) -> str | None:
        """What discord.py does not get out of by itself, in words; None if all is well.

        Args:
            latencies: of each shard's last heartbeat; each acknowledgement changes it.
            shards: how many there will be, once that is known.
        """
        for number, latency in latencies:
            if number in self._shards and self._shards[number].latency != latency:
                self._shards[number].latency, self._shards[number].beat_at = latency, self._now()
        if len(self._shards) < (shards or 1) and self._now() - self._progress_at > self._patience.down_s:
            return f"no first connection for {self._now() - self._progress_at:.0f} s"
        found = (self._trouble(number, shard) for number, shard in self._shards.items())
        return next((each for each in found if each is not None), None)

    def _trouble(self, number: int, shard: _Shard) -> str | None:
        self._settle(shard)
        if shard.down_since is not None:
            down_s = self._now() - shard.down_since
            if shard.attempts >= self._patience.attempts or down_s > self._patience.down_s:
                return (
                    f"shard {number} was not connected again by {shard.attempts} attempts in {down_s:.0f} s"
                )
        elif self._now() - shard.beat_at > self._patience.silent_s:
            return f"no heartbeat of shard {number} was acknowledged for {self._now() - shard.beat_at:.0f} s"
        return None

    def _settle(self, shard: _Shard) -> None:
        """Forget the trouble of a shard whose connection holds."""
        if self._now() - shard.up_since >= self._patience.steady_s:
            shard.down_since, shard.attempts = None, 0
