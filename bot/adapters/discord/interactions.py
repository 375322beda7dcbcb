"""Interactions: acknowledged within three seconds, whatever else goes on, and answered later by their token.

A call is written down (0600) before it is acknowledged, and until the core has stored it: a process that
dies in between tells it again at its next start. Its token stays, so that a restart still can answer.
Source: Discord, "Receiving and Responding".
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.adapters.discord.calls import AUTOCOMPLETE, DEFERRED, DEFERRED_UPDATE, FORM, Calls, Unreachable
from bot.adapters.discord.decoding import Malformed, caller, clicked, focused, invocation
from bot.adapters.discord.forms import Forms
from bot.adapters.discord.places import Places
from bot.adapters.discord.registration import MOST_CHOICES
from bot.adapters.discord.snowflakes import snowflake, time_of
from bot.adapters.files import write_private
from bot.adapters.reading import Json, flag, integer, parse, table, tables, text
from bot.core.errors import Gone, PlatformError
from bot.core.events import Author, Channel, Invocation
from bot.core.specs import CommandSpec, Complete

ANSWERABLE = timedelta(minutes=14)
"""A token is good for fifteen minutes; what takes longer is answered in the channel."""

KEPT = timedelta(days=1)
"""For so long it is known who alone was to see an answer."""

MOST = 2_000
"""Interactions that are known though they are over: each new one is written down with all others."""

_DEADLINE = timedelta(seconds=3)
"""For an acknowledgement."""

_SLASH, _CLICK, _TYPING, _FILLED = 2, 3, 4, 5
_EPHEMERAL = 1 << 6
_PATIENCE_S = 2.5
_AGAIN_S = 0.1
_LATER_S = 2.0
_MOST_SUGGESTION = 100  # characters of a choice

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Open:
    """An interaction, and how to answer it.

    Attributes:
        hidden: only who used it sees the answer; that was said when it was acknowledged.
        call: what Discord told of it, until the core has stored it.
    """

    application_id: str
    token: str
    hidden: bool = False
    call: Json | None = None


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
        self._forms = Forms(now)
        self._open: dict[str, Open] = {}
        self._specs: Mapping[tuple[str, ...], CommandSpec] = {}
        self._menus: Mapping[str, tuple[str, ...]] = {}
        self._arrived: asyncio.Queue[Json] = asyncio.Queue()
        self._writing = asyncio.Lock()
        self._untold: set[str] = set()
        self._loaded, self._changed = asyncio.Event(), asyncio.Event()

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

    def known(self, id: str) -> Open | None:
        """An interaction of the last day, whether it can still be answered or not."""
        return self._open.get(id)

    def stored(self, ids: Iterable[str]) -> None:
        """The core has stored these calls, or nobody will ever want them."""
        for id in ids:
            known = self._open.get(id)
            if known is not None and known.call is not None:
                self._open[id] = replace(known, call=None)
                self._changed.set()

    async def load(self) -> None:
        """Remember what an earlier process could answer, and what it may not have told."""
        try:
            found = parse(await asyncio.to_thread(self._file.read_bytes))
        except FileNotFoundError:
            found = {}
        except ValueError:
            _log.warning("%s is damaged; commands under way are answered in the channel", self._file)
            found = {}
        for id in found:
            about = table(found, id)
            if snowflake({"id": id}, "id") is None or text(about, "token") is None:
                _log.warning("%s holds something that is no interaction", self._file)
                continue
            application_id, token = text(about, "application_id") or "", text(about, "token") or ""
            call = table(about, "call") or None
            self._open[id] = Open(application_id, token, flag(about, "hidden"), call)
            if call is not None:
                self._untold.add(id)
        self._loaded.set()

    async def keep(self) -> None:
        """Acknowledge what arrives, side by side, for as long as the bot runs."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._forget(), name="interactions that are stored")
            await self._loaded.wait()
            for id in sorted(self._untold):
                tasks.create_task(self._tell_again(id), name="interaction")
            while True:
                raw = await self._arrived.get()
                tasks.create_task(self._serve(raw), name="interaction")

    async def _serve(self, raw: Json) -> None:
        await self._safely(self._take(raw))
        id = snowflake(raw, "id")
        if id is not None and id in self._untold:
            await self._tell_again(id)

    async def _tell_again(self, id: str) -> None:
        """Tell a call that may not have been told, if its member was told that an answer comes."""
        while id in self._untold and (known := self.of(id)) is not None and known.call is not None:
            try:
                if await self._is_acknowledged(id, known):
                    await self._tell(id, known.call)
                    return
                _log.warning("a command was not acknowledged in time, which its member was told")
                break
            except Malformed as error:
                _log.warning("a command cannot be told again: %s", error)
                break
            except PlatformError as error:
                _log.warning("a command is told again later: %s", error)
            await asyncio.sleep(_LATER_S)
        self._untold.discard(id)
        self.stored((id,))

    async def _is_acknowledged(self, id: str, known: Open) -> bool:
        if self._now() - time_of(id) < _DEADLINE:
            with suppress(Gone):
                await self._calls.acknowledge(id, known.token, DEFERRED, _visible(hidden=known.hidden))
                return True
        return await self._calls.is_acknowledged(known.application_id, known.token)

    async def _tell(self, id: str, raw: Json) -> None:
        place = await self._place(raw, snowflake(raw, "channel_id") or "")
        call = self._called(raw, place) if place is not None else None
        if call is None:
            raise Malformed("a command that is not ours")
        self._untold.discard(id)
        self._happened(call)

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
        kind = integer(raw, "type")
        if kind == _TYPING:
            await self._complete(id, token, raw)
        elif kind in (_SLASH, _CLICK, _FILLED):
            place = await self._place(raw, channel_id)
            call = self._called(raw, place) if place is not None else None
            if call is None:
                if kind == _CLICK:
                    await self._acknowledge(id, token, DEFERRED_UPDATE)
                raise Malformed("a command that is not ours")
            spec = self._specs.get(call.command)
            form = self._forms.opened(call, spec) if kind == _SLASH else None
            if form is not None:
                await self._acknowledge(id, token, FORM, form)
                return
            hidden = kind == _CLICK or (spec is not None and spec.private)
            await self._remember(id, Open(text(raw, "application_id") or "", token, hidden, _needed(raw)))
            await self._acknowledge(id, token, DEFERRED, _visible(hidden=hidden))
            self._untold.discard(id)
            self._happened(call)

    def _called(self, raw: Json, place: Channel) -> Invocation | None:
        """The command that was called, by a button or a form too; None if it is not ours."""
        kind = integer(raw, "type")
        if kind == _CLICK:
            return clicked(raw, place)
        if kind == _FILLED:
            return self._forms.filled(raw, place, self._specs)
        return invocation(raw, place, self._menus)

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
        self._open[id] = known
        self._untold.add(id)
        await self._write()

    async def _forget(self) -> None:
        """Write down, soon, which calls need not be told again; what they said is nobody's to keep."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._write()

    async def _write(self) -> None:
        async with self._writing:
            for id, known in list(self._open.items()):
                age = self._now() - time_of(id)
                if age >= KEPT or (age >= ANSWERABLE and len(self._open) > MOST):  # the oldest come first
                    del self._open[id]
                elif age >= ANSWERABLE:
                    self._open[id] = Open("", "", known.hidden)
            written = json.dumps({id: asdict(known) for id, known in self._open.items()})
            await asyncio.to_thread(write_private, self._file, written)


def _visible(*, hidden: bool) -> Json | None:
    return {"flags": _EPHEMERAL} if hidden else None


def _needed(raw: Json) -> Json:
    """What of an interaction has to be known to tell it again: nothing of what others have written."""

    def only(parent: Json, *keys: str) -> Json:
        return {key: parent[key] for key in keys if key in parent}

    def person(parent: Json) -> Json:
        return only(table(parent, "user"), "id", "username", "global_name", "bot")

    kept = only(raw, "id", "type", "channel_id", "guild_id", "locale")
    data = only(table(raw, "data"), "type", "name", "options", "target_id", "custom_id", "components")
    kept["data"] = data | {"resolved": only(table(raw, "data", "resolved"), "attachments")}
    kept["channel"] = only(table(raw, "channel"), "id", "type", "parent_id", "guild_id")
    kept["message"] = only(table(raw, "message"), "id")
    if "member" in raw:
        kept["member"] = only(table(raw, "member"), "nick") | {"user": person(table(raw, "member"))}
    return kept | {"user": person(raw)}


async def _suggested(complete: Complete, so_far: str, who: Author, place: Channel) -> Sequence[str]:
    """What a plug-in suggests; a broken one suggests nothing."""
    try:
        return await complete(so_far, who, place)
    except Exception:  # noqa: BLE001 - one plug-in's call
        _log.exception("a completion failed", extra={"channel": place.key})
        return ()
