"""Moderators decide by reactions below cards, and authors appeal: the whole bot, in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.app import App
from bot.core.actions import Ban, Timeout, Unban
from bot.core.events import Author, MessageRef
from bot.core.permissions import Role
from bot.storage.cases import Case
from bot.storage.settlement import Settlement
from tests.living import Life
from tests.moderation.test_review import LOUD, RUDE, desk_of, moderated, said, standing


@pytest.fixture
def life(tmp_path: Path) -> Life:
    life = Life(tmp_path)
    for moderator in ("mia", "max"):
        life.world.member(moderator, Role.MODERATOR)
    return life


def card(life: Life, number: int = 0) -> MessageRef:
    """The n-th card in the moderators' channel."""
    return life.world.shown(desk_of(life))[number].message.ref


def press(life: Life, who: str, emoji: str, ref: MessageRef | None = None) -> None:
    life.world.react(Author(life.world.platform, who, who), ref or card(life), emoji)


async def shows(life: Life, text: str, number: int = 0) -> str:
    """Wait until a card holds a text."""
    await life.until(lambda: any(text in each for each in life.world.answers(desk_of(life))[number:][:1]))
    return life.world.answers(desk_of(life))[number]


@asynccontextmanager
async def one_case(life: Life, text: str = LOUD) -> AsyncIterator[App]:
    """A community in which a rule has found something of ben's, and its card stands."""
    async with moderated(life, "rude", "shouting") as app:
        await said(life, text)
        await life.answers(1, desk_of(life))
        yield app


async def the_case(app: App) -> Case:
    found = await app.store.cases.get("memory/town", 1)
    assert found is not None
    return found


def struck(app: App, life: Life) -> float:
    return sum(each.weight for each in app.store.strikes.of("memory/town", life.person("ben").identity))


def ends_with(life: Life, kind: type[Timeout | Unban]) -> bool:
    return isinstance(life.world.acts[-1], kind)


async def test_of_two_moderators_at_once_one_decides_and_the_other_learns_who_did(life: Life) -> None:
    async with one_case(life) as app:
        press(life, "mia", "✅")
        press(life, "max", "🔨")
        await life.answers(2, desk_of(life))
        case = await the_case(app)
        first, second = ("mia", "max") if case.state == "kept" else ("max", "mia")
        changed = await shows(life, first)
        answer = next(text for text in life.world.answers(desk_of(life)) if "already" in text)
        log = await app.store.audit.recent("memory", "town", 10)
    assert first in answer
    assert second not in changed
    bans = [act for act in life.world.acts if isinstance(act, Ban)]
    assert len(bans) == (case.state == "upheld")
    assert len([entry for entry in log if entry.verb in ("approve", "ban")]) == 1
    assert log[0].detail == "case 1 rule shouting version 1"
    assert log[0].subject


@pytest.mark.parametrize(
    ("emoji", "state", "acts", "strikes"),
    [
        ("✅", "kept", [], 0.0),
        ("🗑️", "upheld", ["Delete"], 1.0),
        ("⚠️", "upheld", [], 1.0),
        ("⏳", "upheld", ["Delete", "Timeout"], 1.0),
        ("🔨", "upheld", ["Delete", "Ban"], 3.0),
        ("❌", "false alarm", [], 0.0),
    ],
)
async def test_each_reaction_does_what_it_says_and_can_be_undone(
    life: Life, emoji: str, state: str, acts: list[str], strikes: float
) -> None:
    async with one_case(life) as app:
        press(life, "mia", emoji)
        await shows(life, "Undo")
        await life.until(lambda: [type(act).__name__ for act in life.world.acts] == acts)
        case = await the_case(app)
        assert (case.state, case.actor_name, struck(app, life)) == (state, "mia", strikes)
        told = emoji in ("🗑️", "⏳")
        await life.until(lambda: removals(life) == told)
        press(life, "max", "↩️")
        await shows(life, "Taken back** by max; it waits for another decision")
        case = await the_case(app)
        assert (case.state, struck(app, life)) == ("open", 0.0)
        for done, undone in (("Timeout", Timeout), ("Ban", Unban)):
            if done in acts:
                await life.until(partial(ends_with, life, undone))
    assert life.world.may_write(life.person("ben"))


def removals(life: Life) -> int:
    """How often an author was told that something of theirs is gone."""
    return sum("I removed a message of yours" in text for text in life.world.answers(life.room))


