"""How often a channel or an account may be edited: one budget that its answers share fairly.

Time is the running event loop's, so a test with a virtual clock runs hours in milliseconds.
"""

import asyncio
import itertools
from collections import deque
from enum import IntEnum
from math import inf
from typing import Protocol

_SHARE_OF_TIME = 1.25  # intermediate edits leave a fifth of the budget to first and final texts
_LEAST_INTERVAL_S = 1.0
_SPEND_S = 30.0
_EARLY_S = 1e-6  # a timer may fire so much too soon
_REFUSALS = 3  # then only the final text of that stream is shown


_numbers = itertools.count()


class Priority(IntEnum):
    """What an edit is for; the higher goes first."""

    INTERMEDIATE = 0
    FIRST = 1
    FINAL = 2


class Limit(Protocol):
    """A platform's rule for how many calls it takes."""

    def rate_at(self, now: float, spare: int = 0) -> float:
        """Calls a second that it gives for the next while, with `spare` more kept."""
        ...

    def ready_at(self, now: float, spare: int = 0) -> float:
        """The earliest time a call is allowed that leaves `spare` more calls possible."""
        ...

    def take(self, now: float) -> None:
        """Count a call."""
        ...

    def refused(self, until: float) -> None:
        """The platform refused a call, and takes the next one then."""
        ...


class Window:
    """At most `calls` in any `seconds`."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._seconds = calls, seconds
        self._taken: deque[float] = deque([-inf] * calls, maxlen=calls)

    def rate_at(self, now: float, spare: int = 0) -> float:
        """See `Limit`."""
        return self._calls / self._seconds

    def ready_at(self, now: float, spare: int = 0) -> float:
        """See `Limit`."""
        oldest = self._taken[min(spare, len(self._taken) - 1)]
        return max(now, oldest + self._seconds)

    def take(self, now: float) -> None:
        """See `Limit`."""
        self._taken.append(now)

    def refused(self, until: float) -> None:
        """See `Limit`; a window is whole again when it opens."""


class FixedWindow:
    """At most `calls` from the first one on for `seconds`, then as many again, as Discord's headers count."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._seconds = calls, seconds
        self._began, self._taken = -inf, 0

    def rate_at(self, now: float, spare: int = 0) -> float:
        """See `Limit`."""
        return self._calls / self._seconds

    def ready_at(self, now: float, spare: int = 0) -> float:
        """See `Limit`."""
        ends, most = self._began + self._seconds, max(self._calls - spare, 1)
        return now if now >= ends or self._taken < most else ends

    def take(self, now: float) -> None:
        """See `Limit`."""
        if now >= self._began + self._seconds - _EARLY_S:
            self._began, self._taken = now, 0
        self._taken += 1

    def refused(self, until: float) -> None:
        """See `Limit`; a window is whole again when it opens."""


