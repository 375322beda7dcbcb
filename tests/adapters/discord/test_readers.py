"""Who may read what on Discord: only what everybody who reads a channel may read is shared with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.adapters.discord import DiscordAdapter
from bot.core.errors import PlatformError
from bot.core.events import Channel
from tests.adapters.discord.house import House
from tests.labs.discord import Json
from tests.labs.discord.constants import PERMS

VIEW, HISTORY, SEND = PERMS["VIEW_CHANNEL"], PERMS["READ_MESSAGE_HISTORY"], PERMS["SEND_MESSAGES"]


def gate(target: Json | str, *, kind: int = 0, allow: int = 0, deny: int = 0) -> Json:
    """An overwrite for a role (0) or a member (1)."""
    id = target if isinstance(target, str) else target["id"]
    return {"id": str(id), "type": kind, "allow": str(allow), "deny": str(deny)}


def closed(house: House, *insiders: Json) -> tuple[Json, ...]:
    """Closed to @everyone and open to some roles."""
    return (gate(house.server.id, deny=VIEW), *(gate(role, allow=VIEW) for role in insiders))


@asynccontextmanager
async def connected(house: House) -> AsyncIterator[DiscordAdapter]:
    """An adapter that Discord has told about the guild."""
    async with house.hearing() as heard:
        house.anna.say(house.general, "hello")
        await house.lab.until(lambda: heard.events)
        yield heard.adapter


@pytest.fixture
async def adapter(house: House) -> AsyncIterator[DiscordAdapter]:
    async with connected(house) as adapter:
        yield adapter


async def names(house: House, adapter: DiscordAdapter, channel: Json) -> set[str]:
    found = await adapter.directory.shared_with(house.place(channel))
    by_id = {str(each["id"]): each["name"] for each in house.lab.channels.values()}
    return {by_id[place.id] for place in found}


async def test_an_open_channel_shares_with_all_that_are_open_to_everybody(house: House) -> None:
    server = house.server
    server.channel("open")
    server.forum("forum")
    server.channel("no-writing", overwrites=[gate(server.id, deny=SEND)])
    server.channel("secret", overwrites=closed(house, server.moderators))
    server.channel("no-history", overwrites=[gate(server.id, deny=HISTORY)])
    server.channel("kept-out", overwrites=[gate(server.admins, deny=VIEW)])
    server.channel("one-kept-out", overwrites=[gate(house.anna.id, kind=1, deny=VIEW)])
    async with connected(house) as adapter:
        assert await names(house, adapter, house.general) == {"general", "open", "forum", "no-writing"}


async def test_a_closed_channel_shares_with_what_has_the_same_readers_as_well(house: House) -> None:
    server = house.server
    staff = server.channel("staff", overwrites=closed(house, server.moderators))
    server.channel("staff-too", overwrites=closed(house, server.moderators))
    server.channel("fewer", overwrites=closed(house, server.admins))
    server.channel("more", overwrites=closed(house, server.moderators, server.admins))
    async with connected(house) as adapter:
        assert await names(house, adapter, staff) == {"general", "staff", "staff-too"}
        assert "staff" not in await names(house, adapter, house.general)


async def test_what_is_for_adults_is_shared_with_what_is_for_adults_only(house: House) -> None:
    server = house.server
    adult, other = server.channel("adult"), server.channel("adult-too")
    for channel in (adult, other):
        house.lab.channels[str(channel["id"])]["nsfw"] = True
    async with connected(house) as adapter:
        assert await names(house, adapter, house.general) == {"general"}
        assert await names(house, adapter, adult) == {"general", "adult", "adult-too"}


async def test_a_private_thread_or_one_that_is_gone_is_not_shared(
    house: House, adapter: DiscordAdapter
) -> None:
    public = house.anna.open_thread(house.general, "public")
    private = house.anna.open_thread(house.general, "private")
    house.lab.channels[str(private["id"])]["type"] = 12
    gone = house.anna.open_thread(house.general, "gone")
    house.lab.delete_channel(gone)
    home = house.place(house.general)

    async def shared(thread: Json) -> bool:
        return await adapter.directory.is_shared(
            Channel(home.platform, home.community, home.id, str(thread["id"]))
        )

    assert await shared(public)
    assert not await shared(private)
    assert not await shared(gone)
    assert await adapter.directory.is_shared(home), "a message in the channel itself"


async def test_a_channel_nobody_knows_is_no_answer(house: House, adapter: DiscordAdapter) -> None:
    with pytest.raises(PlatformError):
        await adapter.directory.shared_with(Channel("discord", house.server.id, "1"))
    with pytest.raises(PlatformError):
        await adapter.directory.shared_with(Channel("discord", "1", "1"))
