"""Files that came with messages: `mxc://` addresses, read with our access token (client-server API, 1.11)."""

import asyncio
import re

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.encryption.files import decrypted
from bot.core.errors import Unsupported
from bot.core.events import Attachment

TIMEOUT_S = 60.0

_PLACE = ("_matrix", "client", "v1", "media", "download")
_ADDRESS = re.compile(r"mxc://([A-Za-z0-9\[][A-Za-z0-9.:\]-]{0,254})/([A-Za-z0-9_-]{1,255})")
"""Source: specification, "Matrix Content (mxc://) URIs" and "Server name"."""


async def fetched(
    account: Account, attachment: Attachment, most_bytes: int, timeout_s: float = TIMEOUT_S
) -> bytes:
    """See `bot.adapters.adapter.Adapter.fetch`."""
    found = _ADDRESS.fullmatch(attachment.url)
    if found is None:
        raise Unsupported(f"{attachment.url[:100]!r} is no address of a file on Matrix")
    data = await account.download(*found.groups(), base=_PLACE, most_bytes=most_bytes, timeout_s=timeout_s)
    return await asyncio.to_thread(decrypted, data, attachment.secret) if attachment.secret else data
