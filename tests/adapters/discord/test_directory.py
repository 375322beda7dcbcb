"""What Discord says about threads and about the past: of whom it is, to whom it was said, who may read it."""

from datetime import timedelta

from bot.adapters.discord.places import place_of
from bot.core.events import Author
from tests.adapters.discord.house import Heard, House
from tests.labs.discord.people import Person
from tests.labs.discord.records import Json

PRIVATE = 12


def threads(house: House, who: Person, count: int) -> list[Json]:
    found = [who.open_thread(house.general, f"thread {n}") for n in range(count)]
    for thread in found:
        who.say(thread, "said in it")
    return found


async def ready(house: House, heard: Heard) -> None:
    """Wait until the guild has told us of itself."""
    house.anna.ask(house.general, "are you there")
    await house.lab.until(lambda: heard.events)


async def test_threads_of_a_channel_are_told_archived_ones_page_by_page(house: House) -> None:
    made = threads(house, house.anna, 103)
    elsewhere = house.anna.open_thread(house.server.channel("elsewhere"), "another channel's")
    house.anna.say(elsewhere, "said in it")
    for thread in made[:101]:
        house.lab.archive(thread)
    async with house.hearing() as heard:
        await ready(house, heard)
        since = house.clock() - timedelta(hours=1)
        found = await heard.adapter.directory.threads_with(house.place(house.general), since)
        assert {each.thread for each in found} == {str(thread["id"]) for thread in made}
        assert len(found) == 103
        tomorrow = house.clock() + timedelta(days=1)
        assert list(await heard.adapter.directory.threads_with(house.place(house.general), tomorrow)) == []
    assert len(house.lab.calls("GET .*/threads/archived/public")) == 3


async def test_a_private_thread_is_known_as_one_and_never_told(house: House) -> None:
    parent = house.lab.channels[str(house.general["id"])]
    secret = house.lab.open_thread(parent, "secret", house.anna.user, type=PRIVATE)
    house.anna.say(secret, "between us")
    place = place_of(secret, house.server.id)
    assert place is not None
    assert place.hidden
    assert not place.parent.hidden
    (public,) = threads(house, house.anna, 1)
    async with house.hearing() as heard:
        await ready(house, heard)
        since = house.clock() - timedelta(hours=1)
        found = await heard.adapter.directory.threads_with(house.place(house.general), since)
        assert [each.thread for each in found] == [str(public["id"])]


async def test_the_past_tells_what_was_said_to_us_and_what_was_not(house: House) -> None:
    house.anna.say(house.general, "the umbrella is red")
    house.anna.ask(house.general, "where is the umbrella?")
    async with house.hearing() as heard:
        await ready(house, heard)
        since = house.clock() - timedelta(hours=1)
        found = [each async for each in heard.adapter.directory.history(house.place(house.general), since)]
    assert [each.addressed for each in found] == [None, "where is the umbrella?", "are you there"]


async def test_a_forum_can_be_read_and_holds_nothing_but_its_posts(house: House) -> None:
    forum = house.server.forum("questions")
    post = await house.anna.post(forum, "umbrella", "where is it?")
    async with house.hearing() as heard:
        await ready(house, heard)
        directory, place = heard.adapter.directory, house.place(forum)
        since = house.clock() - timedelta(hours=1)
        asker = Author("discord", house.anna.id, "Anna")
        assert place in await directory.readable_channels(asker, house.server.id)
        assert [each async for each in directory.history(place, since)] == []
        (thread,) = await directory.threads_with(place, since)
        assert thread.thread == str(post["id"])
        assert [each.text async for each in directory.history(thread, since)] == ["where is it?"]
