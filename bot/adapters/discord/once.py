"""Requests that may not be made twice: discord.py repeats what a 5xx answered, though it may have been done.

A request that carries a nonce can be repeated. The further messages of an interaction take none.
"""

from types import SimpleNamespace

import aiohttp


class Once:
    """Goes with one request, as its `trace_request_ctx`."""

    def __init__(self) -> None:
        self.in_doubt = False


class InDoubt(aiohttp.ClientError):
    """It may have been done."""


def only_once() -> aiohttp.TraceConfig:
    """What lets a client refuse to repeat a request that goes with a `Once`, once it is in doubt.

    A 429 is no doubt: then nothing was done.
    """
    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(_starts)
    tracing.on_request_end.append(_ended)
    tracing.on_request_exception.append(_broke)
    return tracing


async def _starts(
    _session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
) -> None:
    once = context.trace_request_ctx
    if isinstance(once, Once) and once.in_doubt:
        raise InDoubt(f"{params.method} failed, and may have been done")


async def _ended(
    _session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
) -> None:
    once = context.trace_request_ctx
    if isinstance(once, Once) and params.response.status >= 500:
        once.in_doubt = True


async def _broke(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestExceptionParams
) -> None:
    once = context.trace_request_ctx
    if isinstance(once, Once):
        once.in_doubt = True
