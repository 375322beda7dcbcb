"""One bot account on Discord."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

from bot.adapters.adapter import Adapter, Batch
from bot.adapters.adapter import Cursors as Known
from bot.adapters.discord.calls import Calls
from bot.adapters.discord.decoding import Ourselves, attachments
from bot.adapters.discord.directory import DiscordDirectory
from bot.adapters.discord.files import fetched
from bot.adapters.discord.gateway import RIGHTS, Gateway
from bot.adapters.discord.interactions import Interactions
from bot.adapters.discord.listening import Ear
from bot.adapters.discord.moderating import Moderating
from bot.adapters.discord.places import PLATFORM, Places, id_of
from bot.adapters.discord.registration import fingerprint, menus, payload
from bot.adapters.discord.rights import Rights
from bot.adapters.discord.sending import Sender
from bot.adapters.discord.settings import Settings
from bot.adapters.discord.watchdog import Patience
from bot.adapters.files import write_private
from bot.adapters.reading import Json, parse, text
from bot.core.actions import Action, Receipt, Report, no_report
from bot.core.errors import Forbidden, NeedsOperator, PlatformError, Unsupported
from bot.core.events import Attachment, MessageRef
from bot.core.specs import CommandSpec
from bot.core.text import _

_BACKOFF_S, _LONGEST_BACKOFF_S = 1.0, 60.0

_log = logging.getLogger(__name__)


class DiscordAdapter(Adapter):
    """See `Adapter`; nothing is connected before the first question, action or event."""

    command_prefix = "/"  # what is suggested; the configured prefix is understood, too
    tells_joins = False  # that takes the privileged intent "Server Members"

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self.platform = PLATFORM
        self._settings = settings
        self._gateway = Gateway(settings, self._arrived, now, patience)
        self._us = Ourselves("")
        self._calls = Calls(self._gateway.http, self._gateway.direct)
        places = Places(self._calls)
        self._rights = Rights(self._gateway, self._calls)
        self._ear = Ear(self._calls, places, self._us, now)
        self._interactions = Interactions(
            self._calls, places, settings.folder / "interactions.json", self._ear.called, now
        )
        self._sender = Sender(
            self._calls,
            self._interactions,
            Moderating(self._calls, settings.folder / "locks.json", now),
            self._rights,
            lambda: self._us.user_id,
            settings.moderators_channel,
            now,
        )
        self.directory = DiscordDirectory(
            self._gateway, self._calls, self._us, settings.grants, settings.moderators_channel
        )
        self._commands: tuple[CommandSpec, ...] = ()
        self._loaded = False

    async def offer(self, commands: tuple[CommandSpec, ...]) -> None:
        """See `Adapter`; they are registered when we are logged in, and only if they changed."""
        self._commands = commands
        self._interactions.offer(commands, menus(commands))

    async def events(self, since: Known) -> AsyncIterator[Batch]:
        """See `Adapter`."""
        # an asynchronous generator may not hold a TaskGroup: it could be left in another task
        working = [
            asyncio.create_task(self._listen(), name="discord gateway"),
            asyncio.create_task(self._ear.fill(), name="discord gaps"),
            asyncio.create_task(self._register(), name="discord commands"),
            asyncio.create_task(self._interactions.keep(), name="discord interactions"),
        ]
        for task in working:
            task.add_done_callback(self._ended)
        try:
            async for batch in self._ear.batches(dict(since)):
                yield batch
        finally:
            for task in working:
                task.cancel()

    async def committed(self, cursors: Known) -> None:
        """See `Adapter`; batches are stored in the order in which they are told."""
        self._interactions.stored(self._ear.told)
        self._ear.told.clear()

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        """See `Adapter`."""
        await self._enter()
        return await self._sender.perform(action, key, resume, report)

    async def lacking(self, action: Action) -> str | None:
        """See `Adapter`."""
        await self._enter()
        return await self._rights.lacking(action)

    async def rights_changed(self) -> None:
        """See `Adapter`."""
        await self._rights.news.wait()

    async def fetch(self, attachment: Attachment, most_bytes: int) -> bytes:
        """See `Adapter`."""
        return await fetched(attachment, most_bytes, self._settings.api_base)

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        """See `Adapter`; without `message_content`, Discord tells files of messages to us only."""
        await self._enter()
        return attachments(await self._calls.message(id_of(ref.channel), ref.id))

    def trouble(self) -> str | None:
        """See `Adapter`."""
        until = self._gateway.waits_until
        if until is None:
            return None
        return _(
            "I was started {n} times in 24 hours, so I wait until {time} UTC before I connect again: "
            "Discord takes the token away from bots that connect too often.",
            n=self._gateway.begun,
            time=f"{until:%H:%M:%S}",
        )

    async def close(self) -> None:
        """See `Adapter`."""
        await self._gateway.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What ends one of our tasks ends `events` too: nobody should go on half deaf."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._ear.broken(error)

    def _arrived(self, kind: str, raw: Json) -> None:
        if kind in RIGHTS or kind in ("GUILD_CREATE", "CHANNEL_UPDATE"):
            self._rights.news.tell()  # whoever waits looks after discord.py has taken it in
        if kind == "INTERACTION_CREATE":
            self._interactions.arrived(raw)
        elif kind != "GUILD_MEMBER_UPDATE":  # that tells nothing but our rights
            self._ear.hear(kind, raw)

    async def _enter(self) -> None:
        self._us.user_id = await self._gateway.enter()
        if not self._loaded:
            self._loaded = True
            await self._interactions.load()

    async def _listen(self) -> None:
        """Stay connected; what trying again does not mend ends `events`."""
        await self._again(self._gateway.listen)

    async def _register(self) -> None:
        """Tell Discord our commands beside listening: members who mention us need not wait for it."""
        try:
            await self._again(self._tell_commands)
        except NeedsOperator:
            return  # listening says it
        except (Unsupported, Forbidden) as error:
            _log.error("Discord does not take our commands, so its menu may lack some: %s", error)

    async def _again(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Log in and make an attempt, until one succeeds or cannot."""
        wait_s = _BACKOFF_S
        while True:
            began = monotonic()
            try:
                await self._enter()
                await attempt()
                return
            except (NeedsOperator, Unsupported, Forbidden):
                raise
            except PlatformError as error:
                if monotonic() - began > _LONGEST_BACKOFF_S:
                    wait_s = _BACKOFF_S  # it went well for a while
                _log.warning("Discord cannot be reached now: %s", error, extra={"wait_s": wait_s})
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_BACKOFF_S)

    async def _tell_commands(self) -> None:
        """Register our commands, if they are not what Discord knows."""
        commands = payload(self._commands)
        file, mark = self._settings.folder / "commands.json", fingerprint(commands)
        known: str | None = None
        with suppress(FileNotFoundError, ValueError):
            known = text(parse(await asyncio.to_thread(file.read_bytes)), self._us.user_id)
        if known != mark:
            await self._calls.register(self._gateway.application_id, commands)
            await asyncio.to_thread(write_private, file, json.dumps({self._us.user_id: mark}))
            _log.info("commands are registered", extra={"commands": len(commands)})
