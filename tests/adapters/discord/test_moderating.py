"""What moderators have the bot do, with reasons in the audit log."""

from datetime import datetime, timedelta

import pytest

from bot.core.actions import Action, Alert, Ban, Delete, Hide, Kick, React, Timeout
from bot.core.errors import Forbidden, Gone, Unsupported
from bot.core.events import Author, Channel, MessageRef
from bot.core.permissions import Role
from tests.adapters.discord.house import House
from tests.labs.discord.people import Person


def author(person: Person) -> Author:
    return Author("discord", person.id, "somebody")


async def test_messages_are_removed_with_a_reason_and_removing_again_is_no_fault(house: House) -> None:
    place = house.place(house.general)
    one, two = house.anna.say(house.general, "one"), house.anna.say(house.general, "two")
    async with house.adapter() as adapter:
        await adapter.perform(Delete(MessageRef(place, one), "spam"), "k1")
        await adapter.perform(Hide(MessageRef(place, two), "rude \ud83d: " + "x" * 600), "k2")
        await adapter.perform(Delete(MessageRef(place, one), "spam"), "k1")
    assert house.server.shown(house.general) == []
    reasons = [call.reason for call in house.lab.calls("DELETE /channels")]
    assert reasons == ["spam", ("rude ?: " + "x" * 600)[:512], "spam"]


@pytest.mark.parametrize(("days", "granted"), [(1, 1), (28, 28), (90, 28)])
async def test_a_timeout_lasts_as_long_as_asked_and_at_most_four_weeks(
    house: House, days: int, granted: int
) -> None:
    place, before = house.place(house.general), house.clock()
    async with house.adapter() as adapter:
        await adapter.perform(Timeout(place, author(house.anna), days * 86_400.0, "spam"), "k")
    until = datetime.fromisoformat(
        house.lab.members[house.server.id][house.anna.id]["communication_disabled_until"]
    )
    assert timedelta() <= until - before - timedelta(days=granted) < timedelta(minutes=1)
    assert house.server.reasons() == ["spam"]
    with pytest.raises(PermissionError):
        house.anna.say(house.general, "may I?")


async def test_a_member_is_sent_out_and_once_is_enough(house: House) -> None:
    place, ben = house.place(house.general), house.person("ben")
    async with house.adapter() as adapter:
        for _time in range(2):
            await adapter.perform(Kick(place, author(house.anna), "spam"), "k1")
            await adapter.perform(Ban(place, author(ben), "more spam"), "k2")
    assert {house.anna.id, ben.id}.isdisjoint(house.server.members())
    assert list(house.lab.bans[house.server.id]) == [ben.id]
    assert {"spam", "more spam"} <= set(house.server.reasons())


async def test_a_reaction_is_added_once(house: House) -> None:
    said = house.anna.say(house.general, "look")
    async with house.adapter() as adapter:
        for _time in range(2):
            await adapter.perform(React(MessageRef(house.place(house.general), said), "👀"), "k")
    (shown,) = house.server.shown(house.general)
    assert shown.reactions == ("👀",)
    with pytest.raises(Gone):
        async with house.adapter() as adapter:
            await adapter.perform(React(MessageRef(house.place(house.general), "1"), "👀"), "k")


async def test_without_the_permission_it_is_forbidden(house: House) -> None:
    role = house.lab.bot_role(house.server.guild)
    house.lab.set_permissions(house.server.guild, role, 1 << 10 | 1 << 11)
    place, said = house.place(house.general), house.anna.say(house.general, "spam")
    actions: list[Action] = [
        Delete(MessageRef(place, said), "spam"),
        Timeout(place, author(house.anna), 60, "spam"),
        Kick(place, author(house.anna), "spam"),
        Ban(place, author(house.anna), "spam"),
    ]
    async with house.adapter() as adapter:
        for number, action in enumerate(actions):
            with pytest.raises(Forbidden, match="50013"):
                await adapter.perform(action, f"k{number}")
    assert len(house.lab.requests) == len(actions) + 3, "three to log in, and nothing was tried twice"


async def test_who_outranks_the_bot_is_not_touched(house: House) -> None:
    place = house.place(house.general)
    async with house.adapter() as adapter:
        with pytest.raises(Forbidden):
            await adapter.perform(Ban(place, author(house.server.owner), "spam"), "k")


async def test_nobody_is_sent_away_from_a_private_conversation(house: House) -> None:
    alone = Channel("discord", house.anna.private["id"], house.anna.private["id"], private=True)
    async with house.adapter() as adapter:
        with pytest.raises(Unsupported):
            await adapter.perform(Kick(alone, author(house.anna), "spam"), "k")


async def test_an_alert_without_a_channel_for_it_says_what_to_set(house: House) -> None:
    async with house.adapter() as adapter:
        with pytest.raises(Unsupported, match="moderators_channel"):
            await adapter.perform(Alert(house.place(house.general), "look"), "k")


async def test_moderators_read_where_the_configuration_says_in_the_server_that_has_it(house: House) -> None:
    staff, elsewhere = house.server.channel("staff"), house.lab.create_guild("elsewhere")
    house.moderators_channel = str(staff["id"])
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        directory, place = heard.adapter.directory, house.place(house.general)
        assert await directory.staff_channel(place) == house.place(staff)
        assert await directory.staff_channel(Channel("discord", elsewhere["id"], place.id)) is None


@pytest.mark.parametrize(("role", "found"), [("member", 0), ("moderator", 1), ("admin", 2)])
async def test_permissions_make_roles_and_they_end_with_the_guild(
    house: House, role: str, found: int
) -> None:
    somebody, elsewhere = house.person("somebody", role), house.lab.create_guild("elsewhere")
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        directory, place = heard.adapter.directory, house.place(house.general)
        roles = sorted(Role)
        assert await directory.role(author(somebody), place) is roles[found]
        there = Channel("discord", elsewhere["id"], place.id)
        assert await directory.role(author(somebody), there) is Role.MEMBER
        bot = Author("discord", somebody.id, "somebody", is_bot=True)
        assert await directory.role(bot, place) is Role.MEMBER
        house.lab.set_roles(house.server.guild, somebody.user, [])
        assert await directory.role(author(somebody), place) is Role.MEMBER, "it is asked anew each time"
