"""A homeserver as `init` and `doctor` try it out: a few requests, and sentences about what is wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from bot.config.addresses import is_private_url
from bot.core.errors import Forbidden, PlatformError
from bot.core.text import _

TIMEOUT_S = 15.0
_REFUSED = (401, 403)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is logged in for a moment.

    Attributes:
        user_id: whose account it is, as the homeserver says.
        device_id: of the token, or of the session that ends soon.
    """

    homeserver: str
    user_id: str
    token: str
    device_id: str = ""


async def versions(homeserver: str) -> str:
    """The newest version of the specification that a homeserver speaks.

    Raises:
        PlatformError: it cannot be reached, or is no homeserver.
    """
    answer = await _call("GET", homeserver, "/versions")
    spoken = answer.get("versions")
    if not isinstance(spoken, list) or not spoken:
        raise PlatformError(_("{url} is no Matrix homeserver.", url=homeserver))
    return str(spoken[-1])


async def discovered(server: str) -> str:
    """The address of a server's homeserver as its .well-known file tells it, else its own.

    Args:
        server: "https://" and the part of user ids behind the colon.

    Source: specification, client-server API, "Well-known URI".
    """
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession(trust_env=not is_private_url(server)) as session,
            session.get(f"{server}/.well-known/matrix/client") as response,
        ):
            found = await response.json(content_type=None)
        return str(found["m.homeserver"]["base_url"]).rstrip("/")
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return server  # the person is shown it, and may write another


@asynccontextmanager
async def visiting(
    homeserver: str, user_id: str, *, password: str | None, token: str | None
) -> AsyncIterator[Visitor]:
    """Be logged in: with the token, or with the password as a session of its own that ends with the context.

    Raises:
        Forbidden: the account does not open with them.
        PlatformError: the homeserver cannot be reached.
    """
    if token is not None:
        answer = await _call("GET", homeserver, "/v3/account/whoami", token=token)
        yield Visitor(homeserver, str(answer.get("user_id")), token, str(answer.get("device_id", "")))
        return
    body: Json = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user_id},
        "password": password,
        "initial_device_display_name": "llmos doctor",
    }
    answer = await _call("POST", homeserver, "/v3/login", body)
    user_id, token, device_id = (str(answer.get(key)) for key in ("user_id", "access_token", "device_id"))
    visitor = Visitor(homeserver, user_id, token, device_id)
    try:
        yield visitor
    finally:
        await _call("POST", homeserver, "/v3/logout", {}, token=visitor.token)


async def rooms(visitor: Visitor) -> list[str]:
    """The rooms the account is in."""
    answer = await _call("GET", visitor.homeserver, "/v3/joined_rooms", token=visitor.token)
    return [str(room) for room in answer.get("joined_rooms", [])]


async def state(visitor: Visitor, room: str) -> list[Json]:
    """The state events of a room."""
    path = f"/v3/rooms/{quote(room)}/state"
    found = await _call("GET", visitor.homeserver, path, token=visitor.token)
    return [event for event in found.get("events", []) if isinstance(event, dict)]


async def own_keys(visitor: Visitor) -> Json:
    """The answer of `/keys/query` about the account: its devices and its cross-signing identity."""
    body: Json = {"device_keys": {visitor.user_id: []}}
    return await _call("POST", visitor.homeserver, "/v3/keys/query", body, token=visitor.token)


async def _call(
    method: str, homeserver: str, path: str, body: Json | None = None, *, token: str = ""
) -> Json:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{homeserver}/_matrix/client{path}"
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession(trust_env=not is_private_url(url)) as session,
            session.request(method, url, json=body, headers=headers, allow_redirects=False) as response,
        ):
            answer = await response.json(content_type=None)
    except TimeoutError as error:
        raise PlatformError(_("No answer within {n} s.", n=f"{TIMEOUT_S:g}")) from error
    except aiohttp.ClientError as error:
        raise PlatformError(_("It cannot be reached ({why}).", why=type(error).__name__)) from error
    except ValueError as error:
        raise PlatformError(_("{url} is no Matrix homeserver.", url=homeserver)) from error
    return _judged(homeserver, response.status, answer)


def _judged(homeserver: str, status: int, answer: object) -> Json:
    if isinstance(answer, list):
        return {"events": answer}
    if not isinstance(answer, dict) or status == 404:
        raise PlatformError(_("{url} is no Matrix homeserver.", url=homeserver))
    if status == 200:
        return answer
    why = answer.get("error") or answer.get("errcode") or status
    kind = Forbidden if status in _REFUSED else PlatformError
    raise kind(_("It refuses ({status}): {why}.", status=status, why=str(why)[:200].rstrip(".")))
