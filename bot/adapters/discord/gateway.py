"""The connection to Discord: discord.py keeps it and knows the guilds; events only enter a queue."""

import asyncio
from collections.abc import Callable
from functools import partial

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.adapters.discord.calls import translated
from bot.adapters.discord.settings import Settings
from bot.adapters.reading import Json
from bot.core.errors import PlatformError

OURS = frozenset(
    {
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_DELETE",
        "MESSAGE_DELETE_BULK",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "INTERACTION_CREATE",
    }
)
"""Events that discord.py need not look at: no objects, no cache and no task for each of them."""

SHARED = frozenset(
    {
        "READY",
        "GUILD_CREATE",
        "CHANNEL_CREATE",
        "CHANNEL_UPDATE",
        "CHANNEL_DELETE",
        "THREAD_CREATE",
        "THREAD_DELETE",
    }
)
"""Events from which discord.py and we learn the places."""

RIGHTS = frozenset({"GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE", "GUILD_MEMBER_UPDATE"})
"""Events that may change what we may do, and nothing else that we tell; of members only we are told of."""

MOST_WAITING = 20_000
"""Events in memory; more means that the bot is stuck, and those left out come back from the history."""

_RATE_LIMIT_S = 60.0

Arrived = Callable[[str, Json], None]


class Gateway(discord.AutoShardedClient):
    """discord.py's client with small caches, whose events go to `arrived`."""

    def __init__(self, settings: Settings, arrived: Arrived) -> None:
        if settings.api_base is not None:
            Route.BASE = settings.api_base.rstrip("/")
        if settings.gateway_url is not None:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.gateway_url)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
        super().__init__(
            intents=intents(message_content=settings.message_content),
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=_RATE_LIMIT_S,
        )
        self._settings = settings
        self._one = asyncio.Lock()
        self._is_in = False
        parsers = self._connection.parsers
        for kind in OURS:
            parsers[kind] = partial(arrived, kind)
        for kind in SHARED | RIGHTS:
            parsers[kind] = partial(_both, parsers[kind], partial(arrived, kind))

    async def enter(self) -> str:
        """Log in, once; our user id.

        Raises:
            NeedsOperator: the token is wrong.
            PlatformError: Discord cannot be reached.
        """
        async with self._one:
            if not self._is_in:
                try:
                    await self.login(self._settings.token)
                    self._is_in = True
                except discord.DiscordException as error:
                    raise translated(error) from error
                except OSError as error:
                    raise PlatformError(f"Discord cannot be reached: {error}") from error
                finally:
                    if not self._is_in:  # the next attempt opens a session and a connector of its own
                        await self.http.close()
                        self.http.connector = discord.utils.MISSING
        if self.user is None:
            raise PlatformError("Discord did not say who we are")
        return str(self.user.id)

    async def listen(self) -> None:
        """Stay connected until the client is closed; discord.py resumes and reconnects by itself.

        Raises:
            NeedsOperator: the token or an intent is refused.
        """
        await self.enter()
        try:
            await self.connect(reconnect=True)
        except discord.DiscordException as error:
            raise translated(error) from error


def intents(*, message_content: bool) -> discord.Intents:
    """What we ask to be told; what is said to others only if the operator wants it."""
    wanted = discord.Intents.none()
    wanted.guilds = wanted.messages = wanted.reactions = True
    wanted.message_content = message_content
    return wanted


def _both(theirs: Callable[[Json], None], ours: Callable[[Json], None], data: Json) -> None:
    ours(dict(data))  # before discord.py, which takes things out of it
    theirs(data)
