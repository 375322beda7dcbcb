"""Which channels and threads somebody may read now, what stands in them, and who sees what is told of it."""

from datetime import UTC, datetime
from typing import cast

import pytest

from bot.core.events import Author, Channel
from bot.llm.echo import EchoModel
from bot.llm.model import Capabilities
from tests.adapters.discord.house import Heard, House
from tests.labs.discord import Interaction, Json
from tests.labs.discord.constants import PERMS
from tests.labs.discord.people import Person, Shown, show

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PRIVATE_THREAD = 12
ALONE = "Only you may read this. Please use the slash command: Discord shows its answer to you alone."


def author(person: Person) -> Author:
    return Author("discord", person.id, "somebody")


def thread_in(house: House, channel: Json, thread: Json) -> Channel:
    return Channel("discord", house.server.id, str(channel["id"]), str(thread["id"]))


def closed(house: House, name: str) -> Json:
    """A channel that only the bot and administrators may read."""
    everybody = {"id": house.server.id, "type": 0, "allow": "0", "deny": str(PERMS["VIEW_CHANNEL"])}
    us = {"id": house.us, "type": 1, "allow": str(PERMS["VIEW_CHANNEL"]), "deny": "0"}
    return house.server.channel(name, overwrites=[everybody, us])


async def told(house: House, call: Interaction, text: str) -> Shown:
    """The answer to a call, once it holds a text."""

    def answers() -> list[Shown]:
        standing = show(house.lab, house.general)
        return [each for each in standing if each.id == call.original and text in each.text]

    await house.lab.until(answers)
    return answers()[0]


async def connected(house: House, heard: Heard) -> None:
    house.anna.ask(house.general, "are you there")
    await house.lab.until(lambda: heard.events)


async def test_a_place_is_found_by_its_id_where_one_may_read_it(house: House) -> None:
    staff, chief = closed(house, "staff"), house.person("chief", "admin")
    thread = house.anna.open_thread(house.general, "Party")
    hidden = chief.open_thread(staff, "Plans")
    elsewhere = house.lab.create_guild("elsewhere")
    async with house.hearing() as heard:
        await connected(house, heard)
        place, anna, community = heard.adapter.directory.place, author(house.anna), house.server.id
        assert await place(anna, community, house.general["id"]) == house.place(house.general)
        assert await place(anna, community, thread["id"]) == thread_in(house, house.general, thread)
        for id in (staff["id"], hidden["id"], "1", "x", house.anna.private["id"]):
            assert await place(anna, community, id) is None
        assert await place(author(chief), community, hidden["id"]) == thread_in(house, staff, hidden)
        assert await place(anna, elsewhere["id"], house.general["id"]) is None
        assert await place(Author("discord", "12345", "nobody"), community, house.general["id"]) is None


async def test_a_post_in_a_forum_is_a_place(house: House) -> None:
    forum = house.server.forum("questions")
    post = await house.anna.post(forum, "Harbor", "When does the harbor open?")
    async with house.hearing() as heard:
        await connected(house, heard)
        found = await heard.adapter.directory.place(author(house.anna), house.server.id, post["id"])
        assert found == thread_in(house, forum, post)
        read = [each async for each in heard.adapter.directory.history(found, LONG_AGO)]
        assert [each.text for each in read] == ["When does the harbor open?"]


async def test_a_private_thread_is_for_who_is_in_it_and_who_manages_threads(house: House) -> None:
    ben, chief = house.person("ben"), house.person("chief", "admin")
    secret = house.lab.open_thread(house.general, "secret", house.anna.user, type=PRIVATE_THREAD)
    async with house.hearing() as heard:
        await connected(house, heard)
        directory, community = heard.adapter.directory, house.server.id
        inside = thread_in(house, house.general, secret)
        assert await directory.place(author(house.anna), community, secret["id"]) == inside
        assert await directory.place(author(chief), community, secret["id"]) == inside
        assert await directory.place(author(ben), community, secret["id"]) is None
        assert [title for _place, title in await directory.threads(author(chief), community)] == []


