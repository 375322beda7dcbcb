"""Unanswered questions and helpers in the database: each step once, each helper in turn."""

from datetime import timedelta

import pytest

from bot.core.actions import Post
from bot.core.events import Author, MessageRef
from bot.storage.outbox import NewOutboxRow
from bot.storage.store import Store
from bot.storage.unanswered import UNANSWERED_DAYS, Question
from tests.messages import ALICE, BOB, CHANNEL
from tests.storage.house import Clock

CLEO = Author("memory", "cleo", "Cleo")
HOME = CHANNEL.community_key


async def added(store: Store, clock: Clock, id: str = "q1") -> Question:
    await store.unanswered.add(MessageRef(CHANNEL, id), ALICE, clock(), clock())
    found = await store.unanswered.of(MessageRef(CHANNEL, id))
    assert found is not None
    return found


def words(key: str) -> NewOutboxRow:
    return NewOutboxRow(key, CHANNEL, None, Post(CHANNEL, "words"))


async def test_a_question_is_stored_once_and_comes_when_it_is_due(store: Store, clock: Clock) -> None:
    question = await added(store, clock)
    assert await added(store, clock) == question
    assert (question.ref, question.asker) == (MessageRef(CHANNEL, "q1"), ALICE)
    assert await store.unanswered.due(clock(), 10) == [question]
    assert await store.unanswered.due(clock() - timedelta(seconds=1), 10) == []
    assert [each.id for each in store.unanswered.open_in(CHANNEL)] == ["q1"]


async def test_of_two_who_let_it_climb_one_does_and_says_something(store: Store, clock: Clock) -> None:
    question = await added(store, clock)
    assert await store.unanswered.climb(question, "answer", clock(), words("one"))
    assert not await store.unanswered.climb(question, "answer", clock(), words("two"))
    assert [row.key for row in await store.outbox.unfinished("memory")] == ["one"]


async def test_what_is_over_climbs_no_further(store: Store, clock: Clock) -> None:
    question = await added(store, clock)
    await store.unanswered.end(question)
    assert not await store.unanswered.climb(question, "answer", clock(), words("one"))
    assert not store.unanswered.open_in(CHANNEL)
    await store.unanswered.load()
    assert not store.unanswered.open_in(CHANNEL)
    await added(store, clock)
    assert not store.unanswered.open_in(CHANNEL)


async def test_helpers_take_turns_and_a_day_later_they_may_be_asked_again(store: Store, clock: Clock) -> None:
    for who in (BOB, CLEO):
        await store.helpers.add(CHANNEL, who, "en", 1)
        clock.at += timedelta(seconds=1)
    asked = []
    for n in range(3):
        turn = await store.helpers.in_turn(HOME)
        if turn:
            assert await store.unanswered.climb(
                await added(store, clock, f"q{n}"), "helper", None, None, turn[0]
            )
        asked.append([each.author.id for each in turn])
    assert asked == [[BOB.id, CLEO.id], [CLEO.id], []]
    clock.at += timedelta(hours=25)
    assert [each.author for each in await store.helpers.in_turn(HOME)] == [BOB, CLEO]


async def test_who_was_asked_often_enough_meanwhile_is_not_asked_again(store: Store, clock: Clock) -> None:
    await store.helpers.add(CHANNEL, BOB, "en", 1)
    (helper,) = await store.helpers.in_turn(HOME)
    first, second = await added(store, clock), await added(store, clock, "q2")
    assert await store.unanswered.climb(first, "helper", None, words("one"), helper)
    assert not await store.unanswered.climb(second, "helper", None, words("two"), helper)
    assert [row.key for row in await store.outbox.unfinished("memory")] == ["one"]


async def test_saying_so_again_changes_the_cap_and_keeps_the_turn(store: Store, clock: Clock) -> None:
    await store.helpers.add(CHANNEL, BOB, "en", 1)
    await store.helpers.add(CHANNEL, CLEO, "en", 1)
    (helper, _other) = await store.helpers.in_turn(HOME)
    await store.unanswered.climb(await added(store, clock), "helper", None, None, helper)
    await store.helpers.add(CHANNEL, helper.author, "zh_CN", 5)
    last = (await store.helpers.in_turn(HOME))[-1]
    assert (last.author, last.most, last.locale) == (helper.author, 5, "zh_CN")


@pytest.mark.parametrize("wish", ["forget", "opt out"])
async def test_nothing_stays_of_who_does_not_want_it(store: Store, clock: Clock, wish: str) -> None:
    await store.helpers.add(CHANNEL, BOB, "en", 1)
    (helper,) = await store.helpers.in_turn(HOME)
    question = await added(store, clock)
    await store.unanswered.climb(question, "helper", None, None, helper)
    for who in (ALICE, BOB):
        kept = (await store.privacy.export(who.identity))["kept"]
        assert isinstance(kept, dict)
        assert "unanswered" in kept
    for who in (ALICE, BOB):
        await (store.privacy.forget if wish == "forget" else store.privacy.opt_out)(who.identity)
    assert await store.unanswered.get(question.number) is None
    assert not store.unanswered.open_in(CHANNEL)
    assert not await store.helpers.in_turn(HOME)


async def test_a_forgotten_helper_is_named_no_more(store: Store, clock: Clock) -> None:
    await store.helpers.add(CHANNEL, BOB, "en", 1)
    (helper,) = await store.helpers.in_turn(HOME)
    question = await added(store, clock)
    await store.unanswered.climb(question, "helper", None, None, helper)
    await store.privacy.forget(BOB.identity)
    found = await store.unanswered.get(question.number)
    assert found is not None
    assert found.helper == "forgotten"


async def test_an_old_question_is_forgotten(store: Store, clock: Clock) -> None:
    question = await added(store, clock)
    clock.at += timedelta(days=UNANSWERED_DAYS, seconds=1)
    await store.privacy.purge(clock(), 24)
    assert await store.unanswered.get(question.number) is None
    assert not store.unanswered.open_in(CHANNEL)
