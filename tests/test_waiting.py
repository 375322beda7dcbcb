"""Moderation that lacks a permission: told once, not tried again in vain, done once it is allowed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.adapter import Batch, Cursors
from bot.adapters.memory import MemoryAdapter
from bot.adapters.world import Act, World
from bot.app import opened
from bot.core.actions import Alert, Delete
from bot.core.errors import Forbidden
from bot.core.events import Message
from bot.moderation.judge import Judge
from tests.living import Life
from tests.strict import BAN_ME, NO_SHOUTING


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path, rules=(NO_SHOUTING, BAN_ME))


def alerts(life: Life) -> list[str]:
    return [act.text for act in life.world.acts if isinstance(act, Alert)]


def shouts(life: Life, count: int = 1) -> list[Message]:
    return [life.world.say(life.person("anna"), life.room, f"LOUD {n}") for n in range(count)]


def standing(life: Life) -> list[str]:
    return [posted.text for posted in life.world.shown(life.room)]


async def waiting(life: Life, count: int) -> None:
    """Wait until the database knows of so many actions that wait."""
    async with life.store() as store, asyncio.timeout(10):
        while True:
            rows = await store.outbox.unfinished(life.world.platform)
            if sum(row.waiting_since is not None for row in rows) == count == len(rows):
                return
            await asyncio.sleep(0.005)  # a database tells nobody


async def test_a_missing_permission_is_asked_for_once_and_told_once(life: Life) -> None:
    life.world.take_away(life.room, "manage messages")
    async with life.bot():
        shouts(life, 20)
        await waiting(life, 20)
        await life.until(lambda: bool(alerts(life)))
    (told,) = alerts(life)
    assert "“manage messages” in #general" in told
    assert "delete a message" in told
    assert life.world.refusals == 1


async def test_when_the_permission_is_given_everything_is_done_once(life: Life) -> None:
    life.world.take_away(life.room, "manage messages")
    async with life.bot():
        said = shouts(life, 5)
        await waiting(life, 5)
        life.world.take_away(life.room)
        await life.until(lambda: not standing(life))
        await waiting(life, 0)
    deleted = [act.ref for act in life.world.acts if isinstance(act, Delete)]
    assert sorted(ref.id for ref in deleted) == sorted(message.ref.id for message in said)
    assert life.world.refusals == 1
    assert len(alerts(life)) == 1


async def test_a_permission_taken_away_again_is_told_again(life: Life) -> None:
    async with life.bot():
        for count in (1, 2):
            life.world.take_away(life.room, "manage messages")
            shouts(life)
            await waiting(life, 1)
            life.world.take_away(life.room)
            await life.until(lambda: not standing(life))
            await waiting(life, 0)
            assert len(alerts(life)) == count


async def test_after_a_restart_nothing_is_told_or_tried_again_in_vain(life: Life) -> None:
    life.world.take_away(life.room, "manage messages")
    async with life.bot():
        shouts(life, 3)
        await waiting(life, 3)
        await life.until(lambda: bool(alerts(life)))
    for _start in range(3):
        async with life.bot():
            life.world.say(life.person("anna"), life.room, "@llmos are you there?")
            await life.until(lambda: "are you there?" in life.world.answers(life.room))
            shouts(life)
            await waiting(life, 4 + _start)
    assert life.world.refusals == 1
    assert len(alerts(life)) == 1
    async with life.bot():
        life.world.take_away(life.room)
        await life.until(lambda: not any(text.startswith("LOUD") for text in standing(life)))


async def test_kinds_and_places_are_told_apart(life: Life) -> None:
    other = life.world.channel("other")
    life.world.take_away(life.room, "manage messages", "ban members")
    life.world.take_away(other, "manage messages")
    async with life.bot():
        shouts(life, 2)
        life.world.say(life.person("anna"), life.room, "ban me")
        life.world.say(life.person("ben"), other, "LOUD")
        await waiting(life, 5)
        await life.until(lambda: len(alerts(life)) == 3)
    assert sum("ban anna" in text for text in alerts(life)) == 1
    assert sum("#other" in text for text in alerts(life)) == 1
    assert life.world.refusals == 3


async def test_after_a_day_it_is_given_up_with_one_line(life: Life) -> None:
    life.world.take_away(life.room, "manage messages")
    async with life.bot():
        shouts(life, 7)
        await waiting(life, 7)
        await life.until(lambda: len(alerts(life)) == 1)
        life.clock.shift = timedelta(hours=23, minutes=59)
        life.world.take_away(life.room, "manage messages")
        await waiting(life, 7)
        life.clock.shift = timedelta(hours=24, minutes=1)
        life.world.take_away(life.room, "manage messages")
        await waiting(life, 0)
        await life.until(lambda: len(alerts(life)) == 2)
        life.clock.shift = timedelta()
        life.world.take_away(life.room)
        life.world.say(life.person("anna"), life.room, "@llmos still here?")
        await life.until(lambda: "still here?" in life.world.answers(life.room))
    assert "7 in all" in alerts(life)[1]
    assert len([text for text in standing(life) if text.startswith("LOUD")]) == 7
    assert life.world.refusals == 1


class Opaque(World):
    """Refuses to delete, and nothing that the bot can look at says why."""

    closed = True

    async def act(self, action: Act, key: str) -> None:
        if isinstance(action, Delete) and self.closed:
            self.refusals += 1
            raise Forbidden("50013: Missing Permissions")
        await super().act(action, key)


async def test_a_refusal_that_nothing_explains_is_tried_again_seldom(life: Life) -> None:
    life.world = world = Opaque()
    async with life.bot():
        shouts(life, 10)
        await waiting(life, 10)
        assert world.refusals == 1, "one attempt for all ten"
        for minutes, refusals in ((0.5, 1), (1.1, 2), (2.5, 2), (3.5, 3)):
            life.clock.shift = timedelta(minutes=minutes)
            world.take_away(life.room)  # something changed, and does not help
            await looked(life)
            assert world.refusals == refusals, minutes
        life.clock.shift, world.closed = timedelta(minutes=8), False
        world.take_away(life.room)
        await life.until(lambda: not any(text.startswith("LOUD") for text in standing(life)))
        await waiting(life, 0)
    assert len([act for act in world.acts if isinstance(act, Delete)]) == 10
    (told,) = alerts(life)
    assert "50013: Missing Permissions" in told


async def looked(life: Life) -> None:
    """Wait until the bot has dealt with what it was told before."""
    count = len(life.world.answers(life.room)) + 1
    life.world.say(life.person(f"member{count}"), life.room, f"@llmos number {count}")
    await life.until(lambda: f"number {count}" in life.world.answers(life.room))


async def test_words_that_may_not_be_said_are_dropped_and_told_once_also_after_a_restart(life: Life) -> None:
    for _start in range(2):
        async with life.bot():
            for number in range(2):
                life.world.faults.refuse = [Forbidden("“send messages” in #general")] * 2
                question = life.world.say(life.person("anna"), life.room, f"@llmos hello {_start}{number}")
                async with life.store() as store, asyncio.timeout(10):
                    while await store.messages.outcome(question.ref) != "failed:undeliverable":  # noqa: ASYNC110
                        await asyncio.sleep(0.005)  # a database tells nobody
                life.world.faults.refuse = []
            await life.until(lambda: len(alerts(life)) == 1)
    assert life.world.answers(life.room) == []


async def test_what_waits_keeps_no_bot_from_ending(life: Life) -> None:
    life.world.take_away(life.room, "manage messages")
    loud = life.world.say(life.person("anna"), life.room, "LOUD")

    class Ends(MemoryAdapter):
        async def events(self, since: Cursors) -> AsyncIterator[Batch]:
            yield Batch((loud,), {"world": "1"})

    made = opened(life.config, [Ends(life.world)], models={"echo": life.model}, judge=Judge(life.rules))
    async with made as app, asyncio.timeout(10):
        await app.run()
    await waiting(life, 1)
