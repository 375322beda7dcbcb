"""Reading what a server sends, and never more of it than asked for."""

import aiohttp

from bot.core.errors import TooBig


async def read_body(response: aiohttp.ClientResponse, most_bytes: int, *, cut: bool = False) -> bytes:
    """The body of an answer.

    Args:
        cut: leave out what is too much, such as of an error.

    Raises:
        TooBig: it has more than `most_bytes`, or says so.
    """
    if not cut and (response.content_length or 0) > most_bytes:
        raise TooBig(f"the file has {response.content_length} bytes, more than {most_bytes}")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most_bytes:
            if cut:
                break
            raise TooBig(f"the file has more than {most_bytes} bytes")
    return bytes(body)
