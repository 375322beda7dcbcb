"""What follows from verdicts: nothing before a community is set up, shadow first, then cards and strikes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import App
from bot.core.events import Channel
from bot.core.permissions import Role
from bot.storage.cases import Case
from bot.storage.rulebooks import Rulebook
from tests.living import Life

RULES = """
version = 1

[[rule]]
kind = "words"
name = "rude"
action = "hide"
words = ["fool"]

[[rule]]
kind = "caps"
name = "shouting"
action = "queue"
"""
RUDE, LOUD, FINE = "you fool", "THIS IS VERY LOUD INDEED, LOOK AT THIS", "how are you"


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def desk_of(life: Life) -> Channel:
    return life.world.channel("moderators")


@asynccontextmanager
async def moderated(life: Life, *enforced: str) -> AsyncIterator[App]:
    """A bot in a community whose moderators set up two rules, some of them enforced."""
    async with life.bot() as app:
        book = Rulebook("memory/town", rules=RULES, log=desk_of(life), enforced=frozenset(enforced))
        await app.store.rulebooks.save(book, actor="mia")
        yield app


async def said(life: Life, *texts: str, by: str = "ben") -> None:
    """Somebody says this, and the bot has looked at it."""
    for text in texts:
        life.world.say(life.person(by), life.room, text)
    before = len(life.world.answers(life.room))
    life.world.say(life.person("someone"), life.room, "@llmos are you there")
    await life.until(
        lambda: (
            len(life.world.answers(life.room)) > before
            and life.world.answers(life.room)[-1] == "are you there"
        )
    )


def standing(life: Life) -> list[str]:
    """What members wrote and still stands."""
    return [each.text for each in life.world.shown(life.room) if each.message.author.id == "ben"]


async def cases(app: App) -> list[Case]:
    return await app.store.cases.waiting("memory/town", 50)


async def test_nothing_is_judged_before_a_moderator_set_it_up(life: Life) -> None:
    async with life.bot() as app:
        await said(life, RUDE)
        assert await cases(app) == []
    assert standing(life) == [RUDE]
    assert life.world.answers(desk_of(life)) == []


async def test_a_rule_in_shadow_only_reports_what_it_would_have_done(life: Life) -> None:
    async with moderated(life) as app:
        await said(life, RUDE, FINE)
        (card,) = await life.answers(1, desk_of(life))
        (case,) = await cases(app)
        assert app.store.strikes.of("memory/town", life.person("ben").identity) == ()
    assert standing(life) == [RUDE, FINE]
    assert card.startswith("**Case 1: `rude` would hide it**")
    assert "you fool" in card
    assert "“fool” (4–8)" in card
    assert "✅ Right · ❌ False alarm" in card
    assert (case.shadow, case.state, case.rule, case.version, case.did) == (True, "open", "rude", 1, ())


async def test_a_rule_that_is_enforced_acts_and_its_author_is_told_where_it_stood(life: Life) -> None:
    async with moderated(life, "rude") as app:
        await said(life, RUDE, FINE)
        (card,) = await life.answers(1, desk_of(life))
        (case,) = await cases(app)
        (strike,) = app.store.strikes.of("memory/town", life.person("ben").identity)
        (entry,) = await app.store.audit.recent("memory", "town", 10)
    assert standing(life) == [FINE]
    notice = next(text for text in life.world.answers(life.room) if "removed" in text)
    assert notice.startswith("ben, I removed a message of yours.")
    assert "fool" not in notice
    assert "🗑️ Delete" in card
    assert "🔨 Ban" in card
    assert (case.shadow, case.state, case.did) == (False, "open", ("hide",))
    assert (strike.case, strike.weight) == (1, 1.0)
    assert (entry.actor, entry.verb, entry.detail) == ("bot", "hide", "case 1 rule rude version 1")


@pytest.mark.parametrize(("enforced", "ends"), [((), "you fool"), (("rude",), "rule of this place.)")])
async def test_the_bots_own_words_are_stopped_only_by_rules_that_act(
    life: Life, enforced: tuple[str, ...], ends: str
) -> None:
    async with moderated(life, *enforced):
        life.world.say(life.world.member("mia", role=Role.MODERATOR), life.room, f"@llmos {RUDE}")
        (answer,) = await life.answers(1)
    assert answer.endswith(ends)


async def test_what_is_queued_stays_where_it_is_and_counts_nothing(life: Life) -> None:
    async with moderated(life, "shouting") as app:
        await said(life, LOUD)
        (case,) = await cases(app)
        assert app.store.strikes.of("memory/town", life.person("ben").identity) == ()
    assert standing(life) == [LOUD]
    assert (case.shadow, case.did) == (False, ())


async def test_moderators_are_left_alone(life: Life) -> None:
    mia = life.world.member("mia", Role.MODERATOR)
    async with moderated(life, "rude") as app:
        life.world.say(mia, life.room, RUDE)
        await said(life)
        assert await cases(app) == []
    assert RUDE in [each.text for each in life.world.shown(life.room)]


async def test_a_moderator_is_answered_whatever_words_a_command_of_theirs_has(life: Life) -> None:
    mia = life.world.member("mia", Role.MODERATOR)
    async with moderated(life, "rude"):
        life.world.say(mia, life.room, f"!llmos rules test {RUDE}")
        await life.until(lambda: any("“fool”" in text for text in life.world.answers(life.room)))


async def test_a_burst_of_cases_makes_one_line_instead_of_a_flood_of_cards(life: Life) -> None:
    async with moderated(life, "rude") as app:
        await said(life, *[f"{RUDE} {n}" for n in range(12)])
        shown = await life.answers(6, desk_of(life))
        assert len(await cases(app)) == 12
    assert len(shown) == 6
    assert shown[-1] == "`rude` finds more and more; `mod queue` lists the further cases of this minute."
    assert sum("removed a message" in text for text in life.world.answers(life.room)) == 1


async def test_a_channel_can_be_left_out_or_kept_in_shadow(life: Life) -> None:
    async with moderated(life, "rude") as app:
        await app.store.policies.set(life.room.key, "moderation", "off")
        await said(life, RUDE)
        assert await cases(app) == []
        await app.store.policies.set(life.room.key, "moderation", "shadow")
        await said(life, RUDE)
        (case,) = await cases(app)
    assert case.shadow
    assert standing(life) == [RUDE, RUDE]


async def test_an_edit_is_judged_like_a_message(life: Life) -> None:
    async with moderated(life, "rude") as app:
        message = life.world.say(life.person("ben"), life.room, FINE)
        life.world.edit(message, RUDE)
        await said(life)
        (case,) = await cases(app)
    assert case.text == RUDE
    assert standing(life) == []


async def test_cases_and_strikes_are_there_after_a_restart(life: Life) -> None:
    async with moderated(life, "rude"):
        await said(life, RUDE)
    async with life.bot() as app:
        (case,) = await cases(app)
        assert len(app.store.strikes.of("memory/town", life.person("ben").identity)) == 1
        await said(life, f"{RUDE} again")
        assert [each.number for each in await cases(app)] == [2, 1]
    assert case.text == RUDE


async def test_newcomers_are_greeted_where_moderators_want_it_and_not_in_a_raid(life: Life) -> None:
    def greetings() -> list[str]:
        return [text for text in life.world.answers(life.room) if text.startswith("Welcome, ")]

    async with moderated(life) as app:
        life.world.join(life.person("early"), life.room)
        await said(life)
        assert greetings() == []
        await app.store.rulebooks.save(replace(app.store.rulebooks.of("memory/town"), welcome=True), "mia")
        life.world.join(life.person("carl"), life.room)
        await life.until(lambda: len(greetings()) == 1)
        for n in range(20):
            life.world.join(life.person(f"raider{n}"), life.room)
        await said(life)
        life.clock.shift = timedelta(minutes=2)
        life.world.join(life.person("carl"), life.room)
        life.world.join(life.world.member("robot", is_bot=True), life.room)
        life.world.join(life.person("*dora* @everyone"), life.room)
        await life.until(lambda: len(greetings()) == 2)
    first, second = greetings()
    assert first.startswith("Welcome, carl. Mention me")
    assert "`privacy show`" in first
    assert second.startswith("Welcome, \\*dora\\* @\u200beveryone.")
