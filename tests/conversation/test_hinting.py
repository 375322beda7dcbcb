"""Hints through the whole bot: once, for everybody's eyes, and gone with their question."""

import asyncio
from pathlib import Path

import pytest

from bot.adapters.world import World
from bot.app import App
from bot.core.actions import Alert
from bot.core.events import Author, Channel, Message
from bot.core.permissions import Role
from bot.knowledge.document import Document, Section
from tests.journeys.script import finished
from tests.living import PATIENCE_S, Life
from tests.messages import EPOCH

QUESTION = "How do I renew the wildcard certificate on the proxy?"
ANSWER = "Run certbot with the DNS plugin and reload the proxy; it takes ten minutes and nobody notices."
HINT = "answered before"


async def prepared(life: Life, app: App, *, wanted: str = "on", channel: str = "") -> None:
    """A bot that knows the answer and gives hints."""
    document = Document("tls", QUESTION, (Section(ANSWER, EPOCH, "https://example.org/tls"),), channel)
    await app.learn(life.room.community_key, [document])
    await app.store.policies.set(life.room.key, "duplicates", wanted)


def hints(world: World, room: Channel) -> list[str]:
    return [text for text in world.answers(room) if HINT in text]


async def decided(app: App, said: Message) -> str:
    """What became of a message, when all that follows is done."""
    async with asyncio.timeout(PATIENCE_S):
        while await app.store.messages.outcome(said.ref) is None:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
    await finished(app.store, said.ref.channel.platform)
    outcome = await app.store.messages.outcome(said.ref)
    assert outcome is not None
    return outcome


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


@pytest.fixture
def anna(life: Life) -> Author:
    return life.person("anna")


async def test_a_question_gets_one_hint(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await prepared(life, app)
        asked = life.world.say(anna, life.room, QUESTION)
        await life.until(lambda: bool(hints(life.world, life.room)))
        assert await decided(app, asked) == "hinted"
        (said,) = hints(life.world, life.room)
    assert "https://example.org/tls" in said
    assert f"> {ANSWER}" in said


@pytest.mark.parametrize("wanted", ["off", "ask", "on"])
async def test_only_who_wants_hints_gets_them(life: Life, anna: Author, wanted: str) -> None:
    async with life.bot() as app:
        await prepared(life, app, wanted=wanted)
        asked = life.world.say(anna, life.room, QUESTION)
        outcome = await decided(app, asked)
        number = app.store.hints.number(asked.ref)
        shown = hints(life.world, life.room)
    assert (outcome == "hinted") == (wanted != "off") == (number is not None)
    assert bool(shown) == (wanted == "on")


async def test_a_reply_a_command_and_what_is_said_to_the_bot_get_none(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await prepared(life, app)
        first = life.world.say(anna, life.room, "good morning")
        said = [
            life.world.say(anna, life.room, QUESTION, reply_to=first.ref.id),
            life.world.say(anna, life.room, f"@llmos {QUESTION}"),
            life.world.say(anna, life.room, f"!llmos report {QUESTION}"),
        ]
        for each in said:
            assert await decided(app, each) != "hinted"
        assert not hints(life.world, life.room)


async def test_what_not_all_readers_of_the_channel_may_read_is_not_told(life: Life, anna: Author) -> None:
    secret = life.world.channel("secret")
    life.world.close_to_all_but(secret, anna)
    async with life.bot() as app:
        await prepared(life, app, channel=secret.key)
        asked = life.world.say(anna, life.room, QUESTION)
        assert await decided(app, asked) == "ignored:not-addressed"
        await app.store.policies.set(secret.key, "duplicates", "on")
        life.world.say(anna, secret, QUESTION)
        await life.until(lambda: bool(hints(life.world, secret)))
        assert not hints(life.world, life.room)


@pytest.mark.parametrize("deed", ["deletes", "edits"])
async def test_the_hint_goes_with_its_question(life: Life, anna: Author, deed: str) -> None:
    async with life.bot() as app:
        await prepared(life, app)
        asked = life.world.say(anna, life.room, QUESTION)
        await life.until(lambda: bool(hints(life.world, life.room)))
        await decided(app, asked)
        if deed == "deletes":
            life.world.delete(asked.ref)
        else:
            life.world.edit(asked, "never mind")
        await life.until(lambda: not hints(life.world, life.room))


async def test_a_card_is_emptied_with_its_question(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await prepared(life, app, wanted="ask")
        office = life.world.channel("office")
        mia = life.world.member("mia", Role.MODERATOR)
        life.world.say(mia, office, "!llmos rules setup")
        await life.until(lambda: any("rules are set up" in each for each in life.world.answers(office)))
        asked = life.world.say(anna, life.room, QUESTION)
        await life.until(lambda: any(QUESTION in each for each in life.world.answers(office)))
        await decided(app, asked)
        life.world.delete(asked.ref)
        await life.until(lambda: not any(ANSWER in each for each in life.world.answers(office)))
        assert any("changed or deleted" in each for each in life.world.answers(office))


async def test_who_opted_out_gets_none(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await prepared(life, app)
        await app.store.privacy.opt_out(anna.identity)
        life.world.say(anna, life.room, QUESTION)
        other = life.world.say(life.person("ben"), life.room, QUESTION)
        await life.until(lambda: bool(hints(life.world, life.room)))
        await decided(app, other)
        assert len(hints(life.world, life.room)) == 1


async def test_a_used_up_quota_ends_hints_too(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await prepared(life, app)
        await app.store.policies.set(life.room.key, "quota_channel_requests", "0")
        asked = life.world.say(anna, life.room, QUESTION)
        assert await decided(app, asked) == "ignored:not-addressed"
        assert not [act for act in life.world.acts if isinstance(act, Alert)]


async def test_a_killed_bot_gives_no_hint_twice(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await prepared(life, app)
        asked = life.world.say(anna, life.room, QUESTION)
        await life.until(lambda: bool(hints(life.world, life.room)))
    async with life.bot() as app:
        assert await decided(app, asked) == "hinted"
        assert len(hints(life.world, life.room)) == 1
        life.world.delete(asked.ref)
        await life.until(lambda: not hints(life.world, life.room))


async def test_a_thread_gets_a_hint_for_what_opens_it_and_for_nothing_else(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await prepared(life, app)
        thread = life.world.open_thread(anna, life.room, QUESTION).channel
        opening = life.world.say(anna, thread, "It is expired. What shall I do about it now?")
        await life.until(lambda: bool(hints(life.world, thread)))
        assert await decided(app, opening) == "hinted"
        later = life.world.say(anna, thread, QUESTION)
        assert await decided(app, later) == "ignored:not-addressed"
        assert len(hints(life.world, thread)) == 1
