"""The small HTTP server for those who watch the bot: /healthz, /readyz and /metrics."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic

from aiohttp import web

from bot.core.errors import BotError
from bot.web.metrics import Metrics

Probe = Callable[[], Awaitable[str | None]]
"""Asked whether a part is ready: None when it is, else a short reason."""

PROBE_TIMEOUT_S = 2.0
"""A part that does not even answer is not ready; orchestrators ask again every few seconds."""

STALL_S = 1.0
"""An event loop that needs longer for one turn is not healthy; the budget is 0.1 s."""


def build(
    metrics: Metrics, probes: Mapping[str, Probe], now: Callable[[], float] = monotonic
) -> web.Application:
    """The web application.

    Args:
        probes: name of a part ("database", "model", "discord") -> how to ask whether it is ready.
        now: seconds of a clock that never goes back.
    """

    async def healthz(request: web.Request) -> web.Response:
        before = now()
        await asyncio.sleep(0)  # one turn of the loop: everything that was ready to run has run
        lag_s = now() - before
        healthy = lag_s <= STALL_S
        body = {"status": "ok" if healthy else "stalled", "loop_lag_ms": round(lag_s * 1000, 1)}
        return web.json_response(body, status=200 if healthy else 503)

    async def readyz(request: web.Request) -> web.Response:
        async with asyncio.TaskGroup() as group:
            asked = {name: group.create_task(_ask(probe)) for name, probe in probes.items()}
        reasons = {name: task.result() for name, task in asked.items()}
        ready = not any(reasons.values())
        body = {"ready": ready, "checks": {name: reason or "ok" for name, reason in reasons.items()}}
        return web.json_response(body, status=200 if ready else 503)

    async def exposition(request: web.Request) -> web.Response:
        body, content_type = metrics.exposition()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", exposition)]
    )
    return app


@asynccontextmanager
async def serving(
    address: tuple[str, int], metrics: Metrics, probes: Mapping[str, Probe]
) -> AsyncIterator[tuple[str, int]]:
    """Serve as long as the context lasts.

    Args:
        address: (host, port); port 0 takes any free one.

    Returns:
        The (host, port) that was bound.

    Raises:
        BotError: the address cannot be used; the text says what to do.
    """
    runner = web.AppRunner(build(metrics, probes), access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        host, port = address
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise BotError(
                f"Nothing can be served on {host}:{port} ({error.strerror or error}). Another program may "
                'use it: choose another address with [metrics] listen, or "" to serve nothing.'
            ) from error
        bound = runner.addresses[0]
        yield str(bound[0]), int(bound[1])
    finally:
        await runner.cleanup()


async def _ask(probe: Probe) -> str | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await probe()
    except TimeoutError:
        return f"did not answer within {PROBE_TIMEOUT_S:g} s"
    except BotError as error:
        return str(error)
