"""Rate limits that only the next call waits for.

discord.py lets the call that empties a bucket sleep until it is full again, with the answer in its hand: one
of five messages would be known to us five seconds late. Here it returns, and whoever calls next waits.
"""

import asyncio
from contextlib import suppress
from types import TracebackType

from aiohttp import ClientResponse
from discord import RateLimited
from discord.http import HTTPClient, Ratelimit

_UNKNOWN_S = 30.0
"""How long to wait for the answer that tells the size of a bucket, before looking again."""


class Bucket(Ratelimit):
    """The calls of one route in one channel or guild; see discord.py's `Ratelimit`, whose fields it uses."""

    def update(self, response: ClientResponse, *, use_clock: bool = False) -> None:
        """Take in what an answer says; calls that are still out may not be counted in it."""
        limit, ours, ended = self.limit, self.remaining, self.expires
        super().update(response, use_clock=use_clock)
        theirs = int(response.headers["X-Ratelimit-Remaining"]) - (self.outgoing - 1)
        ends = self._loop.time() + self.reset_after
        if limit == self.limit and ended is not None and ends - ended < self.reset_after / 2:
            theirs = min(ours, theirs)  # in the same window answers may overtake each other
        self.remaining = max(0, theirs)

    async def acquire(self) -> None:
        """Wait until a call may be made, and count it.

        Raises:
            RateLimited: that takes longer than anybody should wait.
        """
        self._last_request = self._loop.time()
        while True:
            if self.is_expired():
                self._refill()
            if self.remaining > 0:
                break
            left_s = self.expires - self._loop.time() if self.expires is not None else _UNKNOWN_S
            if self._max_ratelimit_timeout is not None and left_s > self._max_ratelimit_timeout:
                raise RateLimited(left_s)
            await self._news(left_s)
        self.remaining -= 1
        self.outgoing += 1

    async def __aexit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """A call has its answer; those who wait look again."""
        self.outgoing -= 1
        if self.remaining <= 0 and self.expires is None:
            self._refill()  # it failed before Discord told anything
        self._wake(len(self._pending_requests))

    def _refill(self) -> None:
        self.remaining, self.expires, self.reset_after = self.limit - self.outgoing, None, 0.0

    async def _news(self, within_s: float) -> None:
        """Wait until another call ends, or for so long."""
        news = self._loop.create_future()
        self._pending_requests.append(news)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await news
        finally:
            with suppress(ValueError):
                self._pending_requests.remove(news)


def keep_limits(http: HTTPClient) -> None:
    """Have a client count its calls in buckets of ours."""
    known = http._buckets

    def of(key: str) -> Ratelimit:
        if key not in known:
            known[key] = Bucket(http.max_ratelimit_timeout)
            http._try_clear_expired_ratelimits()
        return known[key]

    http.get_ratelimit = of  # type: ignore[method-assign]
