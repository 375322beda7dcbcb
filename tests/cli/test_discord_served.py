"""What stands in [discord] and [permissions], from a file on disk to what people on Discord see."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.app import opened
from bot.cli.platforms import adapters_for
from bot.config import load
from tests.labs.discord import DiscordLab
from tests.labs.discord.people import Person, Server, Shown
from tests.labs.discord.records import Ref


@pytest.fixture(autouse=True)
def _addresses() -> Iterator[None]:
    """They belong to the library: back to Discord's own."""
    known = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = known


@asynccontextmanager
async def serving(folder: Path, lab: DiscordLab, *lines: str, sections: str = "") -> AsyncIterator[None]:
    """The whole bot as a config.toml describes it."""
    discord = ["[discord]", 'token = "file:token"', f'api_base = "{lab.rest_url}"']
    discord += [f'gateway_url = "{lab.gateway_url}"', *lines]
    (folder / "token").write_text(lab.settings.token, encoding="utf-8")
    text = '[llm]\nengine = "echo"\n[metrics]\nlisten = ""\n' + "\n".join(discord) + f"\n{sections}\n"
    (folder / "config.toml").write_text(text, encoding="utf-8")
    config, before = load(folder / "config.toml", environ={}), lab.identifies
    adapters = adapters_for(config)
    async with opened(config, adapters) as app, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(app.run())
        await lab.until(lambda: lab.identifies > before)
        yield
        running.cancel()


async def answer(server: Server, channel: Ref, question: str) -> Shown:
    """Wait for the answer to a message."""

    def found() -> list[Shown]:
        said = server.shown(channel, server.bot)
        return [each for each in said if each.reply_to == question and each.text != "…"]

    return (await server.lab.until(found))[0]


async def asked(server: Server, person: Person, words: str, *, reply_to: str | None = None) -> str:
    """What the bot says to somebody who mentions it in #general."""
    question = person.ask(server.general, words, reply_to=reply_to)
    return (await answer(server, server.general, question)).text


@pytest.mark.drives("config:discord.token", "config:discord.api_base", "config:discord.gateway_url")
async def test_a_bot_from_a_file_answers(tmp_path: Path, discord: DiscordLab) -> None:
    server = Server(discord)
    async with serving(tmp_path, discord):
        assert await asked(server, server.member("anna"), "what is a raven?") == "what is a raven?"
    assert len(discord.gateway_events("IDENTIFY")) == 1


@pytest.mark.drives("config:discord.moderators_channel")
async def test_reports_reach_the_channel_that_the_file_names(tmp_path: Path, discord: DiscordLab) -> None:
    server = Server(discord)
    mods, anna, ben = server.channel("mods"), server.member("anna"), server.member("ben")
    async with serving(tmp_path, discord, f'moderators_channel = "{mods["id"]}"'):
        advertisement = ben.say(server.general, "Buy my boats!")
        form = anna.menu(advertisement, "Report to the moderators")
        await discord.until(lambda: form.modal)
        anna.submit(form, reason="an advertisement")
        (alert,) = await server.until(mods, lambda shown: len(shown) == 1, server.bot)
    assert anna.id in alert.text
    assert advertisement in alert.text


@pytest.mark.drives("config:permissions.moderator", "config:permissions.admin")
@pytest.mark.parametrize("level", ["moderator", "admin"])
@pytest.mark.parametrize("kind", ["role", "user"])
async def test_roles_and_members_of_the_file_may_do_what_moderators_may(
    tmp_path: Path, discord: DiscordLab, level: str, kind: str
) -> None:
    server = Server(discord)
    helpers = discord.create_role(server.guild, "helpers")
    anna, ben = server.member("anna", helpers), server.member("ben")
    granted = helpers["id"] if kind == "role" else anna.id
    grants = f'[permissions]\n{level} = ["discord:{kind}:{granted}"]'
    async with serving(tmp_path, discord, sections=grants):
        refused = await asked(server, ben, "channel set answer never")
        assert refused.startswith("`channel set` is for moderators.")
        allowed = await asked(server, anna, "channel set answer mention")
        assert allowed.startswith("Done. Here `answer` is now `mention`")


@pytest.mark.drives("config:discord.message_content")
@pytest.mark.parametrize(
    ("content", "words"),
    [("false", "✓ discord: connected; reads only what is said to it"), ("true", "✓ discord: connected\n")],
)
async def test_admin_status_says_whether_the_bot_reads_what_is_not_said_to_it(
    tmp_path: Path, discord: DiscordLab, content: str, words: str
) -> None:
    server = Server(discord)
    async with serving(tmp_path, discord, f"message_content = {content}"):
        said = await asked(server, server.member("anna"), "admin status")
    assert words in f"{said}\n"
