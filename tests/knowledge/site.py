"""A web site on the loopback address that counts who connects, and a fetcher that may reach only that."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

from bot.knowledge.fetching import USUAL, Bounds, Fetcher

LOOPBACK = "127.0.0.1"

Reply = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
"""A whole answer, or what writes one."""


def answer(body: bytes, kind: str = "text/html", status: str = "200 OK", more: str = "") -> bytes:
    """An answer of a server."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def moved(place: str) -> bytes:
    """An answer that leads elsewhere."""
    return answer(b"", status="302 Found", more=f"Location: {place}\r\n")


@contextmanager
def thread_of(site: "Site") -> Iterator["Site"]:
    """A site for a test that has no loop of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with site.open():
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield site
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def offline() -> Fetcher:
    """A fetcher that knows no site at all."""

    async def resolve(host: str) -> Sequence[str]:
        raise OSError("no such host")

    return Fetcher(resolve=resolve)


@dataclass
class Site:
    """What stands at which path; `requests` are the heads of what was asked."""

    pages: Mapping[str, Reply] = field(default_factory=dict)
    tls: SSLContext | None = None
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    port: int = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Site"]:
        """Listen until the context ends."""
        async with asyncio.TaskGroup() as tasks:
            serving: set[asyncio.Task[None]] = set()

            def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                serving.add(tasks.create_task(self._serve(reader, writer)))

            server = await asyncio.start_server(serve, LOOPBACK, 0, ssl=self.tls)
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield self
            finally:
                server.close()
                for each in serving:
                    each.cancel()

    def address(self, path: str, host: str = "site.example", scheme: str = "http") -> str:
        """Where something stands."""
        return f"{scheme}://{host}:{self.port}{path}"

    def fetcher(
        self,
        *,
        hosts: Mapping[str, Sequence[str]] | None = None,
        bounds: Bounds = USUAL,
        tls: SSLContext | bool = True,
    ) -> Fetcher:
        """A fetcher for which this site is the public internet."""
        known = {"site.example": [LOOPBACK], **(hosts or {})}

        async def resolve(host: str) -> Sequence[str]:
            if host not in known:
                raise OSError("no such host")
            return known[host]

        return Fetcher(
            allowed=lambda address: address == LOOPBACK,
            resolve=resolve,
            ports={self.port},
            bounds=bounds,
            tls=tls,
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            reply = self.pages.get(head.split(" ")[1], answer(b"", status="404 Not Found"))
            if isinstance(reply, bytes):
                writer.write(reply)
            else:
                await reply(writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # who asked has left
        finally:
            writer.close()
