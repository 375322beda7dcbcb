"""`channel set learning`: a room agrees, is told once, and can end it; other places cannot."""

from dataclasses import replace

import pytest

from bot.conversation.policy import channel_policy
from bot.core.actions import Post, Reply
from bot.core.events import Author, Channel, MessageRef
from bot.core.permissions import Role
from bot.storage.examples import LabelledExample
from tests.commands.house import ALICE, CHANNEL, MODERATOR, House

ROOM = Channel("matrix", "!room:example.org", "!room:example.org")
ON, OFF = "channel set learning yes", "channel set learning no"
MAX = Author("matrix", "@max:example.org", "Max")


@pytest.fixture(autouse=True)
def moderator(house: House) -> None:
    house.platform.roles[MAX.id] = Role.MODERATOR


def learns(house: House, place: Channel = ROOM) -> bool:
    return channel_policy(house.store.policies, place).learning


async def told(house: House, line: str, place: Channel = ROOM) -> list[str]:
    """What the room reads, beside the answer to the moderator."""
    actions = await house.do(line, MAX, place)
    return [each.text for each in actions if isinstance(each, Post) and each.channel == ROOM]


async def test_it_is_off_and_the_room_is_told_once_when_it_begins_and_when_it_ends(house: House) -> None:
    assert not learns(house)
    assert await told(house, OFF) == []
    (begins,) = await told(house, ON)
    assert "From now on this room helps to train" in begins
    assert "`/privacy optout`" in begins
    assert learns(house)
    assert await told(house, ON) == []
    (ends,) = await told(house, "channel set learning default")
    assert "nothing that is said in this room trains anything" in ends
    assert not learns(house)


async def test_a_thread_speaks_for_its_room(house: House) -> None:
    thread = replace(ROOM, thread="$thread")
    assert len(await told(house, ON, thread)) == 1
    assert learns(house)
    assert "`learning` = `yes` (set for this channel)" in await house.told("channel show", MAX, thread)


async def test_the_same_call_after_a_kill_tells_the_room_again(house: House) -> None:
    invoke, context = house.services.commands.invoke, house.context(MAX, ROOM, call="the call")
    first = await invoke(context, ("channel", "set"), {"name": "learning", "value": "yes"})
    assert first == await invoke(context, ("channel", "set"), {"name": "learning", "value": "yes"})
    assert isinstance(first, tuple)
    assert [type(each) for each in first] == [Reply, Post]


async def test_what_was_kept_is_erased_when_it_ends(house: House) -> None:
    await house.do(ON, MAX, ROOM)
    kept = LabelledExample(
        MessageRef(ROOM, "$1"), ALICE.identity, "a text", "spam", True, False, house.clock()
    )
    await house.store.examples.keep(kept)
    (ends,) = await told(house, OFF)
    assert "1 text that was kept for it is erased." in ends
    assert await house.store.examples.texts() == []


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (Channel("discord", "1", "2"), "This platform does not allow it"),
        (CHANNEL, "Only rooms of Matrix"),
        (replace(ROOM, encrypted=True), "teaches nothing, ever"),
        (replace(ROOM, private=True), "teaches nothing, ever"),
    ],
    ids=["discord", "memory", "encrypted", "private"],
)
async def test_other_places_cannot_agree(house: House, place: Channel, says: str) -> None:
    caller = replace(MAX, platform=place.platform)
    assert says in await house.told(ON, caller, place)
    assert not learns(house, place)


async def test_it_is_not_set_for_a_community_at_once_and_by_moderators_only(house: House) -> None:
    assert "Each room is told" in await house.told(f"{ON} where=community", MAX, ROOM)
    assert "is for moderators" in await house.told(ON, ALICE, ROOM)
    assert "is for moderators" not in await house.told("channel show", MODERATOR)
    assert not learns(house)
