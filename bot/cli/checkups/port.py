"""The port of [metrics]: free, or served by the bot that runs already."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp

from bot.cli.checkups import Finding
from bot.config import Config
from bot.core.text import _

_TIMEOUT_S = 3.0


async def findings(config: Config) -> AsyncIterator[Finding]:
    """One row, unless nothing is to be served."""
    if (address := config.metrics.address) is None:
        return
    if (refusal := _refusal(*address)) is None:
        yield Finding("metrics port", True, _("{listen} is free", listen=config.metrics.listen))
    elif await _is_us(*address):
        yield Finding(
            "metrics port", True, _("{listen} is served by a running LLMOS", listen=config.metrics.listen)
        )
    else:
        detail = f"{config.metrics.listen}: {refusal}"
        yield Finding("metrics port", False, detail, _("Choose another address with [metrics] listen."))


def _refusal(host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return None


async def _is_us(host: str, port: int) -> bool:
    try:
        async with (
            asyncio.timeout(_TIMEOUT_S),
            aiohttp.ClientSession() as session,
            session.get(f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics") as response,
        ):
            return b"llmos_info" in await response.content.read(1_000_000)
    except (TimeoutError, aiohttp.ClientError):
        return False
