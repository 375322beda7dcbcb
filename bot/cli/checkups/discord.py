"""Discord: the token works, the switches of the developer portal fit, and alerts have somewhere to go."""

from collections.abc import AsyncIterator

from bot.cli.checkups import Finding
from bot.cli.fit import missing_packages
from bot.cli.portal import Visitor, channel, invitation, permissions, sessions_left, visiting
from bot.config import Config
from bot.core.errors import ConfigError, Forbidden, Gone, PlatformError
from bot.core.text import _, ngettext

_FEW_SESSIONS = 50
"""Of a thousand a day; below this something connects again and again."""

_TO_WRITE = {
    "view channel": 1 << 10,
    "send messages": 1 << 11,
    "read message history": 1 << 16,
}
"""What an alert needs in its channel (Discord, "Permissions")."""


async def findings(config: Config) -> AsyncIterator[Finding]:
    """Nothing where there is no [discord]; nothing is written and no session opened."""
    discord = config.discord
    if not config.has_discord or discord.token is None:
        return
    try:
        visitor = await visiting(discord.token.reveal(), discord.api_base)
    except ConfigError as error:
        yield Finding("discord account", False, str(error), _("Set it."))
    except Forbidden as error:
        fix = _("Make a new one in the developer portal (Bot, Reset Token) and set discord.token.")
        yield Finding("discord account", False, str(error), fix)
    except PlatformError as error:
        fix = _("Check the connection to Discord, and discord.api_base if you set it.")
        yield Finding("discord account", False, str(error), fix)
    else:
        yield Finding("discord account", True, visitor.name)
        yield _content(wanted=discord.message_content, allowed=visitor.may_read)
        yield _guilds(visitor)
        yield await _sessions(visitor)
        yield await _moderators(visitor, discord.moderators_channel)


def _content(*, wanted: bool, allowed: bool) -> Finding:
    name = "discord message content"
    match wanted, allowed:
        case True, True:
            return Finding(name, True, _("on: it reads all it can see"))
        case True, False:
            detail = _("message_content = true, but the developer portal does not allow it.")
            fix = _(
                'Switch on "Message Content Intent" in the developer portal (Bot), or set '
                "discord.message_content = false: Discord refuses the connection otherwise."
            )
            return Finding(name, False, detail, fix)
        case _:
            detail = _("off: it reads mentions, replies to it, private conversations and commands")
            return Finding(name, True, detail)


def _guilds(visitor: Visitor) -> Finding:
    name = "discord servers"
    if visitor.guilds is None:
        return Finding(name, True, _("Discord does not say in how many"))
    if visitor.guilds:
        return Finding(name, True, ngettext("in {n} server", "in {n} servers", visitor.guilds))
    if missing_packages("discord")[1]:
        return Finding(name, True, _("in no server yet"))
    return Finding(
        name, True, _("in no server yet; invite it: {link}", link=invitation(visitor.application_id))
    )


async def _sessions(visitor: Visitor) -> Finding:
    left = await sessions_left(visitor)
    if left is None or left >= _FEW_SESSIONS:
        return Finding("discord gateway", True, _("open"))
    detail = ngettext("{n} new connection left today", "{n} new connections left today", left)
    fix = _("Find out what starts again and again, and stop it: at 0 Discord resets the token.")
    return Finding("discord gateway", False, detail, fix)


async def _moderators(visitor: Visitor, channel_id: str | None) -> Finding:
    name = "discord moderators"
    if channel_id is None:
        detail = _("moderators_channel is not set: no report or warning reaches anybody")
        return Finding(name, True, detail)
    try:
        place = await channel(visitor, channel_id)
        allowed = await permissions(visitor, place)
    except (Forbidden, Gone):
        detail = _("It sees no channel {channel}.", channel=channel_id)
        fix = _("Check discord.moderators_channel, and let the bot's role see that channel.")
        return Finding(name, False, detail, fix)
    where = f"#{place.get('name')}"
    missing = [each for each, bit in _TO_WRITE.items() if not allowed & bit]
    if missing:
        detail = _("In {channel} it lacks: {missing}.", channel=where, missing=", ".join(missing))
        return Finding(name, False, detail, _("Give the bot's role these permissions in that channel."))
    return Finding(name, True, where)
