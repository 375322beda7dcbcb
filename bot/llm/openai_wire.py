"""The HTTP connection under the `openai` client: nothing needless is said, the end of a stream is seen."""

import ipaddress
import re
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator

import httpx2

from bot import __version__

_DONE = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]")
_TAIL_BYTES = 64
_CONNECT_TIMEOUT_S = 10.0
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")  # RFC 6761, 6762, 8375
# What the client would tell about the operator's machine and account.
_UNASKED = re.compile(r"x-stainless-.*|openai-(organization|project)")


def is_private(url: str) -> bool:
    """True when a URL stays on this machine or in its private network, judged by the name alone."""
    host = httpx2.URL(url).host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_PRIVATE_SUFFIXES))
    return address.is_private or address.is_loopback or address.is_link_local


class Watched(httpx2.AsyncByteStream):
    """A response body that remembers whether `[DONE]` came by and mends what is not UTF-8.

    Attributes:
        done: the server said that this was all.
    """

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        """Args: body: as received, without content encoding."""
        self.done = False
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes, every character complete."""
        decoder = getincrementaldecoder("utf-8")(errors="replace")
        tail = b""
        async for chunk in self._body:
            seen = tail + chunk
            self.done = self.done or _DONE.search(seen) is not None
            tail = seen[-_TAIL_BYTES:]
            yield decoder.decode(chunk).encode()

    async def aclose(self) -> None:
        """Close the connection under it, if it was not read to its end."""
        await self._body.aclose()


def http_client(base_url: str, api_key: str | None, timeout_s: float) -> httpx2.AsyncClient:
    """A client that says only what is needed and follows no redirects to other hosts."""

    async def hush(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if _UNASKED.fullmatch(name.lower())]:
            del request.headers[name]
        if api_key is None:
            request.headers.pop("authorization", None)
        request.headers["user-agent"] = f"LLMOS/{__version__}"
        request.headers["accept-encoding"] = "identity"

    async def watch(response: httpx2.Response) -> None:
        plain = response.headers.get("content-encoding", "identity") == "identity"
        if plain and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = Watched(response.stream)

    return httpx2.AsyncClient(
        event_hooks={"request": [hush], "response": [watch]},
        timeout=httpx2.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s)),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=16),
        follow_redirects=False,
        trust_env=not is_private(base_url),  # a proxy from the environment is not for our own machines
    )
