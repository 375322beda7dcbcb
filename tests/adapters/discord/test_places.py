"""What moderators have done to channels and threads: each once, with a reason, and undone exactly."""

from datetime import timedelta

import pytest

from bot.adapters.discord.directory import NEEDED
from bot.adapters.discord.rights import needed
from bot.core.actions import (
    Action,
    Archive,
    Ban,
    Delete,
    Kick,
    Lock,
    OpenThread,
    Pin,
    Post,
    Purge,
    React,
    Receipt,
    SlowMode,
    Timeout,
    Unban,
)
from bot.core.errors import Forbidden, Gone, Unsupported
from bot.core.events import Author, Channel, MessageRef
from tests.adapters.discord.house import House
from tests.labs.discord.constants import PERMS
from tests.labs.discord.people import Person
from tests.labs.discord.records import Json

SEND = PERMS["SEND_MESSAGES"]


def author(person: Person) -> Author:
    return Author("discord", person.id, "somebody")


def entries(house: House, kind: int) -> list[str | None]:
    return [each.get("reason") for each in house.lab.audit[house.server.id] if each["action_type"] == kind]


async def test_a_purge_is_done_in_bulk_and_twice_is_no_fault(house: House) -> None:
    place = house.place(house.general)
    kept = house.anna.say(house.general, "stays")
    ids = tuple(house.anna.say(house.general, f"spam {n}") for n in range(201))
    async with house.adapter() as adapter:
        for _time in range(2):
            await adapter.perform(Purge(place, (*ids, ids[0]), "raid"), "k")
    assert [each.id for each in house.server.shown(house.general)] == [kept]
    bulk = [call for call in house.lab.calls("bulk-delete") if call.status == 204]
    assert [len(call.body["messages"]) for call in bulk] == [100, 100] * 2
    assert len(house.lab.calls("DELETE .*/messages/")) == 2, "a single one is deleted by itself"
    assert {call.reason for call in bulk} == {"raid"}


async def test_what_is_too_old_for_bulk_is_removed_one_by_one(house: House) -> None:
    place = house.place(house.general)
    ids = tuple(house.anna.say(house.general, f"old {n}") for n in range(3))
    house.clock.shift = timedelta(days=15)
    async with house.adapter() as adapter:
        await adapter.perform(Purge(place, ids, "spring"), "k")
    assert house.server.shown(house.general) == []
    assert not house.lab.calls("bulk-delete")


async def test_a_message_is_pinned_and_unpinned(house: House) -> None:
    ref = MessageRef(house.place(house.general), house.anna.say(house.general, "rules"))
    async with house.adapter() as adapter:
        for pinned in (True, True, False, False):
            await adapter.perform(Pin(ref, pinned, "asked"), "k")
            assert (ref.id in house.lab.pins[house.general["id"]]) is pinned
        with pytest.raises(Gone):
            await adapter.perform(Pin(MessageRef(ref.channel, "1"), True), "k2")
    assert set(entries(house, 74)) == {"asked"}


async def test_a_thread_is_opened_once_on_a_message_and_in_a_channel(house: House) -> None:
    place = house.place(house.general)
    said = house.anna.say(house.general, "Let us talk about boats")
    async with house.adapter() as adapter:
        for _time in range(2):
            receipt = await adapter.perform(OpenThread(MessageRef(place, said), "Boats\n& ships"), "k1")
            assert receipt == Receipt((), Channel("discord", place.community, place.id, said))
        first = await adapter.perform(OpenThread(place, "x" * 120), "k2")
        assert await adapter.perform(OpenThread(place, "x" * 120), "k2") == first
        assert first.channel is not None
        await adapter.perform(Post(first.channel, "welcome"), "k3")
        with pytest.raises(Unsupported):
            await adapter.perform(OpenThread(first.channel, "deeper"), "k4")
    names = [each["name"] for each in house.lab.channels.values() if each["type"] == 11]
    assert names == ["Boats & ships", "x" * 100]
    assert house.said(house.general) == ["x" * 120]
    assert house.said(house.lab.channels[first.channel.thread or ""]) == ["welcome"]


EVERYONE: list[list[Json]] = [
    [],
    [{"type": 0, "allow": "0", "deny": "0"}],
    [{"type": 0, "allow": str(SEND | PERMS["ATTACH_FILES"]), "deny": "0"}],
    [{"type": 0, "allow": str(PERMS["ATTACH_FILES"]), "deny": str(PERMS["ADD_REACTIONS"])}],
    [{"type": 0, "allow": "0", "deny": str(SEND | PERMS["ADD_REACTIONS"])}],
]


@pytest.mark.parametrize("before", EVERYONE, ids=["none", "empty", "allowed", "others", "denied"])
async def test_a_channel_is_locked_and_given_back_exactly_as_it_was(house: House, before: list[Json]) -> None:
    place, gid = house.place(house.general), house.server.id
    other = {"id": house.server.moderators["id"], "type": 0, "allow": str(SEND), "deny": "0"}
    house.lab.set_overwrites(house.general, [other, *({**each, "id": gid} for each in before)])
    was = sorted(house.general["permission_overwrites"], key=lambda each: str(each["id"]))
    for locked in (True, True, False, False):
        async with house.adapter() as adapter:  # each time another process
            await adapter.perform(Lock(place, locked, "raid"), "k")
        if locked:
            with pytest.raises(PermissionError):
                house.anna.say(house.general, "may I?")
    assert sorted(house.general["permission_overwrites"], key=lambda each: str(each["id"])) == was


