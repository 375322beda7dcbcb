"""Reading a page of the web that somebody named, who may wish us to reach what only we can.

Where an address leads is looked up once, by us; every answer has to be allowed, and the connection goes to
nothing but these answers, so a name cannot lead elsewhere a moment later. Each redirect is looked at anew.
"""

import asyncio
import re
import socket
import zlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath
from ssl import SSLContext

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot import __version__
from bot.core.errors import Unreachable
from bot.core.text import _
from bot.knowledge.extracting import PAGES, PROSE, too_large
from bot.knowledge.public import is_public

ADDRESS = re.compile(r"<?([a-z][a-z0-9+.-]*://\S+?)>?", re.IGNORECASE)
"""What is meant as an address, whether it can be fetched or not."""

_CHARACTERS = 2_000
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.IGNORECASE)
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
"""A last label that makes a host an IPv4 address in some spelling (source: URL Standard, "ends in a number
checker").
"""
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {
    "Accept": "text/markdown, text/html, application/xhtml+xml, text/plain;q=0.9, application/pdf;q=0.9",
    "Accept-Encoding": "gzip",
    "User-Agent": f"LLMOS/{__version__}",
}
_TYPES = frozenset({"application/pdf", "application/xhtml+xml", "application/markdown"})
_NO_TEXTS = frozenset({"text/css", "text/javascript", "text/event-stream", "text/calendar", "text/vcard"})
_UNTOLD = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""What servers say of files of which they know nothing: then the name counts."""
_UNPACKED_AT_ONCE = 1024 * 1024

Resolve = Callable[[str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one page may cost, all its redirects together."""

    bytes: int = 20 * 1024 * 1024
    seconds: float = 30
    redirects: int = 5


USUAL = Bounds()


@dataclass(frozen=True, slots=True)
class Page:
    """What stands at an address; `name` is the end of its path, `media_type` what the server says of it."""

    content: bytes
    name: str
    media_type: str


