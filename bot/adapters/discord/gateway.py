"""The connection to Discord: discord.py keeps it and knows the guilds; events only enter a queue."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial

import aiohttp
import discord
import yarl
from discord.errors import ConnectionClosed
from discord.gateway import DiscordWebSocket, KeepAliveHandler
from discord.http import HTTPClient, Route

from bot.adapters.discord.buckets import keep_limits
from bot.adapters.discord.calls import Unreachable, translated
from bot.adapters.discord.identifies import Allowance, Identifies
from bot.adapters.discord.once import only_once
from bot.adapters.discord.settings import Settings
from bot.adapters.discord.watchdog import Patience, Watchdog
from bot.adapters.reading import Json
from bot.core.errors import NeedsOperator, PlatformError

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
        "GUILD_ROLE_CREATE",
        "GUILD_ROLE_UPDATE",
        "GUILD_ROLE_DELETE",
        "CHANNEL_CREATE",
        "CHANNEL_UPDATE",
        "CHANNEL_DELETE",
        "THREAD_CREATE",
        "THREAD_UPDATE",
        "THREAD_DELETE",
    }
)
"""Events from which discord.py and we learn the places, and the roles that stand for us."""

RIGHTS = frozenset({"GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE", "GUILD_MEMBER_UPDATE"})
"""Events that may change what we may do, and nothing else that we tell; of members only we are told of."""

MOST_WAITING = 20_000
"""Events in memory; more means that the bot is stuck, and those left out come back from the history."""

RATE_LIMIT_S = 60.0
"""How long a request may wait for its bucket."""

_FAREWELL_S = 5.0
_TOKEN_REFUSED = 4004  # Discord, "Gateway Close Event Codes"

_log = logging.getLogger(__name__)

Arrived = Callable[[str, Json], None]


class Lost(PlatformError):
    """The connection is over for good; the next one begins a new session."""


class Connection(discord.AutoShardedClient):
    """discord.py's client with small caches, whose events go to `arrived`; it is connected once."""

    def __init__(
        self, settings: Settings, arrived: Arrived, watchdog: Watchdog, identifies: Identifies
    ) -> None:
        super().__init__(
            intents=intents(message_content=settings.message_content),
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=RATE_LIMIT_S,
        )
        self._watchdog, self._identifies = watchdog, identifies
        self._begun: set[int | None] = set()
        self._barred = asyncio.Event()
        parsers = self._connection.parsers
        for kind in OURS:
            parsers[kind] = partial(arrived, kind)
        for kind in SHARED | RIGHTS:
            parsers[kind] = partial(_both, parsers[kind], partial(arrived, kind))

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py's hook: a session is going to be begun; one of too many is not."""
        again = shard_id in self._begun
        if self._identifies.barred(again=again):
            self._barred.set()  # it would try again for ever, so `watch` ends it
            await asyncio.Event().wait()
        self._begun.add(shard_id)
        await super().before_identify_hook(shard_id, initial=initial)
        await self._identifies.begin()

    async def on_shard_connect(self, shard_id: int) -> None:
        """discord.py's event: a session was begun."""
        self._watchdog.connected(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        """discord.py's event: a session was resumed."""
        self._watchdog.connected(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """discord.py's event: a connection ended, or an attempt failed."""
        self._watchdog.disconnected(shard_id)

    async def run_once(self) -> None:
        """Be connected, until discord.py gives up.

        Raises:
            discord.DiscordException
        """
        try:
            await self.connect(reconnect=True)
        finally:
            await self.leave()

    async def watch(self, look_s: float) -> None:
        """Look again and again, until discord.py does not get on by itself.

        Raises:
            Lost
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(look_s):
                    await self._barred.wait()
            barred = "too many sessions were begun" if self._barred.is_set() else None
            trouble = barred or self._watchdog.look(self.latencies, self.shard_count)
            if trouble is not None:
                # closed first, as discord.py swallows a cancellation while it reconnects
                await self.leave()
                raise Lost(f"{trouble}; the session is given up for a new one")

    async def leave(self) -> None:
        """Close every socket, also of a peer that does not answer."""
        try:
            async with asyncio.timeout(_FAREWELL_S):
                await self.close()
                for thread in self._beating():  # discord.py forgets a socket that has not identified yet
                    await thread.ws.close(code=1000)
        except TimeoutError:
            await self.http.close()
            for thread in self._beating():
                thread.stop()

    def _beating(self) -> list[KeepAliveHandler]:
        return [
            thread
            for thread in threading.enumerate()
            if isinstance(thread, KeepAliveHandler) and thread.ws._connection is self._connection
        ]


class Gateway:
    """One account's connection, begun anew whenever it is lost, and the requests that outlive it.

    Attributes:
        http: for requests that outlive a connection; its token is known after `enter`.
        direct: for interactions, which no limit of other requests may hold up.
        waits_until: when the next session may be begun, as long as there were too many.
    """

    def __init__(
        self, settings: Settings, arrived: Arrived, now: Callable[[], datetime], patience: Patience
    ) -> None:
        if settings.api_base is not None:
            Route.BASE = settings.api_base.rstrip("/")
        if settings.gateway_url is not None:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.gateway_url)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
        self.http = HTTPClient(discord.utils.MISSING, max_ratelimit_timeout=RATE_LIMIT_S)
        keep_limits(self.http)
        self.direct = HTTPClient(
            discord.utils.MISSING, max_ratelimit_timeout=RATE_LIMIT_S, http_trace=only_once()
        )
        self._settings, self._arrived, self._patience = settings, arrived, patience
        self._now = now
        self._identifies = Identifies(settings.folder / "identifies.json", now)
        self.waits_until: datetime | None = None
        self._one = asyncio.Lock()
        self._user_id: str | None = None
        self._application_id: str | None = None
        self._connections: list[Connection] = []
        self._closed = False

    @property
    def application_id(self) -> str:
        """The id of our application, after `enter`."""
        return self._application_id or ""

    async def enter(self) -> str:
        """Log in, once; our user id.

        Raises:
            NeedsOperator: the token is wrong.
            PlatformError: Discord cannot be reached.
        """
        async with self._one:
            if self._user_id is None:
                with _in_our_words():
                    await self._log_in()
        if self._user_id is None:
            raise PlatformError("Discord did not say who we are")
        return self._user_id

    async def _log_in(self) -> None:
        done = False
        try:
            user = await self.http.static_login(self._settings.token)
            await self.direct.static_login(self._settings.token)
            application = await self.http.application_info()
            await self._identifies.load(str(user["id"]))
            self._user_id, self._application_id = str(user["id"]), str(application["id"])
            done = True
        finally:
            if not done:  # the next attempt opens a session and a connector of its own
                for http in (self.http, self.direct):
                    await http.close()
                    http.connector = discord.utils.MISSING

    async def listen(self) -> None:
        """Stay connected, until the client is closed or the connection is lost for good.

        discord.py resumes and reconnects by itself; called again, this begins a new session.

        Raises:
            NeedsOperator: the token or an intent is refused.
            PlatformError: the connection is lost.
        """
        await self.enter()
        with _in_our_words():
            await self._allowed()
        connection = Connection(self._settings, self._arrived, Watchdog(self._patience), self._identifies)
        self._connections = [*[each for each in self._connections if each.guilds][-1:], connection]
        with _in_our_words():
            try:
                await connection.login(self._settings.token)
                await self._connected(connection)
            finally:
                await connection.leave()
        if not self._closed:
            raise Lost("Discord has closed the connection")

    async def _allowed(self) -> None:
        """Wait until a session of each shard may be begun."""
        shards, _url, limit = await self.http.get_bot_gateway()
        again_at = self._now() + timedelta(milliseconds=limit["reset_after"])
        self._identifies.allowed(Allowance(max(shards, 1), limit["total"], limit["remaining"], again_at))
        try:
            while (ready_at := self._identifies.ready_at(shards)) > self._now():
                if ready_at != self.waits_until:
                    self.waits_until = ready_at
                    _log.warning(
                        "%s sessions were begun on Discord in 24 hours, which resets the token at %s: the "
                        "next one waits until %s. Find out what ends the bot again and again.",
                        self.begun,
                        self._identifies.total,
                        f"{ready_at:%Y-%m-%d %H:%M:%S} UTC",
                    )
                wait_s = (ready_at - self._now()).total_seconds()
                await asyncio.sleep(max(0.0, min(wait_s, self._patience.look_s)))
        finally:
            self.waits_until = None

    @property
    def begun(self) -> int:
        """Sessions that were begun in the last 24 hours."""
        return self._identifies.count

    async def _connected(self, connection: Connection) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(connection.watch(self._patience.look_s), name="discord watchdog")
                tasks.create_task(connection.run_once(), name="discord shards").add_done_callback(
                    lambda _done: watching.cancel()
                )
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def get_guild(self, id: int) -> discord.Guild | None:
        """A guild as the newest connection knows it; as long as that is young, as the one before did."""
        found = (connection.get_guild(id) for connection in reversed(self._connections))
        return next((each for each in found if each is not None and each.get_role(id) is not None), None)

    async def close(self) -> None:
        """Leave for good."""
        self._closed = True
        for connection in self._connections:
            await connection.leave()
        await self.http.close()
        await self.direct.close()


@contextmanager
def _in_our_words() -> Iterator[None]:
    """What discord.py and its network raise, as errors of ours."""
    try:
        yield
    except PlatformError:
        raise
    except ConnectionClosed as error:
        if error.code == _TOKEN_REFUSED:
            raise NeedsOperator("Discord refuses the token, which may have been reset") from error
        raise Lost(f"Discord has closed the connection: {error}") from error
    except discord.DiscordException as error:
        raise translated(error) from error
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        raise Unreachable(f"Discord cannot be reached: {error or type(error).__name__}") from error
    except Exception as error:  # whatever ends discord.py's loop: one reconnect
        _log.exception("discord.py has failed")
        raise Lost(f"discord.py has failed: {error!r}") from error


def intents(*, message_content: bool) -> discord.Intents:
    """What we ask to be told; what is said to others only if the operator wants it."""
    wanted = discord.Intents.none()
    wanted.guilds = wanted.messages = wanted.reactions = True
    wanted.message_content = message_content
    return wanted


def _both(theirs: Callable[[Json], None], ours: Callable[[Json], None], data: Json) -> None:
    ours(dict(data))  # before discord.py, which takes things out of it
    theirs(data)
