"""What moderators have done to rooms: purges, pins, threads, locks; each once, and undone exactly."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.actions import Archive, Ban, Lock, OpenThread, Pin, Post, Purge, SlowMode, Timeout, Unban
from bot.core.errors import Forbidden, Gone, PlatformError, Unsupported
from bot.core.events import MessageRef
from tests.adapters.matrix.sender import Hands, hands
from tests.adapters.matrix.test_moderating import may_write
from tests.labs.synapse import Synapse


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Hands]:
    async with hands(synapse, tmp_path, "ben") as house:
        yield house


async def test_a_purge_removes_each_once_in_order_with_its_reason(house: Hands) -> None:
    kept = await house.ann.say(house.room, "stays")
    ids = tuple([await house.guests["ben"].say(house.room, f"spam {n}") for n in range(4)])
    purge = Purge(await house.place(), ids, "raid")
    for _time in range(2):
        await house.sender.perform(purge, "k")
    async with house.again() as after_a_restart:
        await after_a_restart.perform(purge, "k")
    redactions = [each for each in await house.ann.read(house.room) if each["type"] == "m.room.redaction"]
    assert [each["content"]["redacts"] for each in redactions] == list(ids)
    assert {each["content"]["reason"] for each in redactions} == {"raid"}
    assert [each.id for each in await house.ann.shown(house.room)] == [kept]


async def test_a_purge_that_was_refused_goes_on_where_it_was_refused(house: Hands) -> None:
    ids = tuple([await house.guests["ben"].say(house.room, f"spam {n}") for n in range(4)])
    place = await house.place()
    house.account.refused.add(ids[2])
    with pytest.raises(PlatformError):
        await house.sender.perform(Purge(place, ids, "raid"), "k")
    house.account.refused.clear()
    await house.sender.perform(Purge(place, ids, "raid"), "k")
    assert [house.account.sent(each) for each in ids] == [1, 1, 2, 1]
    assert await house.ann.shown(house.room) == []


async def test_a_message_is_pinned_and_unpinned_beside_others(house: Hands) -> None:
    place, theirs = await house.place(), await house.ann.say(house.room, "older")
    await house.ann.set_state(house.room, "m.room.pinned_events", {"pinned": [theirs]})
    ref = MessageRef(place, await house.ann.say(house.room, "rules"))
    for pinned, listed in ((True, [theirs, ref.id]), (False, [theirs])):
        for n in range(2):
            await house.sender.perform(Pin(ref, pinned), f"k{pinned}{n}")
            assert (await house.ann.state(house.room, "m.room.pinned_events"))["pinned"] == listed
    with pytest.raises(Gone):
        await house.sender.perform(Pin(MessageRef(place, "$nothing"), True), "k")


async def test_a_thread_is_opened_once_on_a_message_and_in_a_room(house: Hands) -> None:
    ref = await house.question("Boats?")
    for at in (ref, ref.channel):
        opened = [await house.sender.perform(OpenThread(at, "All about boats"), f"k{at}") for _ in range(2)]
        assert opened[0] == opened[1]
        assert opened[0].channel is not None
        assert opened[0].channel.thread == (ref.id if at is ref else opened[0].message_ids[0])
        await house.sender.perform(Post(opened[0].channel, "welcome"), f"w{at}")
    ours = [each for each in await house.ann.read(house.room) if each["sender"] == house.login.user_id]
    said = [each for each in ours if each["type"] == "m.room.message"]
    roots = [each["content"].get("m.relates_to", {}).get("event_id") for each in said]
    assert roots == [ref.id, ref.id, None, said[2]["event_id"]]
    with pytest.raises(Unsupported):
        await house.sender.perform(OpenThread(await house.place(ref.id), "deeper"), "k")


@pytest.mark.parametrize("default", [None, 0, 10])
async def test_a_room_is_locked_and_given_back_exactly_as_it_was(house: Hands, default: int | None) -> None:
    content = await house.ann.state(house.room, "m.room.power_levels")
    content.pop("events_default", None)
    if default is not None:
        content["events_default"] = default
    content["events"] = {**content.get("events", {}), "m.sticker": 5}
    content["users"] = {**content["users"], house.guests["ben"].id: 20}
    await house.ann.set_state(house.room, "m.room.power_levels", content)
    place = await house.place()
    for locked in (True, True, False, False):
        async with house.again() as other_process:
            await other_process.perform(Lock(place, locked, "raid"), "k")
        assert await may_write(house, "ben") is not locked
    assert await house.ann.state(house.room, "m.room.power_levels") == content


async def test_what_a_moderator_changed_while_it_was_locked_stays(house: Hands) -> None:
    place = await house.place()
    await house.sender.perform(Lock(place, True, "raid"), "k1")
    content = await house.ann.state(house.room, "m.room.power_levels")
    assert content["events_default"] == 50
    await house.ann.set_state(house.room, "m.room.power_levels", {**content, "events_default": 30})
    await house.sender.perform(Lock(place, False, "over"), "k2")
    assert (await house.ann.state(house.room, "m.room.power_levels"))["events_default"] == 30


async def test_a_lock_takes_power(synapse: Synapse, tmp_path: Path) -> None:
    async with hands(synapse, tmp_path, "ben", power=50) as house:
        with pytest.raises(Forbidden, match="power level"):
            await house.sender.perform(Lock(await house.place(), True, "raid"), "k")
        assert await may_write(house, "ben")


async def test_bans_and_timeouts_are_lifted_and_once_more_is_no_fault(house: Hands) -> None:
    place, ben = await house.place(), house.guest("ben")
    await house.sender.perform(Timeout(place, ben, 600, "spam"), "k1")
    for n in range(2):
        await house.sender.perform(Timeout(place, ben, 0, "appeal"), f"k2{n}")
    assert await may_write(house, "ben")
    assert ben.id not in (await house.ann.state(house.room, "m.room.power_levels"))["users"]
    assert await house.sender.mutes.release() is None
    await house.sender.perform(Ban(place, ben, "spam"), "k3")
    for n in range(2):
        await house.sender.perform(Unban(place, ben, "appeal"), f"k4{n}")
    assert (await house.ann.state(house.room, "m.room.member", ben.id))["membership"] == "leave"


async def test_what_matrix_has_not_is_said_in_a_sentence(house: Hands) -> None:
    place = await house.place()
    for action in (SlowMode(place, 5, ""), Archive(place, ""), Lock(await house.place("$root"), True, "")):
        with pytest.raises(Unsupported, match="Matrix"):
            await house.sender.perform(action, "k")
