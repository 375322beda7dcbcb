"""Matrix: the homeserver answers, the account opens, and what the bot may do in its rooms."""

from collections.abc import AsyncIterator

from bot.cli.checkups import Finding, encryption
from bot.cli.fit import missing_packages
from bot.cli.homeserver import Json, Visitor, rooms, state, versions, visiting
from bot.config import Config
from bot.core.errors import ConfigError, Forbidden, PlatformError
from bot.core.text import _, ngettext

_MOST_ROOMS = 100
"""More would take longer than a person waits; the finding says how many were looked at."""


async def findings(config: Config) -> AsyncIterator[Finding]:
    """Nothing where there is no [matrix]; a password is tried with a session that ends at once."""
    matrix = config.matrix
    if not config.has_matrix or matrix.homeserver is None or matrix.user_id is None:
        return
    try:
        spoken = await versions(matrix.homeserver)
    except PlatformError as error:
        yield Finding("matrix homeserver", False, str(error), _("Check matrix.homeserver; is it running?"))
        return
    yield Finding("matrix homeserver", True, f"{matrix.homeserver}, Matrix {spoken}")
    try:
        password = matrix.password.reveal() if matrix.password is not None else None
        token = matrix.access_token.reveal() if matrix.access_token is not None else None
    except ConfigError as error:
        yield Finding("matrix account", False, str(error), _("Set it."))
        return
    try:
        async with visiting(matrix.homeserver, matrix.user_id, password=password, token=token) as visitor:
            yield _account(matrix.user_id, visitor)
            if visitor.user_id == matrix.user_id and not missing_packages("matrix")[1]:
                yield await _rooms(visitor, matrix.encryption)
                async for finding in encryption.findings_of(config, visitor):
                    yield finding
    except Forbidden as error:
        fix = _("Check matrix.user_id and matrix.password, or make a new access token.")
        yield Finding("matrix account", False, str(error), fix)
    except PlatformError as error:
        yield Finding("matrix account", False, str(error), _("Try again; see the homeserver's log."))


def _account(user_id: str, visitor: Visitor) -> Finding:
    if visitor.user_id == user_id:
        return Finding("matrix account", True, user_id)
    detail = _("The token belongs to {user}.", user=visitor.user_id)
    return Finding("matrix account", False, detail, _("Set matrix.user_id to it, or take another token."))


async def _rooms(visitor: Visitor, encryption_is_on: bool) -> Finding:
    """In how many rooms the bot is, may moderate, and which of them are encrypted."""
    joined = await rooms(visitor)
    if not joined:
        detail = _("in no room yet; invite {user}", user=visitor.user_id)
        return Finding("matrix rooms", True, detail)
    looked = joined[:_MOST_ROOMS]
    moderating = encrypted = 0
    for room in looked:
        events = await state(visitor, room)
        moderating += _may_moderate(visitor.user_id, events)
        encrypted += any(event.get("type") == "m.room.encryption" for event in events)
    parts = [
        ngettext("in {n} room", "in {n} rooms", len(joined)),
        _("power to moderate in {n} of {all}", n=moderating, all=len(looked)),
    ]
    if encrypted and encryption_is_on:
        parts.append(_("{n} encrypted, which it reads", n=encrypted))
    elif encrypted:
        parts.append(_("{n} encrypted, which it leaves because of encryption = false", n=encrypted))
    return Finding("matrix rooms", True, "; ".join(parts))


def _may_moderate(user_id: str, events: list[Json]) -> bool:
    from bot.adapters.matrix.powers import Powers  # noqa: PLC0415 - only where Matrix is configured

    def content(kind: str) -> Json:
        return next((event for event in events if event.get("type") == kind), {})

    levels = content("m.room.power_levels").get("content")
    powers = Powers.read(content("m.room.create"), levels if isinstance(levels, dict) else None)
    return not powers.missing(user_id)
