"""Answers as the core relies on them: once for each key, taken up where they were left."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.adapters.discord import DiscordAdapter
from bot.core.actions import Chunk, Post, Receipt, Reply, StreamedReply, Update
from bot.core.errors import Gone
from bot.core.events import Author, MessageRef
from tests.adapters.discord.house import House
from tests.contracts.test_adapters import HOSTILE


async def chunks(*texts: str) -> AsyncIterator[Chunk]:
    for text in texts:
        yield text


class Asked:
    """A question, and answers to it."""

    def __init__(self, house: House) -> None:
        self.ref = MessageRef(house.place(house.general), house.anna.say(house.general, "Why?"))
        self.author = Author("discord", house.anna.id, "Anna")

    def reply(self, text: str) -> Reply:
        return Reply(self.ref, self.author, text)

    def stream(self, *texts: str) -> StreamedReply:
        return StreamedReply(self.ref, self.author, chunks(*texts))


@pytest.fixture
async def adapter(house: House) -> AsyncIterator[DiscordAdapter]:
    async with house.adapter() as adapter:
        yield adapter


async def test_the_same_key_shows_the_same_thing_once(house: House, adapter: DiscordAdapter) -> None:
    asked = Asked(house)
    for key, one, two in (
        ("reply", asked.reply("a reply"), asked.reply("a reply")),
        ("stream", asked.stream("a ", "stream"), asked.stream("a ", "stream")),
        ("post", Post(asked.ref.channel, "a post"), Post(asked.ref.channel, "a post")),
    ):
        assert await adapter.perform(one, key) == await adapter.perform(two, key)
    assert house.said(house.general) == ["a reply", "a stream", "a post"]


async def test_an_answer_is_taken_up_where_it_was_left(house: House, adapter: DiscordAdapter) -> None:
    asked = Asked(house)
    first = await adapter.perform(asked.reply("long " * 500), "k")
    assert len(first.message_ids) == 2
    second = await adapter.perform(asked.stream("short ", "answer"), "k", first)
    assert second.message_ids == first.message_ids[:1]
    assert house.said(house.general) == ["short answer"]


async def test_an_answer_that_nobody_recorded_is_found_by_what_it_replies_to(
    house: House, adapter: DiscordAdapter
) -> None:
    asked = Asked(house)
    made = await adapter.perform(asked.reply("before the crash"), "k")
    house.lab.settings.nonce_window_s = 0.0  # the nonce is forgotten
    again = await adapter.perform(asked.reply("after the crash"), "k", Receipt())
    assert again == made
    assert house.said(house.general) == ["after the crash"]


async def test_ten_answers_at_once_stay_apart(house: House, adapter: DiscordAdapter) -> None:
    asked = [Asked(house) for _number in range(10)]
    async with asyncio.TaskGroup() as group:
        for number, each in enumerate(asked):
            words = [f"w{number}.{n} " for n in range(20)]
            group.create_task(adapter.perform(each.stream(*words), f"k{number}"))
    expected = ["".join(f"w{number}.{n} " for n in range(20)).strip() for number in range(10)]
    assert sorted(text.strip() for text in house.said(house.general)) == sorted(expected)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_is_said_arrives(house: House, adapter: DiscordAdapter, text: str) -> None:
    receipt = await adapter.perform(Asked(house).reply(text), "k")
    (said,) = house.said(house.general)
    assert len(receipt.message_ids) == 1
    assert said.encode("utf-8")


async def test_a_message_of_ours_is_updated_and_one_that_is_none_is_gone(
    house: House, adapter: DiscordAdapter
) -> None:
    place = house.place(house.general)
    made = await adapter.perform(Post(place, "news"), "post")
    assert await adapter.perform(Update(MessageRef(place, made.message_ids[0]), "newer"), "update") == made
    assert house.said(house.general) == ["newer"]
    for nothing in ("1", "no-such-id", "../../users/@me"):
        with pytest.raises(Gone):
            await adapter.perform(Update(MessageRef(place, nothing), "text"), f"k{nothing}")
