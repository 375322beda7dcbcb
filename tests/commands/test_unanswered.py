"""`knowledge unanswered, answered` and `helper`: who sees what nobody answered, and who is asked."""

import pytest

from bot.core.actions import Post, Reply
from bot.core.events import Author, MessageRef
from bot.storage.unanswered import Question
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, House

QUESTION = "Which drill bit do I need for old oak?"


async def waiting(house: House, id: str = "q1", asker: Author = ALICE, *, listed: bool = True) -> Question:
    """A question that nobody answered."""
    await house.heard(QUESTION, "ignored:not-addressed", id=id, author=asker)
    ref, now = MessageRef(CHANNEL, id), house.clock()
    await house.store.unanswered.add(ref, asker, now, now)
    found = await house.store.unanswered.of(ref)
    assert found is not None
    if listed:
        assert await house.store.unanswered.climb(found, "list", None)
    return await again(house, found)


async def again(house: House, question: Question) -> Question:
    """The same question now."""
    found = await house.store.unanswered.get(question.number)
    assert found is not None
    return found


async def test_the_list_has_words_links_and_ages_oldest_first(house: House) -> None:
    assert "No question waits for you" in await house.told("knowledge unanswered", MODERATOR)
    first = await waiting(house)
    house.clock.later(hours=5)
    second = await waiting(house, "q2")
    await waiting(house, "q3", listed=False)
    first_line, second_line, ending = (await house.told("knowledge unanswered", MODERATOR)).splitlines()
    assert first_line.startswith(
        f"• {first.number}: “{QUESTION}” https://chat.example/{CHANNEL.key}/q1, 5 hours"
    )
    assert second_line.startswith(f"• {second.number}: ")
    assert "30 days" in ending


async def test_the_list_is_for_moderators_who_can_read_the_place(house: House) -> None:
    await waiting(house)
    assert "for moderators" in await house.told("knowledge unanswered", BOB)
    house.platform.unreadable = True
    assert QUESTION not in await house.told("knowledge unanswered", MODERATOR)


@pytest.mark.parametrize(("caller", "may"), [(ALICE, True), (MODERATOR, True), (BOB, False)])
async def test_who_asked_or_moderates_takes_it_off(house: House, caller: Author, may: bool) -> None:
    question = await waiting(house)
    told = await house.told(f"knowledge answered {question.number}", caller)
    assert ("noted" in told) == may
    assert ((await again(house, question)).rung == "over") == may
    assert "There is no question 99" in await house.told("knowledge answered 99", caller)


async def test_an_answer_that_did_not_help_lets_it_climb_on_now(house: House) -> None:
    question = await waiting(house, listed=False)
    later = house.clock.at.replace(hour=23)
    await house.store.unanswered.climb(question, "answer", later)
    await house.told(f"knowledge answered {question.number} no")
    assert (await again(house, question)).due == house.clock()


async def test_a_helper_is_welcomed_privately_and_can_stop(house: House) -> None:
    told, welcome = await house.do("helper on 3", BOB)
    assert isinstance(told, Reply)
    assert "at most 3 questions a day" in told.text
    assert isinstance(welcome, Post)
    assert (welcome.reader, [each.label for each in welcome.controls]) == (BOB, ["Ask me no more"])
    (helper,) = await house.store.helpers.in_turn(CHANNEL.community_key)
    assert (helper.author, helper.most) == (BOB, 3)
    assert "no more" in await house.told("helper off", BOB)
    assert not await house.store.helpers.in_turn(CHANNEL.community_key)
    assert "You are no helper here" in await house.told("helper off", BOB)


async def test_who_opted_out_is_no_helper_and_whoever_opts_out_is_one_no_more(house: House) -> None:
    await house.do("helper on", BOB)
    await house.store.privacy.opt_out(BOB.identity)
    assert not await house.store.helpers.in_turn(CHANNEL.community_key)
    assert "You opted out" in await house.told("helper on", BOB)


async def test_only_the_helper_who_was_asked_passes_it_on(house: House) -> None:
    question = await waiting(house, listed=False)
    await house.do("helper on", BOB)
    (helper,) = await house.store.helpers.in_turn(CHANNEL.community_key)
    assert await house.store.unanswered.climb(question, "helper", None, None, helper)
    assert "I asked you no question" in await house.told(f"helper pass {question.number}", ALICE)
    assert "others see it" in await house.told(f"helper pass {question.number}", BOB)
    assert (await again(house, question)).rung == "list"


async def test_setting_it_tells_what_follows(house: House) -> None:
    told = await house.told("channel set unanswered answer", MODERATOR)
    assert "after 2 hours each" in told
    assert "there are 0 so far" in told
    assert "after 4 hours each" in await house.told("channel set patience 4 hours", MODERATOR)
    assert "knowledge unanswered" in told
    assert "is now `off`" in await house.told("channel set unanswered off", MODERATOR)
    for wrong in ("soon", "5m", "8d", "2h x"):
        assert "no time that I can wait" in await house.told(f"channel set patience {wrong}", MODERATOR)
