"""The HTTP server for those who watch the bot, asked over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.core.errors import BotError, StorageError
from bot.core.events import Author, Channel, ThreadOpened
from bot.web import health
from bot.web.health import Probe, build, serving
from bot.web.metrics import Metrics

LOOPBACK = ("127.0.0.1", 0)


async def ready() -> str | None:
    return None


async def loading() -> str | None:
    return "the model is loading"


async def broken() -> str | None:
    raise StorageError("The disk is full.")


async def silent() -> str | None:
    await asyncio.Event().wait()
    return None


@asynccontextmanager
async def asked(
    path: str, probes: Mapping[str, Probe], metrics: Metrics | None = None
) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        serving(LOOPBACK, metrics or Metrics(), probes) as (host, port),
        aiohttp.ClientSession(f"http://{host}:{port}") as session,
        session.get(path) as response,
    ):
        yield response


async def test_a_live_process_is_healthy_even_when_parts_are_not_ready() -> None:
    async with asked("/healthz", {"model": loading}) as response:
        assert response.status == 200
        assert (await response.json())["status"] == "ok"


async def test_a_loop_that_takes_longer_than_a_second_is_not_healthy() -> None:
    times: Iterator[float] = iter((10.0, 11.5))
    app = build(Metrics(), {}, now=lambda: next(times))
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/healthz")
        assert response.status == 503
        assert await response.json() == {"status": "stalled", "loop_lag_ms": 1500.0}


async def test_readiness_needs_every_part() -> None:
    async with asked("/readyz", {"database": ready, "model": ready}) as response:
        assert response.status == 200
        assert await response.json() == {"ready": True, "checks": {"database": "ok", "model": "ok"}}


@pytest.mark.parametrize(("probe", "reason"), [(loading, "loading"), (broken, "disk is full")])
async def test_readiness_names_the_part_that_is_missing_and_why(probe: Probe, reason: str) -> None:
    async with asked("/readyz", {"database": ready, "model": probe}) as response:
        assert response.status == 503
        checks = (await response.json())["checks"]
        assert checks["database"] == "ok"
        assert reason in checks["model"]


async def test_a_part_that_does_not_answer_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.01)
    async with asked("/readyz", {"model": silent}) as response:
        assert response.status == 503
        assert "did not answer" in (await response.json())["checks"]["model"]


async def test_metrics_are_served_as_prometheus_wants_them() -> None:
    metrics = Metrics()
    place = Channel("console", "home", "general")
    metrics.event(ThreadOpened(place, Author("console", "anna", "Anna"), "Hello", datetime.now(UTC)))
    async with asked("/metrics", {}, metrics) as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        assert 'llmos_events_total{kind="ThreadOpened",platform="console"} 1.0' in await response.text()


async def test_an_address_in_use_is_a_sentence_with_the_key_to_change() -> None:
    with socket.socket() as taken:
        taken.bind(LOOPBACK)
        taken.listen()
        with pytest.raises(BotError, match=r"\[metrics\] listen"):
            async with serving(taken.getsockname(), Metrics(), {}):
                pytest.fail("it must not serve on a taken port")


async def test_the_port_is_free_again_afterwards() -> None:
    async with serving(LOOPBACK, Metrics(), {}) as address:
        pass
    async with serving(address, Metrics(), {}) as again:
        assert again == address
