"""The lab itself: a homeserver that keeps its data, and people who see what clients show."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.labs.people import Person, Refused, person
from tests.labs.synapse import LabError, Synapse


@pytest.fixture
async def anna(synapse: Synapse) -> AsyncIterator[Person]:
    async with person(synapse.url, synapse.register("lab-anna")) as anna:
        yield anna


@pytest.fixture
async def ben(synapse: Synapse) -> AsyncIterator[Person]:
    async with person(synapse.url, synapse.register("lab-ben")) as ben:
        yield ben


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_people_see_messages_as_clients_show_them(synapse: Synapse, version: str) -> None:
    login = synapse.register(f"lab-{version}-anna")
    async with person(synapse.url, login) as anna:
        room = await anna.make_room(version=version)
        first = await anna.say(room, "one")
        second = await anna.say(room, "two", reply_to=first)
        third = await anna.say(room, "three", thread=first, mention=["@x:lab.test"])
        await anna.edit(room, first, "uno")
        await anna.redact(room, second)
        uno, three = await anna.shown(room)
        assert (uno.id, uno.text, uno.edits) == (first, "uno", 1)
        assert (three.id, three.thread, three.mentions) == (third, first, ["@x:lab.test"])


async def test_waiting_ends_when_somebody_else_writes(anna: Person, ben: Person) -> None:
    room = await anna.make_room(ben)
    await ben.join(room)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(anna.until(room, lambda shown: len(shown) == 2, ben.id))
        await ben.say(room, "one")
        await ben.say(room, "two")
    assert [shown.text for shown in await waiting] == ["one", "two"]


@pytest.mark.parametrize("kill", [False, True])
async def test_a_stopped_server_comes_back_with_its_data(synapse: Synapse, kill: bool) -> None:
    async with person(synapse.url, synapse.register(f"lab-stop-{kill}")) as anna:
        room = await anna.make_room()
        await anna.say(room, "before")
        await asyncio.to_thread(synapse.stop, kill=kill)
        assert not synapse.is_running
        await asyncio.to_thread(synapse.start)
        assert [shown.text for shown in await anna.shown(room)] == ["before"]


async def chatter(who: Person, room: str, count: int) -> None:
    for number in range(count):
        await who.say(room, f"{number}")


async def test_one_account_can_be_limited(synapse: Synapse) -> None:
    login = synapse.register("lab-limited")
    async with person(synapse.url, login) as anna:
        room = await anna.make_room()
        synapse.limit(login.user_id, 1, 2)
        with pytest.raises(Refused) as refused:
            await chatter(anna, room, 9)
        assert refused.value.status == 429
        assert refused.value.body["retry_after_ms"] > 0


def test_a_name_is_given_once(synapse: Synapse) -> None:
    synapse.register("lab-twice")
    with pytest.raises(LabError, match="M_USER_IN_USE"):
        synapse.register("lab-twice")
