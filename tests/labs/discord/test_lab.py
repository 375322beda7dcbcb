"""The lab itself, as an unmodified discord.py sees it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yarl
from aiohttp import ServerDisconnectedError, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
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
    ui,
)
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.labs.discord import ALL_PERMS, PERMS, DiscordLab, Server, Settings, certificate


class Bot(AutoShardedClient):
    """Answers a mention with a reply and an edit of it, and the command /ask after a deferral."""

    def __init__(
        self, lab: DiscordLab, *, content: bool = True, connector: TCPConnector | None = None
    ) -> None:
        intents = Intents.default()
        intents.message_content = content
        super().__init__(
            intents=intents, allowed_mentions=AllowedMentions.none(), guild_ready_timeout=0.05,
            connector=connector,
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

        for name in (
            "raw_message_edit",
            "raw_reaction_add",
            "raw_reaction_remove",
            "raw_message_delete",
            "raw_bulk_message_delete",
        ):
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


class Reason(ui.Modal, title="Why?"):
    """A form with one field."""

    why: ui.TextInput["Reason"] = ui.TextInput(label="Why", custom_id="why")

    async def on_submit(self, interaction: Interaction) -> None:
        await interaction.response.send_message(self.why.value)


class Card(ui.View):
    """A button that opens the form, and one that is disabled."""

    @ui.button(label="Helpful", custom_id="helpful")
    async def helpful(self, interaction: Interaction, button: ui.Button["Card"]) -> None:
        await interaction.response.send_modal(Reason())

    @ui.button(label="Gone", custom_id="gone", disabled=True)
    async def gone(self, interaction: Interaction, button: ui.Button["Card"]) -> None:
        raise AssertionError("nobody can click it")


class Offering(Bot):
    """Answers a mention with a card, and has a command for admins that completes, and a menu."""

    async def setup_hook(self) -> None:
        @self.tree.command(description="Show a rule")
        @app_commands.default_permissions()
        async def rule(interaction: Interaction, name: str) -> None:
            await interaction.response.send_message(name)

        @rule.autocomplete("name")
        async def complete(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=each, value=each) for each in ("spam",) if typed in each]

        @self.tree.context_menu(name="Why?")
        async def why(interaction: Interaction, message: Message) -> None:
            await interaction.response.send_message(f"because of {message.content}")

        await self.tree.sync()

    async def on_message(self, message: Message) -> None:
        if self.user in message.mentions:
            await message.reply("a card", view=Card())


@asynccontextmanager
async def running(lab: DiscordLab, kind: type[Bot] = Bot, *, content: bool = True) -> AsyncIterator[Bot]:
    """A bot that is ready, for as long as the context lasts."""
    kept = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = lab.rest_url, yarl.URL(lab.gateway_url)
    bot = kind(lab, content=content)
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


async def test_buttons_forms_menus_and_completions_come_from_what_the_bot_offers(
    discord: DiscordLab, server: Server
) -> None:
    anna = server.member("anna")
    async with running(discord, Offering):
        anna.ask(server.general, "one")
        (card,) = await server.until(server.general, lambda shown: len(shown) == 1, server.bot)
        assert card.buttons == ["Helpful"]
        with pytest.raises(PermissionError):
            anna.click(card.id, "Gone")
        opened = anna.click(card.id, "Helpful")
        await discord.until(lambda: opened.modal)
        sent = anna.submit(opened, why="it was short")
        await discord.until(lambda: sent.original)
        typing = server.admin("ada").complete(server.general, "rule", "name", "sp")
        await discord.until(lambda: typing.choices)
        menu = anna.menu(card.id, "Why?")
        await discord.until(lambda: menu.original)
        with pytest.raises(PermissionError, match="hidden"):
            anna.slash(server.general, "rule", name="spam")
        assert server.admin("eva").slash(server.general, "rule", name="spam").state == "pending"
    assert typing.choices == [{"name": "spam", "value": "spam"}]
    assert [(each.text, each.asked_by) for each in server.shown(server.general, server.bot)[1:3]] == [
        ("it was short", anna.id), ("because of a card", anna.id),
    ]  # fmt: skip


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


async def test_threads_pins_and_bulk_deletions_are_seen_by_people(
    discord: DiscordLab, server: Server
) -> None:
    anna, mods = server.member("anna"), server.moderator("mods")
    asked = anna.say(server.general, "how?")
    other, more = (anna.say(server.general, text) for text in ("spam", "more"))
    anna.open_thread(server.general, "elsewhere")
    async with running(discord) as bot:
        channel = bot.text_channel(server)
        message = await channel.fetch_message(int(asked))
        await message.pin(reason="worth reading")
        thread = await message.create_thread(name="how", reason="asked often")
        await thread.send("so")
        await thread.edit(archived=True, locked=True, reason="done")
        assert [found.id async for found in channel.archived_threads()] == [thread.id]
        assert [pin.id async for pin in channel.pins()] == [message.id]
        discord.delete_many(server.general, [other, more])
        await discord.until(lambda: "raw_bulk_message_delete" in bot.events)
        mods.delete(asked)
    (notice,) = server.shown(server.general)
    assert (notice.kind, notice.text) == (18, "elsewhere")
    assert [(each["name"], each["thread_metadata"]["locked"]) for each in server.threads(server.general)] == [
        ("elsewhere", False), ("how", True),
    ]  # fmt: skip
    assert [each.text for each in server.shown(str(thread.id))] == ["so"]
    assert [*filter(None, server.reasons())] == ["done", "worth reading"]


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


class ToTheLab(AbstractResolver):
    """Every name is the lab's address."""

    def __init__(self, lab: DiscordLab) -> None:
        self._lab = lab

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(
            hostname=host, host="127.0.0.1", port=self._lab.port, family=socket.AF_INET, proto=0, flags=0,
        )]  # fmt: skip

    async def close(self) -> None:
        """Holds nothing open."""


async def test_a_library_with_nothing_changed_takes_the_lab_for_discord(tmp_path: Path) -> None:
    serving, trusting = certificate.contexts(("discord.com", "*.discord.gg"), tmp_path)
    lab = DiscordLab()
    await lab.start(ssl_context=serving)
    try:
        lab.gateway_url = "wss://gateway.discord.gg"
        server = Server(lab)
        anna = server.member("anna")
        bot = Bot(lab, connector=TCPConnector(resolver=ToTheLab(lab), ssl=trusting))
        async with asyncio.TaskGroup() as tasks, bot:
            await bot.login(lab.settings.token)
            tasks.create_task(bot.connect())
            await bot.wait_until_ready()
            anna.ask(server.general, "one")
            await server.answers(server.general, "to one")
    finally:
        await lab.stop()
    assert Route.BASE.startswith("https://discord.com/")
    assert not lab.problems()


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
