"""Between a bot and its homeserver: every request is noted, some are refused, answers may be changed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Passed:
    """A request and its answer; times are those of the event loop, in seconds."""

    method: str
    path: str
    status: int
    begun: float
    ended: float
    size: int


class Relay:
    """Passes everything on to one homeserver.

    Attributes:
        passed: every request that was answered, in that order.
        refuse: gives the status and body for a request that the homeserver shall not see, or None.
        change: gives the answer that the client gets instead of the homeserver's.
    """

    def __init__(self, target: str) -> None:
        self.url = ""
        self.passed: list[Passed] = []
        self.refuse: Callable[[str, str], tuple[int, Json] | None] = lambda method, path: None
        self.change: Callable[[str, Json], Json] = lambda path, answer: answer
        self._target = target
        self._changed = asyncio.Condition()

    def count(self, fragment: str, status: int | None = None) -> int:
        """How many requests had this in their path, and this status."""
        return len([p for p in self.passed if fragment in p.path and status in (None, p.status)])

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is true of what passed."""
        async with self._changed:
            await self._changed.wait_for(holds)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Relay"]:
        """Serve for as long as the context lasts."""
        async with aiohttp.ClientSession(auto_decompress=False) as http:

            async def handle(request: web.Request) -> web.StreamResponse:
                return await self._pass(http, request)

            app = web.Application(client_max_size=64 << 20)
            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                host, port = runner.addresses[0][:2]
                self.url = f"http://{host}:{port}"
                yield self
            finally:
                await runner.cleanup()

    async def _pass(self, http: aiohttp.ClientSession, request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        begun, body = loop.time(), await request.read()
        refusal = self.refuse(request.method, request.path)
        if refusal is not None:
            status, data = refusal[0], json.dumps(refusal[1]).encode()
            headers: Mapping[str, str] = {"Content-Type": "application/json"}
        else:
            status, data, headers = await self._ask(http, request, body)
        async with self._changed:
            self.passed.append(Passed(request.method, request.path, status, begun, loop.time(), len(data)))
            self._changed.notify_all()
        return web.Response(status=status, body=data, headers=headers)

    async def _ask(
        self, http: aiohttp.ClientSession, request: web.Request, body: bytes
    ) -> tuple[int, bytes, Mapping[str, str]]:
        url = f"{self._target}{request.raw_path}"
        kept = {
            name: request.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in request.headers
        }
        async with http.request(
            request.method, url, data=body, headers=kept, allow_redirects=False
        ) as answer:
            data = await answer.read()
            kind = answer.headers.get("Content-Type", "application/octet-stream")
        if answer.status == 200 and kind.startswith("application/json"):
            data = json.dumps(self.change(request.path, json.loads(data))).encode()
        return answer.status, data, {"Content-Type": kind}
