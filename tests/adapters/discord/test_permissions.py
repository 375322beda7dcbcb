"""A permission that the bot lacks on Discord: named as Discord names it, and not asked for in vain."""

import asyncio

import pytest

from bot.core.actions import Action, Ban, Delete, Kick, Timeout
from bot.core.errors import PlatformError, Unsupported
from bot.core.events import Author, Channel, MessageRef
from tests.adapters.discord.house import House
from tests.labs.discord import Json
from tests.labs.discord.constants import PERMS
from tests.labs.discord.people import Person
from tests.strict import NO_SHOUTING


@pytest.fixture
def strict(house: House) -> House:
    house.rules, house.message_content = (NO_SHOUTING,), True
    house.moderators_channel = house.server.channel("moderators")["id"]
    return house


def all_but(house: House, *permissions: str) -> None:
    """Leave the bot everything but these."""
    role, bits = house.lab.bot_role(house.server.guild), (1 << 53) - 1 - PERMS["ADMINISTRATOR"]
    for name in permissions:
        bits &= ~PERMS[name]
    house.lab.set_permissions(house.server.guild, role, bits)


def author(person: Person) -> Author:
    return Author("discord", person.id, "somebody")


def loud(house: House) -> list[str]:
    return [each.text for each in house.server.shown(house.general) if each.text.isupper()]


def refused(house: House) -> int:
    return len(house.lab.refusals())


async def test_a_permission_taken_away_meanwhile_is_named_once_and_asked_for_once(strict: House) -> None:
    house, moderators = strict, strict.moderators_channel or ""
    async with house.living():
        all_but(house, "MANAGE_MESSAGES")
        for number in range(30):
            house.person(f"member{number}").say(house.general, f"LOUD {number}")
        (told,) = await house.answers(moderators, 1)
        await house.quiet(house.general)
        assert "“Manage Messages” in #general" in told.text
        assert len(loud(house)) == 30
        assert refused(house) == 1
        all_but(house)
        await house.lab.until(lambda: not loud(house))
        await house.quiet(house.general)
    assert refused(house) == 1
    assert len(house.said(moderators)) == 1
    deleted = [call.path for call in house.lab.calls("DELETE .*/messages/") if call.status == 204]
    assert len(deleted) == len(set(deleted)) == 30


async def test_what_waits_survives_a_restart_and_is_done_by_the_next_process(strict: House) -> None:
    house, moderators = strict, strict.moderators_channel or ""
    house.lab.settings.limits_enabled = False  # no bot starts five times in a second
    async with house.living():
        all_but(house, "MANAGE_MESSAGES")
        house.anna.say(house.general, "LOUD")
        await house.answers(moderators, 1)
    before = refused(house)
    for _start in range(3):
        async with house.living():
            await house.quiet(house.general)
    assert refused(house) == before == 1
    assert len(house.said(moderators)) == 1
    async with house.living():
        await house.quiet(house.general)
        all_but(house)
        await house.lab.until(lambda: not loud(house))
    assert refused(house) == before


@pytest.mark.parametrize("change", ["channel", "member"])
async def test_rights_given_by_the_channel_or_by_another_role_are_noticed(strict: House, change: str) -> None:
    house = strict
    ours, others = house.lab.bot_role(house.server.guild), []
    if change == "member":
        others = [house.lab.create_role(house.server.guild, "cleaners", PERMS["MANAGE_MESSAGES"])]
    async with house.living():
        all_but(house, "MANAGE_MESSAGES")
        house.anna.say(house.general, "LOUD")
        await house.answers(house.moderators_channel or "", 1)
        if change == "channel":
            allow = {"id": ours["id"], "type": 0, "allow": str(PERMS["MANAGE_MESSAGES"]), "deny": "0"}
            house.lab.set_overwrites(house.general, [allow])
        else:
            house.lab.set_roles(house.server.guild, house.us, [ours, *others])
        await house.lab.until(lambda: not loud(house))
    assert refused(house) == 1