class Bucket:
    """A bucket of `burst` calls that refills at `rate_per_s`, as Synapse's rc_message does."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate_per_s, self._burst = rate_per_s, burst
        self._calls, self._at = float(burst), -inf

    def rate_at(self, now: float, spare: int = 0) -> float:
        """See `Limit`; what was saved up is given away over half a minute, about as long as an answer."""
        saved = max(0.0, self._level(now) - 1 - spare)
        return self._rate_per_s + saved / _SPEND_S

    def ready_at(self, now: float, spare: int = 0) -> float:
        """See `Limit`."""
        needed = min(1 + spare, self._burst)
        return now + max(0.0, (needed - self._level(now)) / self._rate_per_s)

    def take(self, now: float) -> None:
        """See `Limit`."""
        self._calls, self._at = max(0.0, self._level(now) - 1), now  # below nothing it was never so empty

    def refused(self, until: float) -> None:
        """See `Limit`."""
        self._calls, self._at = 1.0, until

    def _level(self, now: float) -> float:
        if self._at == -inf:
            return self._calls
        return min(self._burst, self._calls + (now - self._at) * self._rate_per_s)


class EditBudget:
    """Gives turns to the streams of one channel or account: final, first, intermediate, then by age.

    Args:
        limit: what the platform allows.
        reserve: calls that intermediate edits leave for first and final texts, at most one per stream.
        finals_at_once: final texts do not wait for the limit, only for the end of a refusal: for limits
            that a platform may have set higher than anyone can know.
    """

    def __init__(self, limit: Limit, reserve: int = 2, *, finals_at_once: bool = False) -> None:
        self._limit, self._reserve, self._finals_at_once = limit, reserve, finals_at_once
        self._lanes: set[Lane] = set()
        self._waiting: dict[Lane, asyncio.Future[None]] = {}
        self._blocked_until = -inf
        self._timer: asyncio.TimerHandle | None = None

    def lane(self) -> "Lane":
        """A place for one more stream; leave it with `Lane.close`."""
        lane = Lane(self)
        self._lanes.add(lane)
        return lane

    @property
    def interval_s(self) -> float:
        """Seconds between intermediate edits of one stream, by how many streams there are now."""
        rate_per_s = self._limit.rate_at(asyncio.get_running_loop().time(), self._spare)
        return max(_LEAST_INTERVAL_S, _SHARE_OF_TIME * len(self._lanes) / rate_per_s)

    @property
    def _spare(self) -> int:
        return min(self._reserve, len(self._lanes))

    def _leave(self, lane: "Lane") -> None:
        self._lanes.discard(lane)
        self._plan()

    async def _wait(self, lane: "Lane") -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[lane] = turn
        self._plan()
        try:
            await turn
        finally:
            self._waiting.pop(lane, None)

    def _block(self, retry_after_s: float) -> None:
        until = asyncio.get_running_loop().time() + retry_after_s
        self._blocked_until = max(self._blocked_until, until)
        self._limit.refused(self._blocked_until)
        self._plan()

    def _plan(self) -> None:
        """Set the timer to the moment the next turn can be given."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        when = min((self._ready_at(lane, loop.time()) for lane in self._waiting), default=inf)
        if when < inf:
            self._timer = loop.call_at(when, self._grant)

    def _ready_at(self, lane: "Lane", now: float) -> float:
        if self._finals_at_once and lane.priority is Priority.FINAL:
            return max(now, self._blocked_until)
        spare = self._spare if lane.priority is Priority.INTERMEDIATE else 0
        return max(lane.not_before, self._blocked_until, self._limit.ready_at(now, spare))

    def _grant(self) -> None:
        now = asyncio.get_running_loop().time()
        ready = [
            lane
            for lane, turn in self._waiting.items()
            if not turn.done() and self._ready_at(lane, now) <= now + _EARLY_S
        ]
        if ready:
            lane = min(ready, key=lambda lane: lane.rank)
            self._limit.take(now)
            lane.served_at = now
            self._waiting.pop(lane).set_result(None)
        self._plan()


class Lane:
    """One stream's place in a budget; what is shown is chosen when the turn comes, so it is the latest."""

    def __init__(self, budget: EditBudget) -> None:
        self._budget = budget
        self._number = next(_numbers)
        self.priority = Priority.INTERMEDIATE
        self.asked_at = self.served_at = -inf
        self.refusals = 0

    @property
    def rank(self) -> tuple[int, float]:
        """The lowest goes first: what was asked first is answered first, whoever was refused meanwhile."""
        age = self.asked_at if self.priority is Priority.INTERMEDIATE else self._number
        return -self.priority, age

    @property
    def not_before(self) -> float:
        """When this lane's own interval allows the next turn; never, after too many refusals."""
        if self.priority is not Priority.INTERMEDIATE:
            return -inf
        return inf if self.refusals >= _REFUSALS else self.served_at + self._budget.interval_s

    async def turn(self, priority: Priority) -> None:
        """Wait until one call may be made."""
        self.priority = priority
        self.asked_at = asyncio.get_running_loop().time()
        await self._budget._wait(self)

    def urge(self, priority: Priority) -> None:
        """Raise the priority of the turn that is being waited for."""
        if priority > self.priority:
            self.priority = priority
            self.asked_at = asyncio.get_running_loop().time()
            self._budget._plan()

    def refused(self, retry_after_s: float) -> None:
        """The platform refused a call: everyone in the budget waits as long as it says."""
        self.refusals += 1
        self._budget._block(retry_after_s)

    def close(self) -> None:
        """The stream is over; the others speed up."""
        self._budget._leave(self)
