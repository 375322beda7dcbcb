"""The lab itself, as an unmodified discord.py sees it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord as library
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.labs.discord import DiscordLab, Json


class Bot(library.AutoShardedClient):
    """Answers a mention, at once or in edits."""

    async def on_message(self, message: library.Message) -> None:
        if message.author.bot or self.user not in message.mentions:
            return
        reply = await message.reply("...")
        await reply.edit(content="pong")


@asynccontextmanager
async def running(lab: DiscordLab, *, content: bool = True) -> AsyncIterator[Bot]:
    """A bot that is ready, for as long as the context lasts."""
    kept = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = lab.rest_url, yarl.URL(lab.gateway_url)
    intents = library.Intents.default()
    intents.message_content = content
    bot = Bot(intents=intents, allowed_mentions=library.AllowedMentions.none())
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bot.start(lab.settings.token))
            await lab.until(lambda: lab.gateway_events("IDENTIFY"))
            await bot.wait_until_ready()
            try:
                yield bot
            finally:
                await bot.close()
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = kept


@pytest.fixture
def general(discord: DiscordLab) -> Json:
    return discord.create_channel(discord.create_guild("home"), "general")


async def test_a_mention_is_answered_in_edits(discord: DiscordLab, general: Json) -> None:
    alice = discord.create_user("alice")
    discord.add_member(general["guild_id"], alice)
    async with running(discord):
        discord.send(alice, general, f"<@{discord.app_id}> ping")
        await discord.until(lambda: [m["content"] for m in discord.bot_messages(general)] == ["pong"])
