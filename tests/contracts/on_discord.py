"""Discord as the adapter contract needs it: a guild in which a member replies to the bot."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.adapters.adapter import Batch, Cursors
from bot.adapters.discord import DiscordAdapter
from bot.adapters.discord.snowflakes import first_at
from bot.cli.platforms import discord_settings
from bot.core.events import Message
from tests.adapters.discord.house import House
from tests.contracts.stage import Stage, next_message
from tests.labs.discord import DiscordLab
from tests.labs.discord.people import Server


class DiscordStage(Stage):
    """A reply says something to the bot without naming it, so its text is just what was written."""

    hides = False
    """Only what is asked with a slash command is; see `tests/adapters/discord/test_slash.py`."""
    most_question, most_answer = 2_000, 8_000

    def __init__(self, house: House) -> None:
        self._house, self.adapter = house, DiscordAdapter(discord_settings(house.config))
        old = first_at(datetime.now(UTC) - timedelta(days=1))
        bot, said = house.lab.bot, {"content": "Hello!"}
        self._greeting = house.lab.post_message(house.general, bot, said, message_id=old)
        self._events = self.adapter.events({})

    async def ask(self, text: str) -> Message:
        if not self._house.lab.identifies:
            await anext(self._events)  # where the first start begins
        self.happen(text)
        return await next_message(self._events)

    def shown(self) -> list[str]:
        return self._house.said(self._house.general)[1:]

    def files(self) -> dict[str, bytes]:
        return dict(self._house.lab.uploads.values())

    def looks(self, text: str) -> str:
        return text.encode("utf-8", "replace").decode("utf-8")

    def happen(self, text: str) -> None:
        time.sleep(0.002)  # ids count milliseconds: this is later than what was before it ...
        sent = text.encode("utf-8", "replace").decode("utf-8")  # Discord is told in UTF-8, as everybody is
        self._house.anna.say(self._house.general, sent, reply_to=self._greeting)
        time.sleep(0.002)  # ... and sooner than what comes then

    async def told_since(self, cursors: Cursors) -> Batch:
        async with self._house.adapter() as again:
            async for batch in again.events(cursors):
                if batch.events:
                    return batch
        raise AssertionError("nothing happened")


@asynccontextmanager
async def on_discord(folder: Path) -> AsyncIterator[Stage]:
    """The whole adapter on a Discord of its own."""
    known = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    async with DiscordLab() as lab:
        house = House(folder, lab, Server(lab), message_content=True, token=lab.settings.token)
        house.moderators_channel = str(house.server.channel("staff")["id"])
        stage = DiscordStage(house)
        yield stage
        await stage.adapter.close()
        assert not lab.problems(), "\n".join([*lab.problems(), lab.transcript()])
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = known
