"""Endpoints of remote engines: reachable, the key accepted, the model known."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp

from bot.cli.checkups import Finding
from bot.config import Config, Engine
from bot.config.addresses import is_private_url
from bot.core.errors import ConfigError
from bot.core.text import _

TIMEOUT_S = 10.0
_MAX_BYTES = 4_000_000
_SHOWN = 5


async def findings(config: Config) -> AsyncIterator[Finding]:
    """One row per remote engine: asks for its list of models, which costs nothing."""
    for engine in config.llm.engines:
        if engine.engine == "openai" and engine.base_url is not None:
            yield await _ask(engine, engine.base_url)


async def _ask(engine: Engine, base_url: str) -> Finding:
    name = f"endpoint {urlsplit(base_url).hostname}"
    try:
        headers = {"Authorization": f"Bearer {engine.api_key.reveal()}"} if engine.api_key else {}
    except ConfigError as error:
        return Finding(name, False, str(error), _("Set it."))
    try:
        status, body = await _get(f"{base_url.rstrip('/')}/models", headers, private=is_private_url(base_url))
    except TimeoutError:
        detail = _("No answer within {n} s.", n=f"{TIMEOUT_S:g}")
        return Finding(name, False, detail, _("See whether the server runs and is not overloaded."))
    except aiohttp.ClientError as error:
        detail = _("It cannot be reached ({why}).", why=type(error).__name__)
        return Finding(name, False, detail, _("Start the server, or check llm.base_url."))
    return _judge(name, engine.model, status, body)


async def _get(url: str, headers: dict[str, str], *, private: bool) -> tuple[int, bytes]:
    async with (
        asyncio.timeout(TIMEOUT_S),
        aiohttp.ClientSession(trust_env=not private) as session,
        session.get(url, headers=headers, allow_redirects=False) as response,
    ):
        return response.status, await response.content.read(_MAX_BYTES)


def _judge(name: str, model: str, status: int, body: bytes) -> Finding:
    if status in (401, 403):
        return Finding(
            name, False, _("It refuses the key ({status}).", status=status), _("Check llm.api_key.")
        )
    if status != 200:
        detail = _("It answered {status} where a list of models was expected.", status=status)
        return Finding(name, False, detail, _("Check llm.base_url; it often ends in /v1."))
    offered = _model_ids(body)
    if offered is None:
        detail = _("What it answered is no list of models.")
        return Finding(name, False, detail, _("Check llm.base_url; it often ends in /v1."))
    if model not in offered:
        some = ", ".join(offered[:_SHOWN]) + (" ..." if len(offered) > _SHOWN else "")
        detail = _("It does not offer {model}.", model=model)
        return Finding(name, False, detail, _("Set llm.model to one it offers: {names}", names=some))
    return Finding(name, True, _("reachable, offers {model}", model=model))


def _model_ids(body: bytes) -> list[str] | None:
    """The ids in a list of models (OpenAI API reference, "List models"), None if it is none."""
    try:
        document = json.loads(body)
        return [str(entry["id"]) for entry in document["data"]]
    except (ValueError, KeyError, TypeError):
        return None
