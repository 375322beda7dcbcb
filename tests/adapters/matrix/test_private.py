"""What is for one reader reaches that reader alone; what is for moderators reaches moderators."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.matrix.sending import SENT_PRIVATELY
from bot.core.actions import Alert, Receipt, Reply, StreamedReply
from bot.core.errors import Unsupported
from tests.adapters.matrix.sender import Hands, chunked, hands
from tests.labs.people import Person
from tests.labs.synapse import Synapse


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Hands]:
    async with hands(synapse, tmp_path, "ben") as house:
        yield house


async def invitations(who: Person) -> list[str]:
    sync = await who.call("GET", "/v3/sync")
    return list(sync.get("rooms", {}).get("invite", {}))


async def read_privately(house: Hands, who: Person) -> list[str]:
    """Join what one was invited to, and read it."""
    texts: list[str] = []
    for room in await invitations(who):
        await who.join(room)
        texts += [each.text for each in await who.shown(room, house.login.user_id)]
    return texts


async def test_a_private_answer_goes_to_a_room_for_two_and_the_question_says_so(house: Hands) -> None:
    question = await house.question("!llmos privacy show")
    told: list[Receipt] = []

    async def report(receipt: Receipt) -> None:
        told.append(receipt)

    reply = Reply(question, house.asker, "secret", personal=True, notice=True)
    receipt = await house.sender.perform(reply, "k", None, report)
    assert await house.shown() == []
    assert await invitations(house.guests["ben"]) == []
    assert told == [receipt]
    assert receipt.channel is not None
    assert receipt.channel.private
    assert [receipt.channel.id] == await invitations(house.ann)
    assert await read_privately(house, house.ann) == ["secret"]
    assert await house.ann.members(receipt.channel.id) == {house.ann.id, house.login.user_id}
    reactions = [e["content"] for e in await house.ann.read(house.room) if e["type"] == "m.reaction"]
    assert [each["m.relates_to"]["key"] for each in reactions] == [SENT_PRIVATELY]


async def test_a_private_answer_grows_in_the_room_for_two(house: Hands) -> None:
    question = await house.question("!llmos catchup")
    told: list[Receipt] = []

    async def report(receipt: Receipt) -> None:
        told.append(receipt)

    answer = StreamedReply(question, house.asker, chunked("sec", "ret"), personal=True)
    receipt = await house.sender.perform(answer, "k", None, report)
    assert await house.shown() == []
    assert receipt.channel is not None
    assert {each.channel for each in told} == {receipt.channel}
    assert await read_privately(house, house.ann) == ["secret"]
    again = StreamedReply(question, house.asker, chunked("better"), personal=True)
    assert (await house.sender.perform(again, "k", receipt)).message_ids == receipt.message_ids
    assert [each.text for each in await house.shown(receipt.channel.id)] == ["better"]


async def test_what_is_no_secret_is_answered_where_it_was_asked(house: Hands) -> None:
    receipt = await house.reply(await house.question("!llmos help"), "Help yourself.", private=True)
    assert receipt.channel is None
    assert await house.texts() == ["Help yourself."]


async def test_the_room_for_two_is_found_again(house: Hands) -> None:
    question = await house.question()
    first = await house.reply(question, "one", "a", personal=True)
    async with house.again() as again:
        second = await again.perform(Reply(question, house.asker, "two", personal=True), "b")
    assert first.channel == second.channel
    assert first.channel is not None
    await house.ann.join(first.channel.id)
    await house.ann.leave(first.channel.id)
    third = await house.reply(question, "three", "c", personal=True)
    assert third.channel == first.channel
    assert await read_privately(house, house.ann) == ["one", "two", "three"]


async def test_a_room_for_two_that_the_member_made_is_used(house: Hands) -> None:
    question = await house.question()
    room = await house.ann.make_room(house.login.user_id, direct=True)
    await house.body.join(room)
    await house.rooms.get(room)
    receipt = await house.reply(question, "secret", personal=True)
    assert receipt.channel is not None
    assert receipt.channel.id == room
    assert [each.text for each in await house.shown(room)] == ["secret"]


async def test_where_no_room_for_two_can_be_the_asker_is_told_what_to_do(house: Hands) -> None:
    house.account.refused.add("createRoom")
    receipt = await house.reply(await house.question(), "secret", personal=True)
    (shown,) = await house.shown()
    assert "secret" not in shown.text
    assert shown.mentions == [house.ann.id]
    assert await house.reply(await house.question(), "secret", "k", receipt, personal=True) == receipt


async def test_a_homeserver_that_encrypts_every_room_is_tried_once(house: Hands) -> None:
    house.account.encrypts = True
    for key in ("a", "b"):
        await house.reply(await house.question(), "secret", key, personal=True)
    assert house.account.sent("createRoom") == 1
    assert ["secret" in text for text in await house.texts()] == [False, False]
    assert (await house.body.call("GET", "/v3/joined_rooms"))["joined_rooms"] == [house.room]


async def test_a_private_answer_that_was_cut_off_is_taken_up_where_it_stands(house: Hands) -> None:
    question = await house.question()
    first = await house.reply(question, "one", personal=True)
    resumed = await house.reply(question, "two", "k", first, personal=True)
    assert resumed == first
    assert await read_privately(house, house.ann) == ["two"]


async def test_in_a_private_room_a_private_answer_stands_where_it_was_asked(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with hands(synapse, tmp_path) as house:
        receipt = await house.reply(await house.question(), "secret", personal=True)
        assert receipt.channel is None
        assert await house.texts() == ["secret"]


async def test_a_room_that_somebody_joined_is_private_no_more(synapse: Synapse, tmp_path: Path) -> None:
    async with hands(synapse, tmp_path) as house:
        question = await house.question()
        house.rooms.forget(house.room)
        async with hands(synapse, tmp_path / "other") as other:
            await house.ann.invite(house.room, other.ann.id)
            await other.ann.join(house.room)
            await house.reply(question, "secret", personal=True)
            assert await other.ann.shown(house.room, house.login.user_id) == []


async def test_an_alert_goes_to_the_moderators_alone(synapse: Synapse, tmp_path: Path) -> None:
    async with hands(synapse, tmp_path, "ben", "eve", version="10") as house:
        ben, eve = house.guests["ben"], house.guests["eve"]
        await house.ann.power(house.room, {ben.id: 50})
        for _ in range(2):
            await house.sender.perform(Alert(await house.place(), "Look here."), "k")
        assert await read_privately(house, house.ann) == ["Look here."]
        assert await read_privately(house, ben) == ["Look here."]
        assert await invitations(eve) == []
        assert await house.shown() == []


async def test_alerts_go_to_the_configured_room(house: Hands) -> None:
    room = await house.ann.make_room(house.login.user_id)
    await house.body.join(room)
    async with house.again(moderators_room=room) as sender:
        await sender.perform(Alert(await house.place(), "Look here."), "k")
    (shown,) = await house.shown(room)
    assert (shown.text, shown.content["msgtype"]) == ("Look here.", "m.notice")
    assert await invitations(house.ann) == []


async def test_an_alert_that_nobody_would_read_is_refused(house: Hands) -> None:
    place = await house.place()
    await house.ann.power(house.room, {house.guests["ben"].id: 50})
    await house.guests["ben"].leave(house.room)
    await house.ann.leave(house.room)
    with pytest.raises(Unsupported, match="moderators_room"):
        await house.sender.perform(Alert(place, "Look here."), "k")
