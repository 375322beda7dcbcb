"""Reactions as presses: below a card they call its commands, below an answer they rate it."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.actions import Post, Update
from bot.core.controls import Control
from bot.core.events import MessageRef
from bot.storage.outbox import NewOutboxRow
from bot.storage.ratings import Opinion
from bot.storage.settlement import Settlement
from tests.living import Life

STATUS = Control("ℹ️", "How are you?", ("admin", "status"))
QUOTA = Control("🔢", "No more questions", ("admin", "quota"), {"action": "set"})


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


async def card_in(life: Life) -> MessageRef:
    """A card that an earlier process wanted to post, once a bot has posted it."""
    async with life.store() as store:
        card = Post(life.room, "What now?", "A card", (STATUS, QUOTA))
        await store.settle(Settlement(opened=(NewOutboxRow("card", life.room, None, card),)))
    async with life.bot() as app:
        await life.answers(1)
        await app.store.settle(Settlement())
    (posted,) = life.world.shown(life.room)
    assert posted.text == "**A card**\n\nWhat now?\n\nReact with: ℹ️ How are you? · 🔢 No more questions"
    return posted.message.ref


async def test_a_reaction_below_a_card_calls_its_command_also_after_a_restart(life: Life) -> None:
    card = await card_in(life)
    async with life.bot():
        life.world.react(life.person("anna"), card, STATUS.emoji.rstrip("\ufe0f"))
        (_card, answer) = await life.answers(2)
    assert answer.startswith("LLMOS ")


async def test_a_reaction_gives_nobody_rights(life: Life) -> None:
    card = await card_in(life)
    async with life.bot() as app:
        life.world.react(life.person("anna"), card, "🔢")
        (_card, answer) = await life.answers(2)
        log = await app.store.audit.recent("memory", "town", 5)
    assert "is for moderators" in answer
    assert [entry.verb for entry in log] == ["refused"]


async def test_reactions_that_mean_nothing_and_those_of_machines_call_nothing(life: Life) -> None:
    card = await card_in(life)
    async with life.bot():
        life.world.react(life.world.member("clock", is_bot=True), card, "ℹ️")
        life.world.react(life.person("anna"), card, "🎉")
        life.world.react(life.person("anna"), card, "ℹ️", added=False)
        life.world.say(life.person("anna"), life.room, "@llmos still here?")
        assert (await life.answers(2))[1:] == ["still here?"]


async def test_a_card_that_was_dealt_with_can_be_pressed_no_more(life: Life) -> None:
    card = await card_in(life)
    async with life.store() as store:
        done = Update(card, "Anna did it.", "A card")
        await store.settle(Settlement(opened=(NewOutboxRow("done", life.room, None, done),)))
    async with life.bot():
        await life.until(lambda: life.world.answers(life.room) == ["**A card**\n\nAnna did it."])
    async with life.bot():
        life.world.react(life.person("anna"), card, "ℹ️")
        life.world.say(life.person("anna"), life.room, "@llmos still here?")
        assert (await life.answers(2))[1:] == ["still here?"]


async def test_a_thumb_below_an_answer_rates_it_without_a_word(life: Life) -> None:
    async with life.bot() as app:
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.answers(1)
        (answer,) = [each for each in life.world.shown(life.room) if each.message.author == life.world.bot]
        for n, (who, emoji) in enumerate((("anna", "👍"), ("ben", "👎"), ("carl", "👎"), ("carl", "👍"))):
            life.world.react(life.person(who), answer.message.ref, emoji)
            life.world.say(life.person(who), life.room, "@llmos done")
            await life.answers(n + 2)
        opinion = Opinion(0, 0)
        while opinion != Opinion(2, 1):
            opinion = await app.store.ratings.since("memory/town", life.clock() - timedelta(hours=1))
        assert await app.store.ratings.since("memory/else", life.clock() - timedelta(hours=1)) == Opinion(
            0, 0
        )
    assert not any("noted" in text for text in life.world.answers(life.room))


async def test_who_opted_out_leaves_no_rating(life: Life) -> None:
    async with life.bot() as app:
        await app.store.privacy.opt_out(life.person("anna").identity)
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.answers(1)
        (answer,) = [each for each in life.world.shown(life.room) if each.message.author == life.world.bot]
        life.world.react(life.person("anna"), answer.message.ref, "👍")
        assert "opted out" in (await life.answers(2))[1]
        assert await app.store.ratings.since("memory/town", life.clock() - timedelta(hours=1)) == Opinion(
            0, 0
        )