async def test_open_threads_are_suggested_newest_first_where_one_may_read(house: House) -> None:
    staff, chief = closed(house, "staff"), house.person("chief", "admin")
    async with house.hearing() as heard:
        await connected(house, heard)
        directory, community = heard.adapter.directory, house.server.id
        one, two = (house.anna.open_thread(house.general, name) for name in ("Party", "Kernel"))
        chief.open_thread(staff, "Plans")
        house.anna.ask(house.general, "and now")
        await house.lab.until(lambda: len(heard.events) > 4)
        assert list(await directory.threads(author(house.anna), community)) == [
            (thread_in(house, house.general, two), "Kernel"),
            (thread_in(house, house.general, one), "Party"),
        ]
        assert len(await directory.threads(author(chief), community)) == 3
        assert list(await directory.threads(author(house.anna), "elsewhere")) == []


async def test_a_thread_begins_with_the_message_it_hangs_on(house: House) -> None:
    house.message_content = True
    root = house.anna.say(house.general, "Where is the harbor cafe?")
    thread = house.anna.open_thread(house.general, "Cafe", on=root)
    house.anna.say(thread, "By the old bridge.")
    async with house.hearing() as heard:
        await connected(house, heard)
        place = thread_in(house, house.general, thread)
        found = [each async for each in heard.adapter.directory.history(place, LONG_AGO)]
    assert [(each.text, each.ref.channel) for each in found] == [
        ("Where is the harbor cafe?", house.place(house.general)),
        ("By the old bridge.", place),
    ]


@pytest.mark.parametrize("able", [True, False])
async def test_only_who_asked_sees_a_summary_and_what_they_missed(house: House, able: bool) -> None:
    house.message_content = True
    house.model = EchoModel(capabilities=Capabilities(can_answer=able))
    ben = house.person("ben")
    house.anna.say(house.general, "When do we meet for the release party?")
    async with house.living():
        for command in ("summarize", "catchup"):
            answer = await told(house, ben.slash(house.general, command), "release party")
            assert answer.ephemeral
            assert f"https://discord.com/channels/{house.server.id}/{house.general['id']}/" in answer.text
    public = [
        each for each in show(house.lab, house.general) if each.author == house.us and not each.ephemeral
    ]
    assert public == []


async def test_without_the_intent_a_summary_says_that_it_was_shown_no_words(house: House) -> None:
    house.lab.settings.privileged = ()
    house.anna.say(house.general, "When do we meet for the release party?")
    async with house.living():
        call = house.person("ben").slash(house.general, "summarize")
        await told(house, call, "Of 1 message there I was shown no words")


async def test_threads_are_completed_and_what_was_chosen_is_told_to_the_caller_alone(house: House) -> None:
    house.message_content = True
    thread = house.anna.open_thread(house.general, "Release party")
    house.anna.say(thread, "We decided: on Friday at seven, in the harbor cafe.")
    async with house.living():
        call = house.anna.complete(house.general, "summarize", "thread", "rel")
        await house.lab.until(lambda: call.choices)
        (choice,) = cast(list[dict[str, str]], call.choices)
        assert choice["name"] == f"Release party · {thread['id']}"
        for named in (choice["value"], f"<#{thread['id']}>"):
            call = house.person("ben").slash(house.general, "summarize", thread=named)
            assert (await told(house, call, "harbor cafe")).ephemeral


async def test_typed_in_a_channel_another_place_is_not_told_there(house: House) -> None:
    house.message_content = True
    thread = house.anna.open_thread(house.general, "Release party")
    house.anna.say(thread, "We decided: on Friday at seven, in the harbor cafe.")
    async with house.living():
        for line in (f"summarize <#{thread['id']}>", "catchup"):
            house.anna.say(house.general, f"!llmos {line}")
        await house.stands(house.general, *[ALONE] * 2)
        house.anna.whisper("!llmos catchup")
        await house.lab.until(lambda: any("You missed" in text for text in house.said(house.anna.private)))
