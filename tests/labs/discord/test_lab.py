"""The lab itself, as an unmodified discord.py sees it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import yarl
from aiohttp import ServerDisconnectedError
from discord import (
    AllowedMentions,
    AutoShardedClient,
    ConnectionClosed,
    Forbidden,
    HTTPException,
    Intents,
    Interaction,
    Message,
    NotFound,
    Object,
    TextChannel,
    Thread,
    app_commands,
)
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.labs.discord import ALL_PERMS, PERMS, DiscordLab, Server, Settings


class Bot(AutoShardedClient):
    """Answers a mention with a reply and an edit of it, and the command /ask after a deferral."""

    def __init__(self, lab: DiscordLab, *, content: bool) -> None:
        intents = Intents.default()
        intents.message_content = content
        super().__init__(
            intents=intents, allowed_mentions=AllowedMentions.none(), guild_ready_timeout=0.05
        )  # fmt: skip
        self.tree = app_commands.CommandTree(self)
        self.lab = lab
        self.events: list[str] = []
        self.failures: list[Exception] = []
        self.seen: list[str] = []
        self.opened: list[Thread] = []

    async def setup_hook(self) -> None:
        @self.tree.command(description="Ask the model")
        async def ask(interaction: Interaction, question: app_commands.Range[str, 2, 50]) -> None:
            await interaction.response.defer(ephemeral=True)
            await interaction.edit_original_response(content=f"why {question}")

        @self.tree.error
        async def keep(interaction: Interaction, error: app_commands.AppCommandError) -> None:
            self.failures.append(error)
            self.lab.notify()

        for name in ("raw_message_edit", "raw_reaction_add", "raw_reaction_remove", "raw_message_delete"):
            self._listen(name)
        await self.tree.sync()

    def _listen(self, name: str) -> None:
        async def note(payload: object) -> None:
            self.events.append(name)
            self.lab.notify()

        setattr(self, f"on_{name}", note)

    async def on_message(self, message: Message) -> None:
        if message.author == self.user:
            return
        self.seen.append(message.content)
        self.lab.notify()
        if self.user in message.mentions:
            reply = await message.reply("...", nonce=f"a:{message.id}")
            await reply.edit(content=f"to {message.content.split()[-1]}")

    async def on_thread_create(self, thread: Thread) -> None:
        self.opened.append(thread)
        self.lab.notify()

    async def on_guild_available(self, guild: object) -> None:
        self.lab.notify()

    def text_channel(self, server: Server) -> TextChannel:
        found = self.get_channel(int(server.general["id"]))
        assert isinstance(found, TextChannel)
        return found


@asynccontextmanager
async def running(lab: DiscordLab, *, content: bool = True) -> AsyncIterator[Bot]:
    """A bot that is ready, for as long as the context lasts."""
    kept = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = lab.rest_url, yarl.URL(lab.gateway_url)
    bot = Bot(lab, content=content)
    try:
        async with asyncio.TaskGroup() as tasks, bot:
            await bot.login(lab.settings.token)
            tasks.create_task(bot.connect())
            await bot.wait_until_ready()
            yield bot
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = kept


@pytest.fixture
def server(discord: DiscordLab) -> Server:
    return Server(discord)


async def test_a_mention_is_answered_by_a_reply_that_is_edited(discord: DiscordLab, server: Server) -> None:
    anna = server.member("anna")
    async with running(discord):
        asked = anna.ask(server.general, "one")
        (answer,) = await server.answers(server.general, "to one")
    assert (answer.reply_to, answer.nonce, answer.edits) == (asked, f"a:{asked}", 1)
    assert not answer.mentions
    assert [each.text for each in server.shown(server.general, anna.id)] == [f"<@{server.bot}> one"]


async def test_the_same_nonce_never_makes_a_second_message(discord: DiscordLab, server: Server) -> None:
    async with running(discord) as bot:
        channel = bot.text_channel(server)
        first, second = await channel.send("once", nonce="n:1"), await channel.send("once", nonce="n:1")
        assert first.id == second.id
        discord.settings.nonce_window_s = 0.0
        assert (await channel.send("again", nonce="n:1")).id != first.id
    assert [each.text for each in server.shown(server.general)] == ["once", "again"]


async def test_what_people_change_reaches_the_bot(discord: DiscordLab, server: Server) -> None:
    anna, mods = server.member("anna"), server.moderator("mods")
    async with running(discord) as bot:
        said = anna.say(server.general, "one")
        anna.edit(said, "two")
        anna.react(said, "👍")
        anna.unreact(said, "👍")
        (shown,) = server.shown(server.general)
        assert (shown.text, shown.edits, shown.reactions) == ("two", 1, ())
        with pytest.raises(PermissionError):
            anna.delete(mods.say(server.general, "not yours"))
        mods.delete(said)
        await discord.until(lambda: len(bot.events) == 4)
    assert bot.events == ["raw_message_edit", "raw_reaction_add", "raw_reaction_remove", "raw_message_delete"]
    assert [each.text for each in server.shown(server.general)] == ["not yours"]


async def test_a_command_is_deferred_and_answered_for_one_member(discord: DiscordLab, server: Server) -> None:
    anna, ben = server.member("anna"), server.member("ben")
    async with running(discord):
        asked = anna.slash(server.general, "ask", question="so")
        await discord.until(lambda: asked.original)
        with pytest.raises(ValueError, match="missing"):
            anna.slash(server.general, "ask")
        with pytest.raises(ValueError, match="outside"):
            anna.slash(server.general, "ask", question="?")
        with pytest.raises(LookupError):
            anna.slash(server.general, "unknown")
    (answer,) = server.shown(server.general, to=anna)
    assert (asked.state, answer.text, answer.ephemeral, answer.asked_by) == (
        "deferred", "why so", True, anna.id,
    )  # fmt: skip
    assert not server.shown(server.general, to=ben)


async def test_an_interaction_is_unknown_after_its_deadline(discord: DiscordLab, server: Server) -> None:
    discord.settings.interaction_deadline_s = -1.0
    async with running(discord) as bot:
        server.member("anna").slash(server.general, "ask", question="so")
        await discord.until(lambda: bot.failures)
    assert "10062" in str(bot.failures[0])


@pytest.mark.parametrize("code", [None, 4000])
async def test_a_dropped_connection_resumes_with_what_was_missed(
    discord: DiscordLab, server: Server, code: int | None
) -> None:
    anna = server.member("anna")
    async with running(discord):
        discord.drop(code)
        anna.ask(server.general, "one")
        await server.answers(server.general, "to one")
    assert len(discord.gateway_events("RESUME")) == len(discord.gateway_events("IDENTIFY")) == 1


async def test_after_an_invalid_session_what_was_missed_is_in_the_history_only(
    discord: DiscordLab, server: Server
) -> None:
    anna = server.member("anna")
    async with running(discord) as bot:
        discord.invalidate()
        anna.ask(server.general, "lost")
        await discord.until(lambda: len(discord.gateway_events("IDENTIFY")) == 2)
        await discord.until(lambda: bot.get_channel(int(server.general["id"])) is not None)
        anna.ask(server.general, "two")
        await server.answers(server.general, "to two")
        channel = bot.text_channel(server)
        texts = [m.content.split()[-1] async for m in channel.history(limit=None, after=Object(1))]
    assert texts == ["lost", "two", "two"]
    assert not discord.gateway_events("RESUME")


async def test_history_is_paged_both_ways(discord: DiscordLab, server: Server) -> None:
    anna = server.member("anna")
    said = [anna.say(server.general, str(number)) for number in range(230)]
    async with running(discord) as bot:
        channel = bot.text_channel(server)
        after = [m.content async for m in channel.history(limit=None, after=Object(int(said[9])))]
        before = [m.content async for m in channel.history(limit=3, before=Object(int(said[9])))]
        around = [m.content async for m in channel.history(limit=3, around=Object(int(said[9])))]
    assert after == [str(number) for number in range(10, 230)]
    assert (before, sorted(around)) == (["8", "7", "6"], ["10", "8", "9"])


@pytest.mark.parametrize(("status", "is_global"), [(429, False), (429, True), (502, False)])
async def test_a_refused_message_is_repeated_by_the_library(
    discord: DiscordLab, server: Server, status: int, is_global: bool
) -> None:
    async with running(discord) as bot:
        discord.fault("POST .*/messages$", status=status, retry_after_s=0.2, is_global=is_global)
        await bot.text_channel(server).send("hello")
    assert [call.status for call in discord.calls("POST .*/messages$")] == [status, 200]
    assert [each.text for each in server.shown(server.general)] == ["hello"]
    assert len(discord.refusals()) == (status == 429)


async def test_a_message_whose_answer_was_lost_is_there_once(discord: DiscordLab, server: Server) -> None:
    async with running(discord) as bot:
        channel = bot.text_channel(server)
        discord.fault("POST .*/messages$", drop=True, executed=True)
        with pytest.raises(ServerDisconnectedError):
            await channel.send("hello", nonce="n:1")
        await channel.send("hello", nonce="n:1")
        discord.fault("POST .*/messages$", drop=True)
        with pytest.raises(ServerDisconnectedError):
            await channel.send("lost", nonce="n:2")
    assert [(each.text, each.nonce) for each in server.shown(server.general)] == [("hello", "n:1")]


async def test_content_is_hidden_without_the_intent(discord: DiscordLab, server: Server) -> None:
    discord.settings.privileged = ()
    anna = server.member("anna")
    async with running(discord, content=False) as bot:
        anna.say(server.general, "secret")
        anna.ask(server.general, "one")
        (answer,) = await server.answers(server.general, "to one")
        anna.say(server.general, "a reply", reply_to=answer.id)
        anna.whisper("direct")
        await server.answers(server.general, "to one", "to reply")
        await discord.until(lambda: "direct" in bot.seen)
        found = [m.content async for m in bot.text_channel(server).history(oldest_first=True)]
    assert bot.seen == ["", f"<@{server.bot}> one", "a reply", "direct"]
    assert found == ["", f"<@{server.bot}> one", "to one", "a reply", "to reply"]


async def test_a_permission_taken_away_is_missed_at_once(discord: DiscordLab, server: Server) -> None:
    async with running(discord) as bot:
        channel = bot.text_channel(server)
        server.permit_bot(ALL_PERMS & ~PERMS["ADMINISTRATOR"] & ~PERMS["MODERATE_MEMBERS"])
        anna = server.member("anna")
        member = await channel.guild.fetch_member(int(anna.id))
        with pytest.raises(Forbidden) as refused:
            await member.edit(timed_out_until=None, reason="calm")
        assert refused.value.code == 50013
        await member.kick(reason="spam, 3 times")
        everyone = {"id": server.id, "type": 0, "allow": "0", "deny": str(PERMS["VIEW_CHANNEL"])}
        discord.set_overwrites(server.general, [everyone])
        with pytest.raises(Forbidden) as refused:
            await channel.send("hello")
        assert refused.value.code == 50001
    assert anna.id not in server.members()
    assert server.reasons() == ["spam, 3 times"]
    assert [call.status for call in discord.refusals()] == [403, 403]


async def test_a_forum_post_is_announced_before_its_first_message(
    discord: DiscordLab, server: Server
) -> None:
    anna, forum = server.member("anna"), server.forum("help")
    async with running(discord) as bot, asyncio.TaskGroup() as tasks:
        tasks.create_task(anna.post(forum, "How?", "it hurts", starter_delay_s=0.5))
        await discord.until(lambda: bot.opened)
        (thread,) = bot.opened
        with pytest.raises(HTTPException) as early:
            await thread.send("first!")
        assert early.value.code == 40058
        with pytest.raises(NotFound):
            await thread.fetch_message(thread.id)
        await server.until(str(thread.id), lambda shown: len(shown) == 1)
        await thread.send("now")
    assert [each.text for each in server.shown(str(thread.id))] == ["it hurts", "now"]
    assert [each["name"] for each in server.threads(forum)] == ["How?"]


async def test_webhooks_and_previews_are_what_they_are(discord: DiscordLab, server: Server) -> None:
    anna = server.member("anna")
    async with running(discord) as bot:
        said = anna.say(server.general, "https://example.org")
        discord.unfurl(discord.message(said), {"title": "Example"})
        discord.send_webhook(server.general, "news", "fresh")
        await discord.until(lambda: len(bot.seen) == 2)
    first, second = server.shown(server.general)
    assert (first.edits, first.embeds[0]["title"]) == (0, "Example")
    assert second.author not in server.members()


async def test_what_the_document_does_not_know_is_a_problem() -> None:
    async with DiscordLab(Settings(heartbeat_ms=500)) as lab:
        server = Server(lab)
        async with running(lab) as bot:
            with pytest.raises(NotFound):
                await bot.http.request(Route("GET", "/nowhere"))
            route = Route("POST", "/channels/{channel_id}/messages", channel_id=server.general["id"])
            with pytest.raises(HTTPException):
                await bot.http.request(route, json={"content": 5, "embeds": "none"})
            await bot.http.request(route, json={"content": "hello", "colour": "red"})
            with pytest.raises(HTTPException):
                await bot.http.request(Route("GET", "/voice/regions"))
        kinds = [problem.split(" ")[:2] for problem in lab.problems()]
    assert kinds == [["bot:", "path"], ["bot:", "body"], ["bot:", "unknown_field"], ["lab", "lacks"]]


async def test_a_bot_that_used_up_its_identifies_is_locked_out(discord: DiscordLab, server: Server) -> None:
    discord.settings.daily_identifies = 0
    with pytest.RaisesGroup(pytest.RaisesExc(ConnectionClosed, match="4004")):
        async with running(discord):
            pass
