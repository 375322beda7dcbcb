"""The lab itself: one object that serves REST and gateway and is driven by a test."""

import asyncio
import re
import ssl
from typing import Self

from aiohttp import web

from tests.labs.discord.gateway import RESUME_PATH
from tests.labs.discord.records import Fault, Json, Ref, Request, Settings, id_of
from tests.labs.discord.rest import API, Rest
from tests.labs.discord.spec import the_document


class DiscordLab(Rest):
    """A Discord on 127.0.0.1. Make it inside a running event loop, then `await start()`, or use `async with`.

    What the bot did wrong, and what the lab itself lacks, is found in `problems()`.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings or Settings(), the_document())
        self._runner: web.AppRunner | None = None

    # Life cycle

    async def start(self, port: int = 0, ssl_context: ssl.SSLContext | None = None) -> str:
        """Listens; answers `rest_url`. With TLS, "/" is the gateway too (for host overrides)."""
        app = web.Application(client_max_size=30 << 20)
        app.router.add_get("/gateway", self.serve_gateway)
        app.router.add_get(RESUME_PATH, self.serve_gateway)
        app.router.add_get("/cdn/{id}/{name}", self.serve_cdn)
        app.router.add_route("*", API + "/{tail:.*}", self.serve_rest)
        if ssl_context:
            app.router.add_get("/", self.serve_gateway)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=ssl_context).start()
        self.port = self._runner.addresses[0][1]
        secure = "s" if ssl_context else ""
        self.base_url = f"http{secure}://127.0.0.1:{self.port}"
        self.rest_url = self.base_url + API
        self.gateway_url = f"ws{secure}://127.0.0.1:{self.port}/gateway"
        self.resume_url = f"ws{secure}://127.0.0.1:{self.port}{RESUME_PATH}"
        return self.rest_url

    async def stop(self) -> None:
        """Cuts every connection and stops listening."""
        self.drop()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    # Faults and looking

    def fault(
        self,
        pattern: str,
        *,
        status: int = 500,
        count: int = 1,
        retry_after_s: float = 0.3,
        is_global: bool = False,
        cloudflare: bool = False,
        drop: bool = False,
        delay_s: float = 0.0,
        executed: bool = False,
        gate: asyncio.Event | None = None,
    ) -> Fault:
        """Break the next calls whose "METHOD /template" matches; see `Fault`."""
        made = Fault(
            pattern, status, count, retry_after_s, is_global, cloudflare, drop, delay_s, executed, gate
        )
        self.faults.append(made)
        return made

    def calls(self, pattern: str) -> list[Request]:
        """The REST calls whose "METHOD /template" matches."""
        return [r for r in self.requests if re.search(pattern, f"{r.method} {r.route}")]

    def refusals(self) -> list[Request]:
        """The calls answered 401, 403 or 429; Discord bans an address after 10,000 in 10 minutes."""
        return [r for r in self.requests if r.status in (401, 403, 429)]

    def bot_messages(self, channel: Ref) -> list[Json]:
        """What the bot has written there, ephemeral messages included."""
        stored = self.messages[id_of(channel)].values()
        return [m for m in stored if m["author"]["id"] == self.app_id]

    def problems(self) -> list[str]:
        """Everything that makes a run suspect: wrong calls, wrong answers, gaps and crashes."""
        found = [f"bot: {v.kind} {v.where} | {v.detail}" for v in self.violations]
        found += [f"lab: {v.kind} {v.where} | {v.detail}" for v in self.own_violations]
        found += [f"lab lacks {route} ({count} calls)" for route, count in self.unimplemented.items()]
        return found + [f"lab crashed in {route}: {error}" for route, error in self.crashes]
