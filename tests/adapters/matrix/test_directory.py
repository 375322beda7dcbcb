"""What the homeserver says about rights, places and history reaches the core as it is now."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.adapters.matrix import directory as module
from bot.adapters.matrix.directory import MatrixDirectory
from bot.adapters.matrix.settings import Grants, Settings
from bot.core.actions import Post
from bot.core.events import Author, Channel, Message, Reaction
from bot.core.permissions import Role
from tests.adapters.matrix.sender import Hands, hands
from tests.labs.synapse import Synapse

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PAGE = module._PAGE if os.environ.get("LLMOS_DRILLS") == "long" else 12
"""What the homeserver is asked for at once; everyday so little that few messages fill more than a page."""


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", PAGE)


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Hands]:
    async with hands(synapse, tmp_path, "ben") as house:
        yield house


def directory(house: Hands, grants: Grants | None = None) -> MatrixDirectory:
    settings = house.settings
    if grants is not None:
        settings = Settings(settings.homeserver, settings.user_id, settings.folder, grants=grants)
    return MatrixDirectory(house.calls, house.rooms, settings)


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_creators_are_admins_in_every_version(synapse: Synapse, tmp_path: Path, version: str) -> None:
    async with hands(synapse, tmp_path, "ben", version=version, power=50) as house:
        asked, place = directory(house), await house.place()
        assert await asked.role(house.asker, place) is Role.ADMIN
        assert await asked.role(house.guest("ben"), place) is Role.MEMBER
        assert await asked.role(Author("matrix", house.login.user_id, "bot"), place) is Role.MODERATOR


async def test_a_role_is_what_it_is_now(house: Hands) -> None:
    asked, place, ben = directory(house), await house.place(), house.guest("ben")
    await house.ann.power(house.room, {ben.id: 50})
    assert await asked.role(ben, place) is Role.MODERATOR
    await house.ann.power(house.room, {ben.id: 100})
    assert await asked.role(ben, place) is Role.ADMIN
    await house.ann.power(house.room, {ben.id: 0})
    assert await asked.role(ben, place) is Role.MEMBER


async def test_who_left_has_no_rights_any_more(house: Hands) -> None:
    ben = house.guest("ben")
    await house.ann.power(house.room, {ben.id: 100})
    await house.ann.call("POST", f"/v3/rooms/{house.room}/kick", {"user_id": ben.id})
    assert await directory(house).role(ben, await house.place()) is Role.MEMBER
    assert list(await directory(house).readable_channels(ben, house.room)) == []


async def test_the_configuration_says_what_a_level_means(house: Hands) -> None:
    ben, place = house.guest("ben"), await house.place()
    await house.ann.power(house.room, {ben.id: 30})
    assert await directory(house, Grants(moderator_power=30)).role(ben, place) is Role.MODERATOR
    assert await directory(house, Grants(admins=frozenset({ben.id}))).role(ben, place) is Role.ADMIN
    nobody = Grants(moderator_power=None, admin_power=None)
    assert await directory(house, nobody).role(house.asker, place) is Role.MEMBER


async def test_no_right_crosses_a_room(house: Hands) -> None:
    asked = directory(house)
    elsewhere = await house.ann.make_room()
    assert await asked.role(house.asker, Channel("matrix", elsewhere, elsewhere)) is Role.MEMBER
    assert await asked.role(house.asker, Channel("matrix", elsewhere, house.room)) is Role.MEMBER
    assert await asked.role(house.asker, Channel("matrix", "!no:where", "!no:where")) is Role.MEMBER
    assert list(await asked.readable_channels(house.asker, elsewhere)) == []
    assert await asked.readable_channels(house.asker, house.room) == [await house.place()]


async def test_a_room_is_also_known_by_its_alias(house: Hands) -> None:
    asked, server = directory(house), house.ann.login.user_id.partition(":")[2]
    alias = f"#desk-{house.room.strip('!').partition(':')[0].lower()[:20]}:{server}"
    await house.ann.call("PUT", f"/v3/directory/room/{quote(alias)}", {"room_id": house.room})
    for name in (alias, alias.partition(":")[0]):
        assert await asked.readable_channels(house.asker, name) == [await house.place()]
    assert list(await asked.readable_channels(house.asker, f"#nobody:{server}")) == []


async def test_a_place_is_found_by_its_id_where_one_may_read_it(house: Hands) -> None:
    asked, ben = directory(house), house.guest("ben")
    root = await house.ann.say(house.room, "When is the party?")
    inside = await house.ann.say(house.room, "On Friday.", thread=root)
    alone = await house.ann.say(house.room, "no thread here")
    thread, room = await house.place(root), await house.place()
    assert await asked.place(ben, house.room, house.room) == room
    assert await asked.place(ben, house.room, root) == thread
    assert await asked.place(ben, house.room, inside) == thread
    for id in (alone, "$nothing", "general", await house.ann.make_room()):
        assert await asked.place(ben, house.room, id) is None
    assert list(await asked.threads(ben, house.room)) == []
    await house.ann.call("POST", f"/v3/rooms/{house.room}/kick", {"user_id": ben.id})
    assert await asked.place(ben, house.room, root) is None
    assert await asked.place(ben, house.room, house.room) is None


async def test_history_comes_oldest_first_in_pages_and_with_the_newest_texts(house: Hands) -> None:
    ids = [await house.ann.say(house.room, f"message {n}") for n in range(PAGE + 20)]
    await house.ann.edit(house.room, ids[3], "message 3, edited")
    await house.ann.redact(house.room, ids[4])
    thread = await house.ann.say(house.room, "in a thread", thread=ids[0])
    await house.ann.send(house.room, "m.room.message", {"msgtype": "m.key.verification.request", "body": "?"})
    await house.sender.perform(Post(await house.place(), "news"), "k")
    found = [m async for m in directory(house).history(await house.place(), LONG_AGO)]
    expected = [f"message {n}" for n in range(PAGE + 20) if n != 4]
    expected[3] += ", edited"
    assert [m.text for m in found] == [*expected, "news"]
    assert [m.author.is_bot for m in found[-2:]] == [False, True]
    assert found[-1].notice
    inside = [m async for m in directory(house).history(await house.place(ids[0]), LONG_AGO)]
    assert [m.ref.id for m in inside] == [ids[0], thread], "a thread begins with the message it hangs on"
    lately = [m async for m in directory(house).history(await house.place(ids[0]), found[-3].at)]
    assert [m.ref.id for m in lately] == [thread]
    (told,) = await directory(house).threads_with(await house.place(), LONG_AGO)
    assert told == await house.place(ids[0])
    assert [m async for m in directory(house).history(told, inside[-1].at)] == []
    later = [m async for m in directory(house).history(await house.place(), found[-3].at)]
    assert later == found[-2:]
    assert [m async for m in directory(house).history(await house.place(), found[-1].at)] == []
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert [m async for m in directory(house).history(await house.place(), tomorrow)] == []
    assert list(await directory(house).threads_with(await house.place(), tomorrow)) == []


async def test_threads_are_told_and_read_page_by_page(house: Hands) -> None:
    roots = [await house.ann.say(house.room, f"root {n}") for n in range(PAGE + 3)]
    for root in roots:
        await house.ann.say(house.room, "in a thread", thread=root)
    more = [await house.ann.say(house.room, f"more {n}", thread=roots[0]) for n in range(PAGE + 3)]
    found = await directory(house).threads_with(await house.place(), LONG_AGO)
    assert {each.thread for each in found} == set(roots)
    inside = [m async for m in directory(house).history(await house.place(roots[0]), LONG_AGO)]
    assert [m.ref.id for m in inside][2:] == more, "behind the root and the first answer"


async def test_what_the_bot_may_not_do_is_told_by_name(synapse: Synapse, tmp_path: Path) -> None:
    async with hands(synapse, tmp_path, power=50) as house:
        asked, place = directory(house), await house.place()
        assert await asked.missing_permissions(place) == ["m.room.power_levels"]
        await house.ann.power(house.room, {house.login.user_id: 0})
        assert await asked.missing_permissions(place) == ["redact", "kick", "ban", "m.room.power_levels"]


async def test_moderators_read_where_the_configuration_says_if_the_bot_is_there(house: Hands) -> None:
    settings, place = house.settings, await house.place()
    assert await directory(house).staff_channel(place) is None
    for room, found in ((house.room, place), ("!nowhere:lab.test", None)):
        named = replace(settings, moderators_room=room)
        asked = MatrixDirectory(house.calls, house.rooms, named)
        assert await asked.staff_channel(place) == found


async def test_links_open_in_every_client(house: Hands) -> None:
    link = await directory(house).link(await house.place(), "$abc:x/ä")
    assert link == f"https://matrix.to/#/{house.room}/$abc:x%2F%C3%A4?via=lab.test"


async def test_the_past_of_a_room_has_its_threads_and_reactions_and_goes_on_where_it_stopped(
    house: Hands,
) -> None:
    root = await house.ann.say(house.room, "root")
    reply = await house.ann.say(house.room, "in a thread", thread=root)
    await house.ann.react(house.room, root, "👍")
    await house.ann.react(house.room, reply, "🎉")
    gone = await house.ann.react(house.room, root, "🤡")
    await house.ann.redact(house.room, gone)
    for number in range(PAGE + 20):
        await house.ann.say(house.room, f"message {number}")
    place = await house.place()
    pages = [page async for page in directory(house).happened(place, LONG_AGO)]
    events = [event for page in pages for event in page.events]
    told = [event.text for event in events if isinstance(event, Message)]
    assert told == ["root", "in a thread", *(f"message {number}" for number in range(PAGE + 20))]
    reactions = [
        (each.emoji, each.ref.id, each.ref.channel.thread) for each in events if isinstance(each, Reaction)
    ]
    assert reactions == [("👍", root, None), ("🎉", reply, root)]
    last = next(page.position for page in reversed(pages) if page.position)
    await house.ann.say(house.room, "later")
    further = [page async for page in directory(house).happened(place, LONG_AGO, last)]
    texts = [each.text for page in further for each in page.events if isinstance(each, Message)]
    assert texts[-1] == "later"
    assert len(texts) < PAGE + 22
