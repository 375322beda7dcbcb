"""Reading a file from a homeserver, or from where it sends us, and never more of it than asked for."""

from dataclasses import dataclass

import aiohttp
from yarl import URL

from bot.adapters.bounded import read_body

_CONNECT_TIMEOUT_S = 10.0
_REDIRECTS = (307, 308)
_MOST_REDIRECTS = 2
_MOST_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a server; the body of one with an error may be cut."""

    status: int
    body: bytes
    host: str
    retry_after: str | None = None


async def download(
    http: aiohttp.ClientSession, url: URL, token: str, most_bytes: int, timeout_s: float
) -> Answer:
    """Read a file.

    Homeservers may keep files elsewhere and send us there (source: client-server API, "Content repository",
    307 and 308). Only the homeserver itself sees the token, and nothing secure leads to something insecure.

    Args:
        timeout_s: for the whole of each hop.

    Raises:
        TooBig: it has more than `most_bytes`, or says so.
        aiohttp.ClientError, OSError: it cannot be read.
    """
    home = url.origin()
    timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S)
    for _hop in range(_MOST_REDIRECTS + 1):
        headers = {"Accept-Encoding": "identity"}  # packed, a little could become much
        if url.origin() == home:
            headers["Authorization"] = f"Bearer {token}"
        async with http.get(url, headers=headers, timeout=timeout, allow_redirects=False) as response:
            place = response.headers.get("Location")
            if response.status not in _REDIRECTS or place is None:
                most = most_bytes if response.status == 200 else _MOST_ERROR_BYTES
                body = await read_body(response, most, cut=response.status != 200)
                return Answer(
                    response.status, body, response.url.host or "", response.headers.get("Retry-After")
                )
        url = redirected(url, place)
    raise aiohttp.ClientPayloadError("the file was moved too often")


def redirected(url: URL, place: str) -> URL:
    """Where we are sent.

    Raises:
        aiohttp.ClientError: there is no such place, or it is less safe than the one we come from.
    """
    try:
        found = url.join(URL(place))
    except ValueError as error:
        raise aiohttp.InvalidURL(place) from error
    if found.scheme != "https" and found.scheme != url.scheme:
        raise aiohttp.NonHttpUrlRedirectClientError(found)
    return found