async def test_what_somebody_changed_while_it_was_locked_stays(house: House) -> None:
    place, gid = house.place(house.general), house.server.id
    async with house.adapter() as adapter:
        await adapter.perform(Lock(place, True, "raid"), "k1")
        deny = {"id": gid, "type": 0, "allow": "0", "deny": str(SEND | PERMS["ADD_REACTIONS"])}
        house.lab.set_overwrites(house.general, [deny])
        await adapter.perform(Lock(place, False, "over"), "k2")
        (left,) = house.general["permission_overwrites"]
        assert (left["allow"], left["deny"]) == ("0", str(PERMS["ADD_REACTIONS"]))
        await adapter.perform(Lock(place, True, "raid"), "k3")
        opened = {"id": gid, "type": 0, "allow": str(SEND), "deny": "0"}
        house.lab.set_overwrites(house.general, [opened])
        await adapter.perform(Lock(place, False, "over"), "k4")
    assert house.general["permission_overwrites"] == [opened]


async def test_threads_are_locked_slowed_and_archived(house: House) -> None:
    thread = house.anna.open_thread(house.general, "boats", on=house.anna.say(house.general, "boats"))
    place = Channel("discord", house.server.id, house.general["id"], thread["id"])
    house.lab.limits["PATCH /channels/{channel_id}"] = (50, 1.0)
    async with house.adapter() as adapter:
        for _time in range(2):
            await adapter.perform(Lock(place, True, "heated"), "k1")
            await adapter.perform(SlowMode(place, 30, "heated"), "k2")
            await adapter.perform(Archive(place, "done"), "k3")
        meta = house.lab.channels[thread["id"]]["thread_metadata"]
        assert (meta["locked"], meta["archived"]) == (True, True)
        assert house.lab.channels[thread["id"]]["rate_limit_per_user"] == 30
        with pytest.raises(Unsupported, match="thread"):
            await adapter.perform(Archive(place.parent, "done"), "k4")
    assert set(entries(house, 111)) == {"heated", "done"}


@pytest.mark.parametrize(("asked", "set_to"), [(10, 10), (0, 0), (-5, 0), (100_000, 21_600)])
async def test_a_channel_is_slowed_within_what_discord_takes(house: House, asked: int, set_to: int) -> None:
    async with house.adapter() as adapter:
        await adapter.perform(SlowMode(house.place(house.general), asked, "busy"), "k")
    assert house.general["rate_limit_per_user"] == set_to
    assert entries(house, 11) == ["busy"]


async def test_bans_and_timeouts_are_lifted_and_once_more_is_no_fault(house: House) -> None:
    place, ben = house.place(house.general), author(house.person("ben"))
    async with house.adapter() as adapter:
        await adapter.perform(Ban(place, ben, "spam"), "k1")
        await adapter.perform(Timeout(place, author(house.anna), 600, "spam"), "k2")
        for _time in range(2):
            await adapter.perform(Unban(place, ben, "appeal"), "k3")
            await adapter.perform(Timeout(place, author(house.anna), 0, "appeal"), "k4")
    assert not house.lab.bans[house.server.id]
    house.anna.say(house.general, "thanks")
    assert entries(house, 23) == ["appeal"]


async def test_without_the_permission_each_is_forbidden(house: House) -> None:
    place, ben = house.place(house.general), author(house.person("ben"))
    ref = MessageRef(place, house.anna.say(house.general, "rules"))
    thread = house.anna.open_thread(house.general, "boats", on=house.anna.say(house.general, "boats"))
    hanging = Channel("discord", place.community, place.id, thread["id"])
    house.lab.set_permissions(house.server.guild, house.lab.bot_role(house.server.guild), 0)
    cases: list[Action] = [
        Purge(place, (ref.id, thread["id"]), ""),
        Pin(ref, True),
        Lock(place, True, ""),
        Lock(hanging, True, ""),
        SlowMode(place, 5, ""),
        Archive(hanging, ""),
        Unban(place, ben, ""),
    ]
    house.lab.limits["PATCH /channels/{channel_id}"] = (50, 1.0)
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        for n, action in enumerate(cases):
            assert await heard.adapter.lacking(action) is not None, action
            with pytest.raises(Forbidden, match="50013"):
                await heard.adapter.perform(action, f"k{n}")


def test_the_invite_link_asks_for_exactly_what_actions_take(house: House) -> None:
    place, who = house.place(house.general), author(house.anna)
    thread = Channel("discord", place.community, place.id, "1")
    ref = MessageRef(place, "1")
    actions: list[Action] = [
        Post(place, ""), Post(thread, ""), Post(place, "", "a card"), React(ref, ""),
        OpenThread(ref, ""), OpenThread(place, ""),
        Delete(ref, ""), Purge(place, (), ""), Pin(ref, True), Lock(place, True, ""), Lock(thread, True, ""),
        SlowMode(place, 0, ""), SlowMode(thread, 0, ""), Archive(thread, ""), Timeout(place, who, 0, ""),
        Kick(place, who, ""), Ban(place, who, ""), Unban(place, who, ""),
    ]  # fmt: skip
    assert {name for action in actions for name in needed(action)} | {"view_channel", "attach_files"} == set(
        NEEDED
    )
