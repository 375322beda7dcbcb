"""What waits already is told together, in order, and waits for nothing that has to be asked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.adapters.adapter import Batch
from bot.adapters.discord.calls import Calls
from bot.adapters.discord.decoding import Ourselves
from bot.adapters.discord.gaps import START
from bot.adapters.discord.listening import MOST_TOGETHER, Ear
from bot.adapters.discord.places import Places
from bot.adapters.reading import Json
from bot.core.events import Message

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GUILD = "7"


class Silent(Calls):
    """A Discord that answers no question before it is told to."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()

    async def channel(self, channel_id: str) -> Json:
        await self.answers.wait()
        return {"id": channel_id, "guild_id": GUILD, "type": 0}


class Room:
    """An ear in a guild whose channels "1" and "2" it knows."""

    def __init__(self) -> None:
        self.calls = Silent()
        self.places = Places(self.calls)
        for channel_id in ("1", "2"):
            self.places.learn({"id": channel_id, "type": 0}, GUILD)
        self.ear = Ear(self.calls, self.places, Ourselves("42"), lambda: NOW)

    def say(self, channel_id: str, number: int, author: str = "100") -> None:
        about = {"id": str(number), "channel_id": channel_id, "guild_id": GUILD, "type": 0}
        self.ear.hear("MESSAGE_CREATE", {**about, "content": str(number), "author": {"id": author}})

    def batches(self) -> AsyncIterator[Batch]:
        return self.ear.batches({START: "1"})


def said(batch: Batch) -> list[str]:
    return [each.text for each in batch.events if isinstance(each, Message)]


async def test_what_waits_comes_together_in_order_with_the_last_cursor_of_each_channel() -> None:
    room = Room()
    for number in range(10, 610):
        room.say("1" if number % 2 else "2", number)
    batches = room.batches()
    found = [await anext(batches) for _batch in range(3)]
    assert [len(batch.events) for batch in found] == [MOST_TOGETHER, MOST_TOGETHER, 600 - 2 * MOST_TOGETHER]
    assert [text for batch in found for text in said(batch)] == [str(number) for number in range(10, 610)]
    assert found[-1].cursors == {"1": "609", "2": "608"}


async def test_our_own_messages_move_the_cursor_although_they_are_no_events() -> None:
    room = Room()
    room.say("1", 10, author="42")
    batch = await anext(room.batches())
    assert batch == Batch((), {"1": "10"})


async def test_what_is_known_does_not_wait_for_what_has_to_be_asked() -> None:
    room = Room()
    for channel_id, number in (("1", 10), ("2", 11), ("3", 12), ("1", 13)):
        room.say(channel_id, number)
    batches = room.batches()
    assert said(await anext(batches)) == ["10", "11"]
    room.calls.answers.set()
    assert said(await anext(batches)) == ["12", "13"]


async def test_what_came_before_the_end_is_told_before_it() -> None:
    room = Room()
    room.say("1", 10)
    room.ear.broken(ConnectionError())
    batches = room.batches()
    assert said(await anext(batches)) == ["10"]
    with pytest.raises(ConnectionError):
        await anext(batches)
