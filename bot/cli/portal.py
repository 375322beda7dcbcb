"""Discord as `init` and `doctor` try it out: a few requests, and sentences about what is wrong."""

import asyncio
from dataclasses import dataclass

import aiohttp

from bot import __version__
from bot.adapters.reading import Json, integer, table, tables, text, texts
from bot.config.addresses import is_private_url
from bot.core.errors import Forbidden, Gone, PlatformError
from bot.core.text import _

API = "https://discord.com/api/v10"
TIMEOUT_S = 15.0

_CONTENT = 1 << 18 | 1 << 19
"""GATEWAY_MESSAGE_CONTENT, of verified applications, and _LIMITED (Discord, "Application Flags")."""

_ADMINISTRATOR = 1 << 3
_AGENT = f"DiscordBot (llmos-bot, {__version__})"
"""Discord turns away programs that do not say what they are ("User Agent")."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever a token belongs to.

    Attributes:
        api_base: where the REST API is.
        may_read: whether the switch "Message Content Intent" is on in the developer portal.
        guilds: in how many the bot is, about; None if Discord does not say.
    """

    api_base: str
    token: str
    user_id: str
    name: str
    application_id: str
    may_read: bool
    guilds: int | None


async def visiting(token: str, api_base: str | None = None) -> Visitor:
    """Whose token it is, and how the application is set up.

    Raises:
        Forbidden: Discord does not know the token.
        PlatformError: Discord cannot be reached.
    """
    base = api_base or API
    us = await _get(base, "/users/@me", token)
    application = await _get(base, "/oauth2/applications/@me", token)
    return Visitor(
        base,
        token,
        user_id=text(us, "id") or "",
        name=text(us, "username") or "",
        application_id=text(application, "id") or "",
        may_read=bool((integer(application, "flags") or 0) & _CONTENT),
        guilds=integer(application, "approximate_guild_count"),
    )


async def sessions_left(visitor: Visitor) -> int | None:
    """How often a bot may connect anew until Discord resets the token; None if Discord does not say."""
    answer = await _get(visitor.api_base, "/gateway/bot", visitor.token)
    return integer(table(answer, "session_start_limit"), "remaining")


async def channel(visitor: Visitor, channel_id: str) -> Json:
    """A channel.

    Raises:
        Forbidden, Gone: the bot does not see it.
        PlatformError: Discord cannot be reached.
    """
    return await _get(visitor.api_base, f"/channels/{channel_id}", visitor.token)


async def permissions(visitor: Visitor, place: Json) -> int:
    """What the bot may do in a channel of a guild, as bits.

    Source: Discord, "Permission Overwrites".
    """
    guild_id = text(place, "guild_id") or ""
    guild = await _get(visitor.api_base, f"/guilds/{guild_id}", visitor.token)
    path = f"/guilds/{guild_id}/members/{visitor.user_id}"
    roles = set(texts(await _get(visitor.api_base, path, visitor.token), "roles"))
    bits = 0
    for role in tables(guild, "roles"):
        if text(role, "id") in roles | {guild_id}:
            bits |= _bits(role, "permissions")
    if bits & _ADMINISTRATOR or text(guild, "owner_id") == visitor.user_id:
        return ~0
    for layer in ({guild_id}, roles, {visitor.user_id}):
        found = [each for each in tables(place, "permission_overwrites") if text(each, "id") in layer]
        for each in found:
            bits &= ~_bits(each, "deny")
        for each in found:
            bits |= _bits(each, "allow")
    return bits


def invitation(application_id: str) -> str:
    """The link by which a guild's administrator lets the bot in, with the permissions that it uses."""
    import discord  # noqa: PLC0415 - its packages are optional

    from bot.adapters.discord.directory import NEEDED  # noqa: PLC0415 - its packages are optional

    wanted = discord.Permissions(**dict.fromkeys(NEEDED, True))
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application_id, permissions=wanted, scopes=scopes)


def _bits(parent: Json, key: str) -> int:
    written = text(parent, key) or ""
    return int(written) if written.isdecimal() else 0


async def _get(api_base: str, path: str, token: str) -> Json:
    headers = {"Authorization": f"Bot {token.strip()}", "User-Agent": _AGENT}
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession(trust_env=not is_private_url(api_base)) as session,
            session.get(f"{api_base}{path}", headers=headers, allow_redirects=False) as response,
        ):
            answer = await response.json(content_type=None)
    except TimeoutError as error:
        raise PlatformError(_("No answer within {n} s.", n=f"{TIMEOUT_S:g}")) from error
    except aiohttp.ClientError as error:
        raise PlatformError(_("It cannot be reached ({why}).", why=type(error).__name__)) from error
    except ValueError as error:
        raise PlatformError(_("{url} is no API of Discord's.", url=api_base)) from error
    return _judged(api_base, response.status, answer)


def _judged(api_base: str, status: int, answer: object) -> Json:
    if status == 401:
        raise Forbidden(_("Discord does not know this token."))
    if not isinstance(answer, dict):
        raise PlatformError(_("{url} is no API of Discord's.", url=api_base))
    if status == 200:
        return answer
    kind = {403: Forbidden, 404: Gone}.get(status, PlatformError)
    why = str(answer.get("message") or status)[:200].rstrip(".")
    raise kind(_("It refuses ({status}): {why}.", status=status, why=why))
