"""Files that came with messages and commands: read from Discord's own servers, without our token."""

import aiohttp
from yarl import URL

from bot.adapters.bounded import read_body
from bot.core.errors import Gone, PlatformError, TooBig, Unsupported
from bot.core.events import Attachment

TIMEOUT_S = 30.0

_HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
"""Where Discord keeps files (Discord, "Attachment Object"; "Reference, CDN")."""


async def fetched(
    attachment: Attachment, most_bytes: int, api_base: str | None, timeout_s: float = TIMEOUT_S
) -> bytes:
    """See `bot.adapters.adapter.Adapter.fetch`.

    Args:
        api_base: of a proxy of Discord's, which may serve files too.
    """
    if not _is_discords(attachment.url, api_base):
        raise Unsupported(f"{attachment.url[:100]!r} is no address of a file on Discord")
    if attachment.size_bytes > most_bytes:
        raise TooBig(f"the file has {attachment.size_bytes} bytes, more than {most_bytes}")
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    headers = {"Accept-Encoding": "identity"}  # packed, a little could become much
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(attachment.url, headers=headers, allow_redirects=False) as response,
        ):
            if response.status in (403, 404, 410):  # 403: its signed address is over
                raise Gone("the file is not there any more")
            if response.status != 200:
                raise PlatformError(f"Discord answered {response.status} instead of a file")
            return await read_body(response, most_bytes)
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        raise PlatformError(f"the file cannot be read: {error or type(error).__name__}") from error


def _is_discords(address: str, api_base: str | None) -> bool:
    try:
        url = URL(address)
        proxy = URL(api_base).origin() if api_base is not None else None
    except ValueError:
        return False
    if not url.is_absolute():
        return False
    return (url.scheme == "https" and url.host in _HOSTS) or url.origin() == proxy
