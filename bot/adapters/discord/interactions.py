"""Interactions: acknowledged within three seconds, whatever else goes on, and answered later by their token.

Tokens are written down (0600) before an interaction is told to anybody, so that a restart still can answer.
Source: Discord, "Receiving and Responding".
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.adapters.discord.calls import AUTOCOMPLETE, DEFERRED, DEFERRED_UPDATE, Calls, Unreachable
from bot.adapters.discord.components import pressed
from bot.adapters.discord.decoding import Malformed, caller, focused, invocation
from bot.adapters.discord.places import Places
from bot.adapters.discord.registration import MOST_CHOICES
from bot.adapters.discord.snowflakes import snowflake, time_of
from bot.adapters.files import write_private
from bot.adapters.reading import Json, integer, parse, table, tables, text
from bot.core.errors import PlatformError
from bot.core.events import Author, Channel, Invocation, MessageRef
from bot.core.specs import CommandSpec, Complete

ANSWERABLE = timedelta(minutes=14)
"""A token is good for fifteen minutes; what takes longer is answered in the channel."""

_SLASH, _CLICK, _TYPING = 2, 3, 4
_EPHEMERAL = 1 << 6
_PATIENCE_S = 2.5
_AGAIN_S = 0.1
_MOST_SUGGESTION = 100  # characters of a choice

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Open:
    """An interaction that can still be answered."""

    application_id: str
    token: str


class Interactions:
    """Acknowledges interactions, completes what is typed, and remembers how to answer.

    Args:
        happened: told of each command that was called.
        now: the clock, in aware UTC datetimes.
    """

    def __init__(
        self,
        calls: Calls,
        places: Places,
        file: Path,
        happened: Callable[[Invocation], None],
        now: Callable[[], datetime],
    ) -> None:
        self._calls, self._places, self._file, self._happened, self._now = calls, places, file, happened, now
        self._open: dict[str, Open] = {}
        self._specs: Mapping[tuple[str, ...], CommandSpec] = {}
        self._menus: Mapping[str, tuple[str, ...]] = {}
        self._arrived: asyncio.Queue[Json] = asyncio.Queue()
        self._writing = asyncio.Lock()

    def offer(self, specs: Sequence[CommandSpec], menus: Mapping[str, tuple[str, ...]]) -> None:
        """What can be called."""
        self._specs, self._menus = {spec.path: spec for spec in specs}, menus

    def arrived(self, raw: Json) -> None:
        """Somebody used an interaction."""
        self._arrived.put_nowait(raw)

    def of(self, id: str) -> Open | None:
        """How to answer an interaction, as long as that is possible."""
        known = self._open.get(id)
        return known if known is not None and self._now() - time_of(id) < ANSWERABLE else None

    async def load(self) -> None:
        """Remember what an earlier process could answer."""
        try:
            found = parse(await asyncio.to_thread(self._file.read_bytes))
        except FileNotFoundError:
            return
        except ValueError:
            _log.warning("%s is damaged; commands under way are answered in the channel", self._file)
            return
        for id in found:
            match snowflake({"id": id}, "id"), found[id]:
                case str(), [str(application_id), str(token)]:
                    self._open[id] = Open(application_id, token)
                case _:
                    _log.warning("%s holds something that is no interaction", self._file)

    async def keep(self) -> None:
        """Acknowledge what arrives, side by side, for as long as the bot runs."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                raw = await self._arrived.get()
                tasks.create_task(self._safely(self._take(raw)), name="interaction")

    async def _safely(self, work: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await work
        except (PlatformError, Malformed, TimeoutError) as error:
            _log.warning("an interaction cannot be taken: %r", error)

    async def _take(self, raw: Json) -> None:
        id, token = snowflake(raw, "id"), text(raw, "token")
        channel_id = snowflake(raw, "channel_id")
        if id is None or token is None or channel_id is None:
            raise Malformed("an interaction without id, token or channel")
        if integer(raw, "type") == _TYPING:
            await self._complete(id, token, raw)
        elif integer(raw, "type") == _CLICK:
            await self._click(id, token, raw)
        elif integer(raw, "type") == _SLASH:
            place = await self._place(raw, channel_id)
            call = invocation(raw, place, self._menus) if place is not None else None
            if call is None:
                raise Malformed("a command that is not ours")
            spec = self._specs.get(call.command)
            hidden = spec is not None and spec.private
            await self._remember(id, Open(text(raw, "application_id") or "", token))
            await self._acknowledge(id, token, DEFERRED, {"flags": _EPHEMERAL} if hidden else None)
            self._happened(call)

    async def _click(self, id: str, token: str, raw: Json) -> None:
        """A button below one of our messages; what follows is for who pressed it."""
        call = pressed(text(table(raw, "data"), "custom_id") or "")
        place = await self._places.get(text(raw, "channel_id") or "", snowflake(raw, "guild_id"))
        if call is None or place is None:
            await self._acknowledge(id, token, DEFERRED_UPDATE)
            raise Malformed("a button that is not ours")
        below = snowflake(table(raw, "message"), "id")
        await self._remember(id, Open(text(raw, "application_id") or "", token))
        await self._acknowledge(id, token, DEFERRED, {"flags": _EPHEMERAL})
        self._happened(
            Invocation(
                id,
                place,
                caller(raw),
                call.command,
                time_of(id),
                call.arguments,
                MessageRef(place, below) if below is not None else None,
                text(raw, "locale"),
            )
        )

    async def _acknowledge(self, id: str, token: str, kind: int, data: Json | None = None) -> None:
        """Until Discord knows, or the member was told that we do not answer."""
        while True:
            try:
                await self._calls.acknowledge(id, token, kind, data)
                return
            except Unreachable as error:
                _log.info("an acknowledgement is repeated: %s", error)
                await asyncio.sleep(_AGAIN_S)

    async def _complete(self, id: str, token: str, raw: Json) -> None:
        data = table(raw, "data")
        options = tables(data, "options")
        typed = focused(options)
        path: tuple[str, ...] = (text(data, "name") or "",)
        while len(options) == 1 and options[0].get("type") in (1, 2):
            path += (text(options[0], "name") or "",)
            options = tables(options[0], "options")
        spec = self._specs.get(path)
        found: Sequence[str] = ()
        place = await self._place(raw, text(raw, "channel_id") or "")
        if spec is not None and typed is not None and place is not None:
            name, so_far = typed
            for parameter in spec.parameters:
                if parameter.name == name and parameter.complete is not None:
                    found = await _suggested(parameter.complete, so_far, caller(raw), place)
        choices = [{"name": each, "value": each} for each in found if len(each) <= _MOST_SUGGESTION]
        await self._calls.acknowledge(id, token, AUTOCOMPLETE, {"choices": choices[:MOST_CHOICES]})

    async def _place(self, raw: Json, channel_id: str) -> Channel | None:
        """Where it was used: Discord says it with every interaction, so that nothing need be asked first."""
        about, guild_id = table(raw, "channel"), snowflake(raw, "guild_id")
        if snowflake(about, "id") == channel_id and integer(about, "type") is not None:
            self._places.learn(about, guild_id)
        return await self._places.get(channel_id, guild_id)

    async def _remember(self, id: str, known: Open) -> None:
        async with self._writing:
            oldest = self._now() - ANSWERABLE
            still = {each: open for each, open in self._open.items() if time_of(each) > oldest}
            self._open = still | {id: known}
            written = {each: [open.application_id, open.token] for each, open in self._open.items()}
            await asyncio.to_thread(write_private, self._file, json.dumps(written))


async def _suggested(complete: Complete, so_far: str, who: Author, place: Channel) -> Sequence[str]:
    """What a plug-in suggests; a broken one suggests nothing."""
    try:
        return await complete(so_far, who, place)
    except Exception:  # noqa: BLE001 - one plug-in's call
        _log.exception("a completion failed", extra={"channel": place.key})
        return ()
