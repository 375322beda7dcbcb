"""Digests of a member's own through the whole bot: what is asked for in a channel comes privately."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.events import Channel
from bot.core.permissions import Role
from tests.living import Life


@pytest.fixture
def life(tmp_path: Path) -> Life:
    life = Life(tmp_path)
    life.world.now = life.clock
    return life


def conversation(life: Life, name: str = "ben") -> Channel:
    return life.world.channel(name, private=True)


async def a_thread(life: Life) -> None:
    """Something worth reading."""
    question = life.world.say(life.person("anna"), life.room, "who has a ladder?")
    life.world.say(life.person("cleo"), life.room, "I do", reply_to=question.ref.id)


async def test_it_comes_privately_once_and_a_press_below_it_ends_it(life: Life) -> None:
    ben, world = life.person("ben"), life.world
    async with life.bot():
        await a_thread(life)
        world.say(ben, life.room, "!llmos digest me daily 9:00 UTC")
        await life.until(lambda: len(world.answers(conversation(life))) == 1)
        assert "every day at 09:00" in world.answers(life.room)[0]
        life.clock.shift = timedelta(days=1)
        (_greeting, card) = await life.answers(2, conversation(life))
        assert "A thread for you" in card
        assert "who has a ladder?" in card
        assert "Stop" in card
        assert len(world.answers(life.room)) == 1
        posted = world.shown(conversation(life))[-1]
        world.react(ben, posted.message.ref, "⏹️")
        await life.until(lambda: "is stopped" in world.answers(conversation(life))[-1])
    async with life.store() as store:
        assert await store.digests.all() == []


async def test_who_takes_no_private_messages_is_told_so_once_and_it_is_switched_off(life: Life) -> None:
    ben, world = life.person("ben"), life.world
    world.member("mia", Role.MODERATOR)
    async with life.bot():
        world.say(ben, life.room, "!llmos digest me daily 9:00 UTC")
        await life.until(lambda: len(world.answers(conversation(life))) == 1)
        world.unreachable.add("ben")
        await a_thread(life)
        life.clock.shift = timedelta(days=1)
        told = (await life.answers(2))[-1]
        assert told.startswith("ben: I cannot write to you privately")
    life.clock.shift = timedelta(days=2)
    async with life.bot():
        question = world.say(life.person("anna"), life.room, "who has a drill?")
        world.say(life.person("cleo"), life.room, "not me", reply_to=question.ref.id)
        world.say(ben, life.room, "!llmos digest me")
        assert "switched off" in (await life.answers(3))[-1]
    assert [each for each in world.acts if "write" in str(each)] == [], "moderators are not told of it"
    async with life.store() as store:
        (digest,) = await store.digests.all()
        assert digest.fate == "shut"


async def test_when_it_is_closed_from_the_start_that_is_told_at_once(life: Life) -> None:
    life.world.unreachable.add("ben")
    async with life.bot():
        life.world.say(life.person("ben"), life.room, "!llmos digest me daily 9:00 UTC")
        answers = await life.answers(2)
    assert "every day at 09:00" in answers[0]
    assert "I cannot write to you privately" in answers[1]
