"""Moderation on a real homeserver: by power level, once, and told when it is not allowed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.actions import Action, Ban, Delete, Hide, Kick, Timeout
from bot.core.errors import Forbidden
from bot.core.events import MessageRef
from tests.adapters.matrix.sender import Hands, hands
from tests.labs.people import PATIENCE_S, Refused
from tests.labs.synapse import Synapse


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Hands]:
    async with hands(synapse, tmp_path, "ben") as house:
        yield house


@pytest.fixture
async def powerless(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Hands]:
    async with hands(synapse, tmp_path, "ben", power=0) as house:
        yield house


async def may_write(house: Hands, name: str) -> bool:
    try:
        await house.guests[name].say(house.room, "May I?")
    except Refused:
        return False
    return True


@pytest.mark.parametrize("kind", [Delete, Hide])
async def test_a_message_is_removed_with_the_reason(house: Hands, kind: type[Delete] | type[Hide]) -> None:
    spam = await house.guests["ben"].say(house.room, "Buy!")
    for _ in range(2):
        await house.sender.perform(kind(MessageRef(await house.place(), spam), "spam"), "k")
    events = await house.ann.read(house.room)
    (redaction,) = [event for event in events if event["type"] == "m.room.redaction"]
    assert redaction["content"]["reason"] == "spam"
    assert [event["content"] for event in events if event["event_id"] == spam] == [{}]


async def test_without_power_nothing_is_done_and_everything_told(powerless: Hands) -> None:
    house, place = powerless, await powerless.place()
    ben, spam = house.guest("ben"), await powerless.guests["ben"].say(powerless.room, "Buy!")
    actions: list[Action] = [
        Delete(MessageRef(place, spam), "spam"),
        Timeout(place, ben, 60, "spam"),
        Kick(place, ben, "spam"),
        Ban(place, ben, "spam"),
    ]
    for n, action in enumerate(actions):
        with pytest.raises(Forbidden) as refusal:
            await house.sender.perform(action, f"k{n}")
        assert any(word in str(refusal.value) for word in ("power", "permission", "cannot")), "says why"
    assert [each.text for each in await house.ann.shown(house.room)] == ["Buy!"]
    assert await may_write(house, "ben")


async def test_who_is_kicked_is_out_and_may_come_back(house: Hands) -> None:
    place, ben = await house.place(), house.guest("ben")
    await house.sender.perform(Kick(place, ben, "spam"), "k")
    assert ben.id not in await house.ann.members(house.room)
    member = await house.ann.state(house.room, "m.room.member", ben.id)
    assert (member["membership"], member["reason"]) == ("leave", "spam")
    await house.sender.perform(Kick(place, ben, "spam"), "k")  # after a crash: it was done, so all is well
    await house.ann.invite(house.room, ben.id)
    await house.guests["ben"].join(house.room)


async def test_who_is_banned_stays_out(house: Hands) -> None:
    place, ben = await house.place(), house.guest("ben")
    for _ in range(2):
        await house.sender.perform(Ban(place, ben, "spam"), "k")
    assert (await house.ann.state(house.room, "m.room.member", ben.id))["membership"] == "ban"


async def test_who_is_muted_may_write_again_when_the_time_is_over(house: Hands) -> None:
    place, ben = await house.place(), house.guest("ben")
    await house.sender.perform(Timeout(place, ben, 600, "spam"), "k")
    assert not await may_write(house, "ben")
    assert await house.sender.mutes.release() == pytest.approx(600)
    assert not await may_write(house, "ben")
    house.later(601)
    async with house.again() as after_a_restart:
        assert await after_a_restart.mutes.release() is None
    assert await may_write(house, "ben")
    assert ben.id not in (await house.ann.state(house.room, "m.room.power_levels"))["users"]


async def test_a_mute_is_repeated_without_forgetting_what_was_before(house: Hands) -> None:
    place, ben = await house.place(), house.guest("ben")
    await house.ann.power(house.room, {ben.id: 7})
    await house.sender.perform(Timeout(place, ben, 600, "spam"), "k")
    await house.sender.perform(Timeout(place, ben, 900, "more spam"), "k2")
    house.later(700)
    await house.sender.mutes.release()
    assert not await may_write(house, "ben")
    house.later(300)
    await house.sender.mutes.release()
    assert (await house.ann.state(house.room, "m.room.power_levels"))["users"][ben.id] == 7


async def test_what_a_moderator_changed_meanwhile_stays(house: Hands) -> None:
    place, ben = await house.place(), house.guest("ben")
    await house.sender.perform(Timeout(place, ben, 600, "spam"), "k")
    await house.ann.power(house.room, {ben.id: 50})
    house.later(601)
    assert await house.sender.mutes.release() is None
    assert (await house.ann.state(house.room, "m.room.power_levels"))["users"][ben.id] == 50


async def test_nobody_with_as_much_power_is_muted(house: Hands) -> None:
    with pytest.raises(Forbidden):
        await house.sender.perform(Timeout(await house.place(), house.asker, 600, "spam"), "k")


async def test_mutes_end_by_themselves_also_after_a_fault(house: Hands) -> None:
    place, ben = await house.place(), house.guest("ben")
    house.account.refused.add("account_data")
    keeping = asyncio.ensure_future(house.sender.mutes.keep())
    await house.account.asked_for("account_data")
    house.account.refused.clear()
    await house.sender.perform(Timeout(place, ben, 0.001, "spam"), "k")
    house.later(1)
    async with asyncio.timeout(PATIENCE_S):
        async for _change in house.ann.changes(house.room):
            users = (await house.ann.state(house.room, "m.room.power_levels"))["users"]
            if ben.id not in users:
                break
    assert await may_write(house, "ben")
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
