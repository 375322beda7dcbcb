"""The context: what is said is remembered, what is deleted is not, and ours is known as ours."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.actions import Receipt
from bot.core.events import Channel, Message, MessageRef
from bot.storage.messages import SaidMessage
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import ALICE, BOB, CHANNEL, EPOCH, message
from tests.storage.house import Clock, Place, hear, numbered, said

ANYTHING = "lone \ud800, NUL \0, bidi \u202e, zero\u200bwidth, 👩‍👩‍👧, 中文"
THREAD = Channel(CHANNEL.platform, CHANNEL.community, CHANNEL.id, "42")


async def test_a_message_is_remembered_as_it_was_said(store: Store) -> None:
    heard = replace(message(ANYTHING, id="7", reply_to="3"), addressed=None)
    await hear(store, heard)
    found = await store.messages.get(heard.ref)
    assert found is not None
    assert (found.text, found.reply_to, found.at, found.ours) == (ANYTHING, "3", EPOCH, False)
    assert found.author == store.seal.pseudonym(ALICE.identity)
    assert found.channel_key == CHANNEL.key


async def test_of_a_message_to_the_bot_what_is_said_to_it_is_remembered(store: Store) -> None:
    await hear(store, replace(message("@bot hello"), addressed="hello"))
    found = await store.messages.get(message("").ref)
    assert found is not None
    assert (found.text, found.addressed) == ("hello", True)


async def test_a_megabyte_is_remembered_whole(store: Store) -> None:
    await hear(store, message("é" * 1_000_000))
    found = await store.messages.get(message("").ref)
    assert found is not None
    assert found.text == "é" * 1_000_000


async def test_context_is_the_last_messages_of_exactly_this_place_before_a_moment(store: Store) -> None:
    await hear(store, *numbered(6), message("elsewhere", id="x", channel=THREAD))
    found = await store.messages.before(CHANNEL, EPOCH + timedelta(seconds=4), limit=3)
    assert [known.text for known in found] == ["message 1", "message 2", "message 3"]
    assert [known.text for known in await store.messages.before(THREAD, EPOCH + timedelta(1), 9)] == [
        "elsewhere"
    ]


async def test_messages_of_one_moment_keep_their_order_of_arrival(store: Store) -> None:
    await hear(store, *(message(text, id=text) for text in "abc"))
    found = await store.messages.before(CHANNEL, EPOCH + timedelta(seconds=1), limit=3)
    assert [known.text for known in found] == ["a", "b", "c"]


async def test_an_edit_replaces_the_text_and_a_deletion_removes_the_message(store: Store) -> None:
    ref = message("").ref
    await hear(store, message("first"))
    await store.settle(Settlement(edited=((ref, "second"),)))
    found = await store.messages.get(ref)
    assert found is not None
    assert found.text == "second"
    await store.settle(Settlement(removed=(ref,)))
    assert await store.messages.get(ref) is None
    assert await store.messages.outcome(ref) is None


async def test_an_edit_of_an_unknown_message_makes_none(store: Store) -> None:
    await store.settle(Settlement(edited=((message("").ref, "text"),)))
    assert await store.messages.get(message("").ref) is None


async def test_an_outcome_changes_for_a_message_that_is_there(store: Store) -> None:
    await hear(store, message("x"), outcome="opened")
    await store.settle(Settlement(outcomes=((message("").ref, "answered"),)))
    assert await store.messages.outcome(message("").ref) == "answered"
    found = await store.messages.get(message("").ref)
    assert found is not None
    assert found.text == "x"


async def test_an_outcome_brings_nothing_back_that_was_deleted_meanwhile(store: Store, place: Place) -> None:
    await hear(store, message("x"), outcome="opened")
    await store.settle(Settlement(removed=(message("").ref,)))
    await store.settle(Settlement(outcomes=((message("").ref, "answered"),)))
    assert place.count("messages") == 0


async def test_hearing_a_message_again_changes_its_outcome_and_not_its_edited_text(store: Store) -> None:
    await hear(store, message("first"), outcome="opened")
    await store.settle(Settlement(edited=((message("").ref, "second"),)))
    await hear(store, message("first"), outcome="answered")
    found = await store.messages.get(message("").ref)
    assert found is not None
    assert found.text == "second"
    assert await store.messages.outcome(message("").ref) == "answered"


async def test_our_own_messages_are_known_at_once_and_after_a_restart(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await store.settle(Settlement(said=(said(message("q", id="q"), "a", id="a"),)))
    for _ in range(2):
        assert store.messages.is_ours(CHANNEL, "a")
        assert not store.messages.is_ours(CHANNEL, "q")
        assert not store.messages.is_ours(THREAD, "a")
        await store.close()
        store = await place.open(clock)
    await store.settle(Settlement(removed=(MessageRef(CHANNEL, "a"),)))
    assert not store.messages.is_ours(CHANNEL, "a")
    await store.close()


async def test_a_half_written_answer_is_ours_before_its_text_is_stored(store: Store) -> None:
    store.messages.wrote(Receipt(("1", "2"), THREAD).refs(CHANNEL))
    assert store.messages.is_ours(THREAD, "2")
    assert not store.messages.is_ours(CHANNEL, "2")
    assert not store.messages.opened_thread(THREAD)
    await store.settle(Settlement(removed=(MessageRef(THREAD, "2"),)))
    assert [store.messages.is_ours(THREAD, id) for id in "12"] == [True, False]


async def test_ours_is_bounded_in_memory_and_the_newest_stay(
    place: Place, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.messages.OWN_MESSAGES", 3)
    store = await place.open(clock)
    for n in range(5):
        clock.forward(seconds=1)
        await store.settle(Settlement(said=(said(message("q"), "a", id=str(n), at=clock()),)))
    for _ in range(2):
        assert [store.messages.is_ours(CHANNEL, str(n)) for n in range(5)] == [False, False, True, True, True]
        await store.close()
        store = await place.open(clock)
    await store.close()


def _in_thread(id: str, *, opened: bool) -> SaidMessage:
    return SaidMessage(MessageRef(THREAD, id), "a", "42", EPOCH, ALICE.identity, opened_thread=opened)


async def test_a_thread_the_bot_opened_for_an_answer_is_its_own_also_after_a_restart(
    place: Place, clock: Clock
) -> None:
    store = await place.open(clock)
    assert not store.messages.opened_thread(THREAD)
    await store.settle(Settlement(said=(_in_thread("1", opened=True),)))
    for _ in range(2):
        assert store.messages.opened_thread(THREAD)
        assert not store.messages.opened_thread(CHANNEL)
        assert not store.messages.opened_thread(replace(THREAD, thread="43"))
        await store.close()
        store = await place.open(clock)
    await store.close()


async def test_a_thread_that_members_opened_stays_theirs_whatever_the_bot_says_in_it(store: Store) -> None:
    await store.settle(Settlement(said=(_in_thread("1", opened=False), _in_thread("2", opened=False))))
    assert not store.messages.opened_thread(THREAD)


async def test_a_thread_that_grew_from_one_of_our_messages_is_ours(store: Store) -> None:
    await store.settle(Settlement(said=(said(message("q", id="q"), "a", id="42"),)))
    assert store.messages.opened_thread(THREAD)
    assert not store.messages.opened_thread(replace(THREAD, id="other"))


async def test_a_thread_stays_ours_while_the_bot_goes_on_talking_in_it(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await store.settle(Settlement(said=(_in_thread("1", opened=True),)))
    later = clock() + timedelta(days=29)
    await store.settle(Settlement(said=(replace(_in_thread("2", opened=False), at=later),)))
    await store.privacy.purge(clock() + timedelta(days=31), context_hours=24)
    await store.close()
    store = await place.open(clock)
    assert not store.messages.is_ours(THREAD, "1")
    assert store.messages.opened_thread(THREAD)
    await store.close()


async def test_an_answer_is_about_whoever_asked_even_if_nobody_says_so(store: Store) -> None:
    question = message("q", id="q", author=BOB)
    await hear(store, question)
    await store.settle(Settlement(said=(replace(said(question, "a"), to=None),)))
    assert (await store.privacy.show(BOB.identity))["messages"] == 2


async def test_a_message_with_a_damaged_body_is_left_out_and_logged(
    store: Store, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    await hear(store, *numbered(2))
    place.ask("UPDATE messages SET body = x'0102030405' WHERE message_id = '0'")
    found = await store.messages.before(CHANNEL, EPOCH + timedelta(1), 9)
    assert [known.text for known in found] == ["message 1"]
    assert "left out" in caplog.text


_steps = st.lists(
    st.tuples(st.sampled_from(["hear", "edit", "remove", "outcome"]), st.sampled_from("abc"), st.text("xyz")),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(_steps)
async def test_one_step_after_the_other_the_context_is_what_a_dictionary_would_be(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    store = await Place(tmp_path_factory.mktemp("d")).open(Clock())
    expected: dict[str, tuple[str, str]] = {}
    for step, id, text in steps:
        heard: Message = message(text, id=id)
        match step:
            case "hear":
                await hear(store, heard, outcome=text)
                expected[id] = (expected.get(id, (text, ""))[0], text)
            case "edit":
                await store.settle(Settlement(edited=((heard.ref, text),)))
                if id in expected:
                    expected[id] = (text, expected[id][1])
            case "outcome":
                await store.settle(Settlement(outcomes=((heard.ref, text),)))
                if id in expected:
                    expected[id] = (expected[id][0], text)
            case _:
                await store.settle(Settlement(removed=(heard.ref,)))
                expected.pop(id, None)
    found = {known.id: known.text for known in await store.messages.before(CHANNEL, EPOCH + timedelta(1), 9)}
    outcomes = {id: await store.messages.outcome(message("", id=id).ref) for id in expected}
    await store.close()
    assert found == {id: text for id, (text, _) in expected.items()}
    assert outcomes == {id: outcome for id, (_, outcome) in expected.items()}
