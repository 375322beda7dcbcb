"""Reactions as presses: below a card they call its commands, below an answer they rate it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import opened
from bot.core.actions import Action, Post, Receipt, Report, Update, no_report
from bot.core.controls import Control
from bot.core.events import Author, Invocation, MessageRef, Reaction
from bot.pressing import Presses
from bot.storage.outbox import NewOutboxRow
from bot.storage.ratings import Opinion
from bot.storage.settlement import Settlement
from tests.living import Announcing, Life

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


class Slow(Announcing):
    """Tells that a card stands only after `meanwhile`."""

    def __init__(self, life: Life, meanwhile: Callable[[MessageRef], Awaitable[None]]) -> None:
        super().__init__(life.world)
        self._room, self._meanwhile = life.room, meanwhile

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        receipt = await super().perform(action, key, resume)
        if isinstance(action, Post):
            await self.listens.wait()
            await self._meanwhile(MessageRef(self._room, receipt.message_ids[0]))
        return receipt


async def test_a_reaction_that_is_faster_than_the_word_that_its_card_stands_is_not_lost(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at, call = asyncio.Event(), Presses.call

    def noticed(presses: Presses, reaction: Reaction) -> Invocation | None:
        found = call(presses, reaction)
        looked_at.set()
        return found

    async def pressed(card: MessageRef) -> None:
        for emoji in ("🎉", STATUS.emoji):
            looked_at.clear()
            life.world.react(life.person("anna"), card, emoji)
            await looked_at.wait()

    monkeypatch.setattr(Presses, "call", noticed)
    async with life.store() as store:
        card = Post(life.room, "What now?", "A card", (STATUS, QUOTA))
        await store.settle(Settlement(opened=(NewOutboxRow("card", life.room, None, card),)))
    adapter = Slow(life, pressed)
    made = opened(life.config, [adapter], models={"echo": life.model}, now=life.clock)
    async with made as app, life.living(app, adapter):
        (_card, answer) = await life.answers(2)
        life.world.say(life.person("anna"), life.room, "@llmos still here?")
        assert (await life.answers(3))[2:] == ["still here?"]
    assert answer.startswith("LLMOS ")


async def test_early_reactions_are_looked_at_once_for_minutes_only_and_forgotten_with_their_author(
    life: Life,
) -> None:
    anna, ben = life.person("anna"), life.person("ben")
    async with life.store() as store:
        presses = Presses(store, life.clock)

        def press(message: str, who: Author = anna) -> MessageRef:
            ref = MessageRef(life.room, message)
            assert presses.call(Reaction(ref, who, STATUS.emoji, True, life.clock())) is None
            return ref

        once, late, gone, other = press("once"), press("late"), press("gone", ben), press("other")
        await store.privacy.forget(ben.identity)
        store.controls.rows([(ref, (STATUS,)) for ref in (once, late, gone)])
        (call,) = presses.early([once, gone, other])
        assert (call.author, call.command, call.target) == (anna, STATUS.command, once)
        assert presses.early([once]) == []
        life.clock.shift += timedelta(minutes=6)
        assert presses.early([late]) == []


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