async def test_every_kind_of_action_names_what_it_takes(house: House) -> None:
    place, ben = house.place(house.general), author(house.person("ben"))
    said = MessageRef(place, house.anna.say(house.general, "hello"))
    cases: list[tuple[str, Action, str]] = [
        ("MANAGE_MESSAGES", Delete(said, ""), "“Manage Messages” in #general"),
        ("MODERATE_MEMBERS", Timeout(place, ben, 60, ""), "“Timeout Members” in the server"),
        ("KICK_MEMBERS", Kick(place, ben, ""), "“Kick Members” in the server"),
        ("BAN_MEMBERS", Ban(place, ben, ""), "“Ban Members” in the server"),
    ]
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        for permission, action, words in cases:
            assert await heard.adapter.lacking(action) is None, permission
            changed = asyncio.ensure_future(heard.adapter.rights_changed())
            await asyncio.sleep(0)
            all_but(house, permission)
            await changed
            assert words in (await heard.adapter.lacking(action) or ""), permission
            changed = asyncio.ensure_future(heard.adapter.rights_changed())
            await asyncio.sleep(0)
            all_but(house)
            await changed
        changed = asyncio.ensure_future(heard.adapter.rights_changed())
        await asyncio.sleep(0)
        deny = {"id": house.us, "type": 1, "allow": "0", "deny": str(PERMS["VIEW_CHANNEL"])}
        house.lab.set_overwrites(house.general, [deny])
        await changed
        assert "“View Channels” in #general" in (await heard.adapter.lacking(Delete(said, "")) or "")
    assert refused(house) == 0


async def test_roles_above_ours_are_named_and_some_members_nobody_can_touch(house: House) -> None:
    place, boss = house.place(house.general), house.person("boss")
    guild: Json = house.server.guild
    high = house.lab.create_role(guild, "elders")
    house.lab.set_roles(guild, boss.user, [high])
    high["position"] = 50
    house.lab.emit("GUILD_ROLE_UPDATE", {"guild_id": guild["id"], "role": high}, guild["id"])
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        adapter = heard.adapter
        assert "“elders”" in (await adapter.lacking(Ban(place, author(boss), "")) or "")
        assert await adapter.lacking(Ban(place, author(house.anna), "")) is None
        with pytest.raises(Unsupported, match="owner"):
            await adapter.lacking(Ban(place, author(house.server.owner), ""))
        admin = author(house.person("admin", "admin"))
        with pytest.raises(Unsupported, match="administrator"):
            await adapter.lacking(Timeout(place, admin, 60, ""))
    assert refused(house) == 0


async def test_before_the_gateway_told_of_the_server_nothing_is_claimed(house: House) -> None:
    action = Delete(MessageRef(house.place(house.general), "1"), "")
    async with house.adapter() as adapter:
        with pytest.raises(PlatformError):
            await adapter.lacking(action)


async def test_open_to_all_is_only_what_nobody_is_kept_out_of(house: House) -> None:
    view, history = str(PERMS["VIEW_CHANNEL"]), str(PERMS["READ_MESSAGE_HISTORY"])
    server, muted = house.server, house.lab.create_role(house.server.guild, "muted")
    server.channel("team", overwrites=[{"id": server.id, "type": 0, "allow": "0", "deny": view}])
    server.channel("fresh", overwrites=[{"id": server.id, "type": 0, "allow": "0", "deny": history}])
    server.channel("most", overwrites=[{"id": muted["id"], "type": 0, "allow": "0", "deny": view}])
    server.channel("nearly", overwrites=[{"id": house.anna.id, "type": 1, "allow": "0", "deny": history}])
    lobby = server.channel("lobby", overwrites=[{"id": muted["id"], "type": 0, "allow": view, "deny": "0"}])
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        directory, here = heard.adapter.directory, house.place(house.general)
        assert set(await directory.shared_with(here)) == {here, house.place(lobby)}
        with pytest.raises(PlatformError):
            await directory.shared_with(Channel("discord", "1", "1", private=True))
