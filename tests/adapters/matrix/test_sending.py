"""What the bot does in rooms, as a member on a real homeserver sees it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.matrix.frame import KEY
from bot.adapters.reading import Json
from bot.core.actions import Chunk, Post, React, Receipt, Reply, Status, StreamedReply, Update
from bot.core.controls import Control
from bot.core.errors import Gone, PlatformError, Unsupported
from bot.core.events import MessageRef
from tests.adapters.matrix.sender import Hands, chunked, hands
from tests.labs.synapse import Synapse


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Hands]:
    async with hands(synapse, tmp_path, "ben") as house:
        yield house


async def test_an_answer_is_a_reply_that_tells_its_asker(house: Hands) -> None:
    question = await house.question()
    receipt = await house.reply(question, "**Because.**")
    (shown,) = await house.shown()
    assert receipt == Receipt((shown.id,))
    assert shown.content["msgtype"] == "m.text"
    assert shown.content["formatted_body"] == "<p><strong>Because.</strong></p>"
    assert shown.reply_to == question.id
    assert shown.thread is None
    assert shown.mentions == [house.ann.id]


async def test_output_of_a_command_is_a_notice(house: Hands) -> None:
    await house.reply(await house.question("!llmos help"), "Help yourself.", notice=True)
    (shown,) = await house.shown()
    assert shown.content["msgtype"] == "m.notice"


async def test_what_was_asked_in_a_thread_is_answered_there(house: Hands) -> None:
    root = await house.ann.say(house.room, "Boats")
    question = await house.question("What is a boat?", thread=root)
    await house.stream(question, "It floats.")
    (shown,) = await house.shown()
    assert shown.thread == root
    assert shown.reply_to == question.id


async def test_a_post_is_a_notice_that_tells_nobody(house: Hands) -> None:
    await house.sender.perform(Post(await house.place(), "News"), "k")
    root = await house.ann.say(house.room, "Boats")
    await house.sender.perform(Post(await house.place(root), "News of boats"), "k2")
    one, two = await house.shown()
    assert (one.content["msgtype"], one.mentions, one.reply_to) == ("m.notice", [], None)
    assert two.thread == root


def _reacts(event: Json) -> bool:
    return event["type"] == "m.reaction"


async def test_a_card_offers_what_can_be_done_as_reactions_once(house: Hands) -> None:
    controls = (Control("✅", "Approve", ("mod", "resolve"), {"case": 7}), Control("🗑️", "Delete", ("mod",)))
    card = Post(await house.place(), "Rude words", "Case 7", controls)
    made = await house.sender.perform(card, "card")
    assert await house.sender.perform(card, "card", Receipt()) == made
    (shown,) = await house.shown()
    assert shown.text == "**Case 7**\n\nRude words\n\nReact with: ✅ Approve · 🗑️ Delete"
    reactions = [e["content"]["m.relates_to"] for e in await house.ann.read(house.room) if _reacts(e)]
    assert {(each["event_id"], each["key"]) for each in reactions} == {
        (made.message_ids[0], "✅"),
        (made.message_ids[0], "🗑️"),
    }
    assert len(reactions) == 2


async def test_a_stream_notifies_once_and_ends_as_it_was_written(house: Hands) -> None:
    question, told = await house.question(), asyncio.Event()
    written = asyncio.Event()

    async def report(receipt: Receipt) -> None:
        told.set()

    chunks = chunked(Status("thinking"), "Because", written, " *so*.")
    async with asyncio.TaskGroup() as tasks:
        answer = StreamedReply(question, house.asker, chunks)
        performing = tasks.create_task(house.sender.perform(answer, "k", None, report))
        await told.wait()
        assert await house.texts() == ["Because"]
        written.set()
    (shown,) = await house.shown()
    assert performing.result() == Receipt((shown.id,))
    assert shown.text == "Because *so*."
    assert shown.newest["formatted_body"] == "<p>Because <em>so</em>.</p>"
    edits = [e["content"] for e in await house.ann.read(house.room) if "m.new_content" in e["content"]]
    assert [edit["m.mentions"] for edit in edits] == [{}]
    assert shown.mentions == [house.ann.id]


async def test_who_asked_sees_that_it_was_read_and_is_being_answered(house: Hands) -> None:
    question = await house.question()

    async def chunks() -> AsyncIterator[Chunk]:
        await house.account.asked_for("typing")
        yield "Because."

    await house.sender.perform(StreamedReply(question, house.asker, chunks()), "k")
    assert house.account.sent("receipt") == 1
    assert house.account.sent("typing") == 2, "begun and ended"
    sync = await house.ann.call("GET", "/v3/sync")
    ephemeral = sync["rooms"]["join"][house.room]["ephemeral"]["events"]
    (receipts,) = [event["content"] for event in ephemeral if event["type"] == "m.receipt"]
    assert house.login.user_id in receipts[question.id]["m.read"]
    assert not any(event["content"]["user_ids"] for event in ephemeral if event["type"] == "m.typing")


async def test_two_answers_in_a_room_type_until_the_later_ends(house: Hands) -> None:
    one, two, ended = await house.question(), await house.question(), asyncio.Event()

    async def first() -> AsyncIterator[Chunk]:
        await house.account.asked_for("typing", 2)
        yield "one"

    answers = [
        StreamedReply(one, house.asker, first()),
        StreamedReply(two, house.asker, chunked(ended, "two")),
    ]
    async with asyncio.TaskGroup() as tasks:
        performing = [
            tasks.create_task(house.sender.perform(each, f"k{n}")) for n, each in enumerate(answers)
        ]
        await performing[0]
        assert house.account.sent("typing") == 2
        ended.set()
    assert house.account.sent("typing") == 3


async def test_signs_that_fail_hold_up_no_answer(house: Hands) -> None:
    question = await house.question()
    house.account.refused |= {"typing", "receipt"}

    async def chunks() -> AsyncIterator[Chunk]:
        await house.account.asked_for("typing")
        yield "Because."

    await house.sender.perform(StreamedReply(question, house.asker, chunks()), "k")
    assert await house.texts() == ["Because."]


async def test_the_same_key_makes_the_same_message_in_every_process(house: Hands) -> None:
    question = await house.question()
    first = await house.reply(question, "Because.")
    assert await house.reply(question, "Because.") == first
    async with house.again() as again:
        assert await again.perform(Reply(question, house.asker, "Because."), "k") == first
        assert await again.perform(Reply(question, house.asker, "Because."), "other") != first
    assert await house.texts() == ["Because.", "Because."]


async def test_after_a_kill_a_message_that_nobody_recorded_gets_the_new_text(house: Hands) -> None:
    question = await house.question()
    first = await house.reply(question, "Half an", "key")
    second = await house.reply(question, "A whole answer", "key", Receipt())
    assert second == first
    assert await house.texts() == ["A whole answer"]


async def test_after_a_kill_an_unrecorded_surplus_is_removed(synapse: Synapse, tmp_path: Path) -> None:
    async with hands(synapse, tmp_path, message_bytes=100) as house:
        question = await house.question()
        first = await house.reply(question, "word " * 50, "key")
        assert len(first.message_ids) > 2
        recorded = Receipt(first.message_ids[:1])
        assert await house.reply(question, "word " * 10, "key", recorded) == recorded
        assert [text.strip() for text in (await house.texts())[:1]] == ["word " * 9 + "word"]


async def test_resuming_edits_what_is_recorded_and_redacts_the_surplus(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with hands(synapse, tmp_path, message_bytes=100) as house:
        question = await house.question()
        first = await house.reply(question, "word " * 50)
        second = await house.reply(question, "short", "k", first)
        assert second.message_ids == first.message_ids[:1]
        assert await house.texts() == ["short"]
        third = await house.reply(question, "another " * 30, "k", second)
        assert third.message_ids[:1] == first.message_ids[:1]
        assert "".join(await house.texts()) == "another " * 30


async def test_a_request_whose_answer_got_lost_makes_no_second_message(house: Hands) -> None:
    question = await house.question()
    house.account.faults = [PlatformError("the line is dead")]
    await house.reply(question, "Because.")
    assert await house.texts() == ["Because."]
    assert house.account.sent() >= 2


async def test_who_deletes_an_answer_while_it_grows_ends_it(house: Hands) -> None:
    question, told, deleted = await house.question(), asyncio.Event(), asyncio.Event()

    async def report(receipt: Receipt) -> None:
        told.set()

    action = StreamedReply(question, house.asker, chunked("Because", deleted, " so."))
    performing = asyncio.ensure_future(house.sender.perform(action, "k", None, report))
    await told.wait()
    (shown,) = await house.shown()
    await house.ann.redact(house.room, shown.id)
    deleted.set()
    with pytest.raises(Gone):
        await performing
    assert await house.shown() == []


async def test_an_error_of_the_model_is_raised_as_it_is_and_the_text_stays(house: Hands) -> None:
    with pytest.raises(ZeroDivisionError):
        await house.stream(await house.question(), "Half an", " answer", ZeroDivisionError())
    assert await house.texts() == ["Half an answer"]


async def test_an_answer_that_is_cancelled_ends_with_the_text_so_far(house: Hands) -> None:
    question, told = await house.question(), asyncio.Event()

    async def report(receipt: Receipt) -> None:
        told.set()

    async def chunks() -> AsyncIterator[Chunk]:
        yield "Half an"
        await told.wait()
        yield " answer"
        await asyncio.Event().wait()

    action = StreamedReply(question, house.asker, chunks())
    performing = asyncio.ensure_future(house.sender.perform(action, "k", None, report))
    await told.wait()
    performing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await performing
    assert (await house.texts())[0].startswith("Half an")


async def test_an_update_changes_our_own_message_only(house: Hands) -> None:
    question = await house.question()
    made = await house.sender.perform(Post(question.channel, "News"), "k")
    ours = MessageRef(question.channel, made.message_ids[0])
    assert await house.sender.perform(Update(ours, "Newer"), "k2") == made
    (shown,) = await house.shown()
    assert (shown.text, shown.newest["msgtype"]) == ("Newer", "m.notice")
    with pytest.raises(Gone):
        await house.sender.perform(Update(question, "mine now"), "k3")
    with pytest.raises(Gone):
        await house.sender.perform(Update(MessageRef(question.channel, "$nothing"), "text"), "k4")


async def test_a_reaction_is_added_once(house: Hands) -> None:
    question = await house.question()
    for key in ("a", "a", "b"):
        await house.sender.perform(React(question, "👀"), key)
    kinds = [event["type"] for event in await house.ann.read(house.room)]
    assert kinds.count("m.reaction") == 1


async def test_every_message_carries_its_key(house: Hands) -> None:
    await house.reply(await house.question(), "Because.", "key")
    (shown,) = await house.shown()
    assert shown.content[KEY] == "key.0"


async def test_plain_text_stays_out_of_encrypted_rooms(house: Hands) -> None:
    await house.ann.set_state(house.room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    with pytest.raises(Unsupported):
        await house.reply(await house.question(), "Because.")
    assert await house.shown() == []


@pytest.mark.parametrize(
    "text", ["a\0b", "half \ud83d a", "\x1b[2J\x9b31m", "one\r\ntwo\u2028three", "# *" * 99]
)
async def test_whatever_is_said_arrives(house: Hands, text: str) -> None:
    question = await house.question()
    await house.reply(question, text, "k1")
    await house.stream(question, *text, key="k2")
    expected = text.replace("\ud83d", "\N{REPLACEMENT CHARACTER}")
    assert await house.texts() == [expected] * 2


async def test_long_texts_of_every_kind_fit(house: Hands) -> None:
    question = await house.question()
    for key, piece in (("a", "word "), ("b", "|a"), ("c", '"\\'), ("d", "> "), ("e", "你好，")):
        text = (piece * 20_000)[:40_000]
        receipt = await house.reply(question, text, key)
        shown = [each for each in await house.shown() if each.id in receipt.message_ids]
        assert "".join(each.text for each in shown).replace("> ", "") == text.replace("> ", "")
        edited = await house.reply(question, text[1:], key, receipt)
        assert edited.message_ids[0] == receipt.message_ids[0]
