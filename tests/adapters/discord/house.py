"""A Discord with a guild, people and a bot: the whole bot in this process, or `llmos run` in its own."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from bot.adapters.delivery import PLACEHOLDER
from bot.adapters.discord import DiscordAdapter
from bot.adapters.discord.watchdog import Patience
from bot.app import App, opened
from bot.cli.platforms import discord_folder, discord_settings
from bot.config import Config, load
from bot.core.events import Channel, Event
from bot.core.specs import CommandSpec
from bot.knowledge.fetching import Fetcher
from bot.llm.echo import EchoModel
from bot.llm.model import Model
from bot.moderation.judge import Judge
from bot.moderation.rule import Rule
from tests.knowledge.site import offline
from tests.labs.discord import DiscordLab, Json
from tests.labs.discord.people import Person, Server, Shown, show
from tests.labs.discord.records import Ref


class Clock:
    """Real time, shifted by hand."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift


@dataclass
class Heard:
    """What an adapter told, and the cursors that are true after it."""

    adapter: DiscordAdapter
    cursors: dict[str, str]
    events: list[Event] = field(default_factory=list)

    async def listen(self, lab: DiscordLab) -> None:
        async for batch in self.adapter.events(dict(self.cursors)):
            self.events += batch.events
            self.cursors.update(batch.cursors)
            lab.notify()


@dataclass
class House:
    """One guild with members of this test's own."""

    folder: Path
    lab: DiscordLab
    server: Server
    model: EchoModel = field(default_factory=EchoModel)
    others: Sequence[Model] = ()
    rules: Sequence[Rule] = ()
    message_content: bool = False
    moderators_channel: str | None = None
    llm: str = 'engine = "echo"\nmodel = "echo"'
    """What is in the [llm] section of the configuration; only `service` takes its engine from it."""
    sections: str = ""
    """More sections."""
    token: str = ""
    """What the operator wrote down as token."""
    fetcher: Fetcher = field(default_factory=offline)
    clock: Clock = field(default_factory=Clock)
    patience: Patience = field(default_factory=Patience)
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, name: str, role: str = "member") -> Person:
        """Somebody of this name, always the same."""
        if name not in self.people:
            make = {
                "member": self.server.member,
                "moderator": self.server.moderator,
                "admin": self.server.admin,
            }
            self.people[name] = make[role](name)
        return self.people[name]

    @property
    def anna(self) -> Person:
        """An ordinary member."""
        return self.person("anna")

    @property
    def general(self) -> Json:
        """The channel that every guild has."""
        return self.server.general

    @property
    def us(self) -> str:
        """The bot's user id."""
        return self.lab.app_id

    def place(self, channel: Json) -> Channel:
        """A channel of the guild in words of the core."""
        return Channel("discord", self.server.id, str(channel["id"]))

    @property
    def memory(self) -> Path:
        """The folder of what the account has to remember."""
        return discord_folder(self.config)

    @property
    def toml(self) -> str:
        """The configuration of the bot as an operator writes it."""
        moderators = self.moderators_channel
        return "\n".join(
            (
                '[bot]\nname = "LLMOS"\ndata_dir = "data"',
                f"[llm]\n{self.llm}",
                f'[discord]\ntoken = "file:token"\napi_base = "{self.lab.rest_url}"',
                f'gateway_url = "{self.lab.gateway_url}"',
                f"message_content = {'true' if self.message_content else 'false'}",
                f'moderators_channel = "{moderators}"' if moderators is not None else "",
                '[metrics]\nlisten = ""',
                self.sections,
            )
        )

    def write(self) -> Path:
        """config.toml and the file with the token; the path of the former."""
        secret = self.folder / "token"
        secret.write_text(self.token, encoding="utf-8")
        secret.chmod(0o600)
        path = self.folder / "config.toml"
        path.write_text(self.toml, encoding="utf-8")
        return path

    @property
    def config(self) -> Config:
        """What `llmos run` reads."""
        return load(self.write(), environ={})

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Process]:
        """`llmos run` as an operator starts it; killed at the end of the context if it still runs."""
        command = (sys.executable, "-m", "bot", "run", "--config", str(self.write()))
        process = await asyncio.create_subprocess_exec(*command, stderr=PIPE, stdout=PIPE)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()

    @asynccontextmanager
    async def adapter(self) -> AsyncIterator[DiscordAdapter]:
        """The adapter alone."""
        adapter = DiscordAdapter(discord_settings(self.config), now=self.clock, patience=self.patience)
        try:
            yield adapter
        finally:
            await adapter.close()

    @asynccontextmanager
    async def hearing(
        self, *commands: CommandSpec, known: Mapping[str, str] = MappingProxyType({})
    ) -> AsyncIterator["Heard"]:
        """The adapter alone, connected, and what it tells; `known` are the cursors of an earlier time."""
        before = self.lab.identifies
        async with self.adapter() as adapter, asyncio.TaskGroup() as tasks:
            await adapter.offer(commands)
            heard = Heard(adapter, dict(known))
            listening = tasks.create_task(heard.listen(self.lab))
            await self.lab.until(lambda: self.lab.identifies > before and self.lab.commands)
            yield heard
            listening.cancel()

    @asynccontextmanager
    async def living(self) -> AsyncIterator[App]:
        """A bot that listens; leaving the context ends it the hard way: no task gets to finish its work."""
        config, before = self.config, self.lab.identifies
        adapter = DiscordAdapter(discord_settings(config), now=self.clock, patience=self.patience)
        models: Mapping[str, Model] = {model.name: model for model in (self.model, *self.others)}
        judge = Judge(self.rules) if self.rules else None
        made = opened(config, [adapter], models=models, judge=judge, fetcher=self.fetcher, now=self.clock)
        async with made as app, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(app.run())
            await self.lab.until(lambda: self.lab.identifies > before and self.lab.commands)
            yield app
            running.cancel()

    async def answers(self, channel: Ref, count: int) -> list[Shown]:
        """Wait until so many messages of the bot stand in a channel, and each says something by now."""
        return await self.server.until(
            channel,
            lambda shown: len(shown) >= count and all(each.text != PLACEHOLDER for each in shown),
            self.us,
        )

    async def stands(self, channel: Ref, *texts: str) -> list[Shown]:
        """Wait until the bot's messages in a channel are exactly these, in any order."""
        wanted = sorted(texts)
        return await self.server.until(
            channel, lambda shown: sorted(each.text for each in shown) == wanted, self.us
        )

    async def whispered(self, person: Person, *texts: str) -> list[Shown]:
        """Wait until the bot has said exactly this to somebody alone."""
        return await self.stands(person.private, *texts)

    def said(self, channel: Ref) -> list[str]:
        """What the bot shows in a channel now."""
        return [each.text for each in show(self.lab, channel) if each.author == self.us]

    async def quiet(self, channel: Ref) -> None:
        """Wait until the bot has answered a question asked now: what came before it was dealt with."""
        someone = self.person("someone")
        question = someone.ask(channel, "are you there")
        await self.server.until(
            channel,
            lambda shown: any(each.reply_to == question and each.text != PLACEHOLDER for each in shown),
        )