async def looked_up(host: str) -> Sequence[str]:
    """The addresses of a host, as this machine knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_rest, address in found))


def parsed(address: str) -> URL:
    """An address as it is fetched and remembered: without what stands after #.

    Raises:
        Unreachable: nothing is ever fetched from there; says why.
    """
    typed = ADDRESS.fullmatch(address.strip())
    try:
        url = URL(typed[1] if typed else address.strip()).with_fragment(None)
        host, port = (url.raw_host or "").removesuffix("."), url.port
    except ValueError as error:
        raise Unreachable(_("That is no address that I can read.")) from error
    if url.scheme not in ("http", "https"):
        raise Unreachable(_("I fetch http and https addresses only."))
    if url.raw_user is not None or url.raw_password is not None:
        raise Unreachable(_("I fetch nothing with a name or password in its address."))
    if len(str(url)) > _CHARACTERS or not port or not _is_host(host):
        raise Unreachable(_("That is no address that I can read."))
    return url if ":" in host else url.with_host(host)


class Fetcher:
    """Fetches pages; the parts by which it decides are given, so that tests can give others."""

    def __init__(
        self,
        *,
        allowed: Callable[[str], bool] = is_public,
        resolve: Resolve = looked_up,
        ports: Collection[int] = (80, 443),
        bounds: Bounds = USUAL,
        tls: SSLContext | bool = True,
    ) -> None:
        """Args: allowed: whether an address, as digits, may be connected to."""
        self._allowed, self._resolve, self._ports = allowed, resolve, ports
        self._bounds, self._tls = bounds, tls

    async def fetch(self, address: str) -> Page:
        """What stands at an address.

        Raises:
            Unreachable: it cannot be fetched, or must not be; says why.
            Unreadable: it is too large.
        """
        url = parsed(address)
        try:
            async with asyncio.timeout(self._bounds.seconds):
                return await self._followed(url)
        except TimeoutError as error:
            told = _("It took longer than {n:g} seconds, so I gave up.", n=self._bounds.seconds)
            raise Unreachable(told) from error
        except aiohttp.ClientSSLError as error:
            raise Unreachable(_("The certificate of the server there cannot be trusted.")) from error
        except (aiohttp.ClientError, OSError, ValueError, zlib.error) as error:
            raise Unreachable(_("The server there cannot be reached, or broke off.")) from error

    async def _followed(self, url: URL) -> Page:
        for _hop in range(self._bounds.redirects + 1):
            found = await self._one(url)
            if isinstance(found, Page):
                return found
            if found.scheme != "https" and url.scheme == "https":
                raise Unreachable(_("It leads from https to http, which anybody could have changed."))
            url = found
        raise Unreachable(_("It leads from one address to the next without end."))

    async def _one(self, url: URL) -> Page | URL:
        """What stands there, or where it leads."""
        if url.port not in self._ports:
            raise Unreachable(_("I fetch from the usual ports of the web only."))
        connector = aiohttp.TCPConnector(
            resolver=_Pinned(await self._addresses(url.raw_host or "")),
            use_dns_cache=False,
            force_close=True,
            ssl=self._tls,
            socket_factory=self._socket,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                auto_decompress=False,
                trust_env=False,  # a proxy would look names up anew
                timeout=aiohttp.ClientTimeout(total=None),  # ours runs already
            ) as http,
            http.get(url, allow_redirects=False) as response,
        ):
            place = response.headers.get("Location")
            if response.status in _REDIRECTS and place is not None:
                return parsed(str(url.join(URL(place))))
            return await self._page(url, response)

    async def _addresses(self, host: str) -> Sequence[str]:
        """Where a host is, all of it allowed."""
        if _is_digits(host):
            found: Sequence[str] = [host]
        else:
            try:
                found = await self._resolve(host)
            except (OSError, UnicodeError) as error:
                raise Unreachable(_("There is no such site. Look at how its address is spelled.")) from error
        if not found or not all(map(self._allowed, found)):
            raise Unreachable(
                _(
                    "It leads into a private network or to this machine, and I fetch only what is public. "
                    "Write down what it says, or let the operator add it as a file."
                )
            )
        return found

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """The last look at where a connection goes, whatever was decided before."""
        family, kind, protocol, _name, place = address
        if not self._allowed(str(place[0])):
            raise OSError("not allowed")
        return socket.socket(family, kind, protocol)

    async def _page(self, url: URL, response: aiohttp.ClientResponse) -> Page:
        if response.status != 200:
            raise Unreachable(_refusal(response.status))
        name, told = PurePosixPath(url.path).name, response.headers.get("Content-Type", "")
        kind = told.partition(";")[0].strip().lower()
        if kind in _UNTOLD and PurePosixPath(name).suffix.lower() in PROSE | PAGES | {".pdf"}:
            told = ""
        elif kind in _NO_TEXTS or not (kind.startswith("text/") or kind in _TYPES):
            named = kind if re.fullmatch(r"[\w.+/-]{1,60}", kind) else "?"
            raise Unreachable(
                _("What stands there is {kind}. I read web pages, text, Markdown and PDF.", kind=named)
            )
        if (response.content_length or 0) > self._bounds.bytes:
            raise too_large(self._bounds.bytes)
        return Page(await self._body(response), name, told)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        packing = response.headers.get("Content-Encoding", "identity").strip().lower()
        if packing in ("identity", ""):
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > self._bounds.bytes:
                    raise too_large(self._bounds.bytes)
            return bytes(body)
        if packing not in ("gzip", "x-gzip"):
            raise ValueError(packing)
        return await self._unpacked(response)

    async def _unpacked(self, response: aiohttp.ClientResponse) -> bytes:
        """A body under gzip, a little at a time: a thousand bytes can become a million."""
        body, read, gzip = bytearray(), 0, _gzip()
        async for chunk in response.content.iter_any():
            read += len(chunk)
            rest = chunk
            while rest:
                gzip = _gzip() if gzip.eof else gzip  # there may be one after the other
                body += gzip.decompress(rest, _UNPACKED_AT_ONCE)
                rest = gzip.unused_data if gzip.eof else gzip.unconsumed_tail
                if max(len(body), read) > self._bounds.bytes:
                    raise too_large(self._bounds.bytes)
                await asyncio.sleep(0)
        body += gzip.flush()
        if not gzip.eof:
            raise ValueError("the body broke off")
        return bytes(body)


class _Pinned(AbstractResolver):
    """Knows one host, whose addresses were allowed."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Its addresses."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""


def _gzip() -> "zlib._Decompress":
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _is_host(host: str) -> bool:
    """A name, or an address as digits in its one usual spelling."""
    if _is_digits(host):
        return True
    return bool(_HOST.fullmatch(host)) and not _NUMBER.fullmatch(host.rpartition(".")[2])


def _is_digits(host: str) -> bool:
    with suppress(ValueError):
        ip_address(host)
        return True
    return False


def _refusal(status: int) -> str:
    match status:
        case 404 | 410:
            return _("Nothing stands at that address (any more).")
        case 401 | 403 | 407 | 451:
            return _("The server there does not show it to me ({status}).", status=status)
        case _:
            return _("The server there answers with {status}. Try again later.", status=status)