async def test_who_was_told_that_a_rule_hid_a_message_is_not_told_again_when_a_moderator_deletes_it(
    life: Life,
) -> None:
    async with one_case(life, RUDE):
        await life.until(lambda: removals(life) == 1)
        life.clock.shift += timedelta(minutes=5)
        press(life, "mia", "🗑️")
        await shows(life, "deleted**, by mia")
        life.world.say(life.person("mia"), life.room, "!llmos help why")
        await life.until(lambda: any("`!llmos why" in text for text in life.world.answers(life.room)))
    assert removals(life) == 1


async def test_what_a_rule_did_by_itself_is_undone_by_one_reaction(life: Life) -> None:
    async with one_case(life, RUDE) as app:
        assert struck(app, life) == 1.0
        press(life, "mia", "↩️")
        await shows(life, "It may stay**, says mia")
        assert struck(app, life) == 0.0
        assert (await the_case(app)).state == "kept"


async def test_a_case_in_shadow_is_right_or_a_false_alarm_and_nothing_is_done(life: Life) -> None:
    async with moderated(life) as app:
        await said(life, RUDE)
        await life.answers(1, desk_of(life))
        press(life, "mia", "✅")
        await shows(life, "The rule was right**, says mia")
        assert (await the_case(app)).state == "upheld"
        assert struck(app, life) == 0.0
    assert standing(life) == [RUDE]
    assert life.world.acts == []


async def test_a_click_after_a_restart_decides_as_well(life: Life) -> None:
    async with one_case(life):
        pass
    async with life.bot() as app:
        press(life, "mia", "⏳")
        await shows(life, "timed out**, by mia")
        assert (await the_case(app)).state == "upheld"
        await life.until(lambda: not life.world.may_write(life.person("ben")))


async def test_a_member_presses_in_vain_and_so_does_a_moderator_a_moment_after_being_demoted(
    life: Life,
) -> None:
    async with one_case(life) as app:
        press(life, "ben", "✅")
        await life.answers(2, desk_of(life))
        life.world.member("mia", Role.MEMBER)
        press(life, "mia", "🔨")
        await life.answers(3, desk_of(life))
        log = await app.store.audit.recent("memory", "town", 10)
        assert (await the_case(app)).state == "open"
    assert [entry.verb for entry in log] == ["refused", "refused"]
    assert life.world.may_write(life.person("ben"))


async def test_the_removed_text_comes_back_and_an_overturned_appeal_takes_everything_back(life: Life) -> None:
    ben = life.person("ben")
    async with one_case(life, RUDE) as app:
        life.world.say(ben, life.room, "!llmos appeal")
        await life.until(lambda: any("Case 1 is about" in each.text for each in life.world.shown(life.room)))
        shown = next(each for each in life.world.shown(life.room) if "Case 1 is about" in each.text)
        assert shown.private_to == "ben"
        assert RUDE in shown.text
        assert "“fool” (4–8)" in shown.text
        assert "✋ Appeal" in shown.text
        life.world.react(ben, shown.message.ref, "✋")
        await shows(life, "Please look at this again.", 1)
        press(life, "mia", "🕊️", card(life, 1))
        await shows(life, "was right, says mia", 1)
        await shows(life, "False alarm**, says mia", 0)
        await life.until(lambda: any("decided about your appeal" in t for t in life.world.answers(life.room)))
        assert struck(app, life) == 0.0
        assert (await the_case(app)).state == "false alarm"


async def test_of_two_moderators_one_decides_an_appeal(life: Life) -> None:
    ben = life.person("ben")
    async with one_case(life, RUDE) as app:
        life.world.say(ben, life.room, "!llmos appeal 1 I was joking")
        await shows(life, "I was joking", 1)
        press(life, "mia", "⚖️", card(life, 1))
        press(life, "max", "🕊️", card(life, 1))
        await life.answers(3, desk_of(life))
        changed = await shows(life, "says", 1)
        assert life.world.answers(desk_of(life))[2].split("says")[1].strip() in changed
        appeal = await app.store.appeals.get(1)
        assert appeal is not None
        expected = 0.0 if appeal.state == "overturned" else 1.0
        assert struck(app, life) == expected


async def test_in_an_encrypted_room_a_decision_outlives_a_restart_and_the_words_do_not(life: Life) -> None:
    async with one_case(life, RUDE) as app:
        case = await the_case(app)
        secret = case.message.channel
    async with life.store() as store:
        sealed = replace(
            case, number=2, message=MessageRef(replace(secret, encrypted=True), "x"), state="open"
        )
        await store.settle(Settlement(cases=(sealed,)))
        before = await store.cases.get("memory/town", 2)
    async with life.store() as store:
        after = await store.cases.get("memory/town", 2)
    assert before is not None
    assert after is not None
    assert (before.text, before.author) == (RUDE, case.author)
    assert (after.text, after.evidence, after.author, after.did) == ("", (), case.author, case.did)
