"""Which threads of a Discord are recommended: forum posts and messages, what is gone or private never."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.app import App
from bot.core.events import Author
from bot.recommend.importing import Importing
from bot.recommend.worth import Worth
from tests.adapters.discord.house import House
from tests.labs.discord import Json
from tests.labs.discord.records import Ref

PRIVATE_THREAD = 12


async def recommended(house: House, app: App) -> Sequence[Worth]:
    """What somebody who touched nothing is shown, of all channels they may read now."""
    reader = Author("discord", house.person("reader").id, "reader")
    readable = await app._directory.readable_channels(reader, house.server.id)
    return await app.recommendations.for_member(
        reader.identity,
        f"discord/{house.server.id}",
        {channel.key for channel in readable},
        20,
        house.clock(),
    )


async def until(house: House, app: App, *titles: str) -> Sequence[Worth]:
    """Wait until exactly these are recommended."""
    async with asyncio.timeout(10):
        while True:
            found = await recommended(house, app)
            if sorted(each.thread.title for each in found) == sorted(titles):
                return found
            await asyncio.sleep(0.01)


async def dealt_with(house: House) -> None:
    """Whatever was sent before this answer is dealt with in its channel."""
    before = len(house.said(house.general))
    house.anna.ask(house.general, f"done {before}?")
    await house.answers(house.general, before + 1)


def private_thread(house: House, channel: Ref, name: str) -> Json:
    """A thread that only those see who are invited into it."""
    thread = house.lab.open_thread(house.general, name, house.anna.user, type=PRIVATE_THREAD)
    house.anna.say(thread, "between us")
    return thread


async def test_forum_posts_and_threads_are_recommended_until_they_are_deleted(house: House) -> None:
    house.message_content = True
    async with house.living() as app:
        post = await house.anna.post(house.server.forum("questions"), "Sky", "why is it blue?")
        root = house.anna.say(house.general, "Let us talk about boats")
        thread = house.anna.open_thread(house.general, "Boats", on=root)
        house.person("ben").say(thread, "sloops")
        found = await until(house, app, "Sky", "Boats")
        places = {each.thread.title: each.thread.place.thread for each in found}
        assert places == {"Sky": str(post["id"]), "Boats": root}
        house.lab.archive(post)
        house.lab.archive(thread, locked=True)
        await until(house, app, "Sky")
        house.lab.channels[str(thread["id"])]["thread_metadata"]["locked"] = False
        house.lab.emit("THREAD_UPDATE", thread, house.server.id)
        await until(house, app, "Sky", "Boats")
        house.lab.delete_channel(post)
        await until(house, app, "Boats")
        house.anna.delete(root)
        await until(house, app)


async def test_a_reply_makes_a_thread_whose_words_are_not_kept(house: House) -> None:
    house.message_content = True
    async with house.living() as app:
        question = house.anna.say(house.general, "who has seen my umbrella?")
        house.person("ben").say(house.general, "behind the door", reply_to=question)
        (worth,) = await until(house, app, "")
        assert worth.thread.first_message == question
        link = await app._directory.link(worth.thread.place, question)
        assert link == f"https://discord.com/channels/{house.server.id}/{house.general['id']}/{question}"


async def test_private_threads_are_nobodys_to_recommend(house: House) -> None:
    house.message_content = True
    async with house.living() as app:
        thread = private_thread(house, house.general, "Secret")
        house.person("ben").say(thread, "hush")
        house.anna.open_thread(house.general, "Open")
        await until(house, app, "Open")
        await dealt_with(house)
        assert [each.thread.title for each in await recommended(house, app)] == ["Open"]


@pytest.mark.parametrize(("days", "counted"), [(8, 1), (6, 0)])
async def test_a_reaction_comes_and_goes_unless_the_account_is_new(
    house: House, days: int, counted: int
) -> None:
    house.message_content, house.clock.shift = True, timedelta(days=days)
    async with house.living() as app:
        thread = house.anna.open_thread(house.general, "Boats")
        first = house.anna.say(thread, "about boats")
        await until(house, app, "Boats")
        ben = house.person("ben")
        for does, then, members in ((ben.react, "cleo", counted + 1), (ben.unreact, "dora", 2)):
            does(first, "👍")
            house.person(then).say(thread, "who answers is counted, and comes after the reaction")
            async with asyncio.timeout(10):
                while True:
                    (worth,) = await recommended(house, app)
                    if next((r.members for r in worth.reasons if r.cause == "reactions"), 0) == members:
                        break
                    await asyncio.sleep(0.01)


async def test_what_happened_before_the_bot_came_is_read_with_who_reacted(house: House) -> None:
    house.message_content = True
    ben = house.person("ben")
    forum = house.server.forum("questions")
    post = await house.anna.post(forum, "Sky", "why is it blue?")
    ben.react(str(post["id"]), "👍")
    root = house.anna.say(house.general, "Let us talk about boats")
    thread = house.anna.open_thread(house.general, "Boats", on=root)
    ben.react(ben.say(thread, "sloops"), "🎉")
    private_thread(house, house.general, "Secret")
    question = house.anna.say(house.general, "who has seen my umbrella?")
    ben.say(house.general, "behind the door", reply_to=question)
    async with house.living() as app:
        since = house.clock() - timedelta(days=1)
        importing = Importing(app.store, app._directory, app.noting, app.recommendations)
        places = [house.place(house.general), house.place(forum)]
        told = [each async for each in importing.read(places, since)]
        assert (told[-1].done, told[-1].left_out) == (2, 0)
        found = await until(house, app, "Sky", "Boats", "")
        counted = {
            each.thread.title: next((r.members for r in each.reasons if r.cause == "reactions"), 0)
            for each in found
        }
        assert counted == {"Sky": 1, "Boats": 1, "": 1}
        assert [each.events async for each in importing.read(places, since)][-1] <= 2
