"""The in-process platform behaves like a real one, near and through the wire."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.memory import MemoryAdapter, Server, World
from bot.adapters.pacing import Window
from bot.adapters.wire import RemoteWorld, WorldServer, decode, encode
from bot.adapters.world import Act
from bot.core.actions import Alert, Ban, Delete, Hide, Kick, Post, React, Reply, Timeout, Update
from bot.core.errors import Forbidden, Gone, PlatformError, RateLimited, TooBig
from bot.core.events import Event, MessageRef
from bot.core.permissions import Role
from tests.living import PATIENCE_S


@pytest.fixture(params=["near", "remote"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[tuple[World, Server]]:
    world = World()
    async with WorldServer(world) as port:
        yield world, world if request.param == "near" else RemoteWorld(port)


Served = tuple[World, Server]


def everything(world: World) -> list[Event]:
    """One event of each kind."""
    place, ann, bob = world.channel(), world.member("ann"), world.member("bob", Role.MODERATOR)
    message = world.say(ann, place, "hi @llmos, 你好 👩‍👩‍👧 \0", locale="zh-CN")
    world.edit(message, "hello")
    world.react(bob, message.ref, "👍")
    world.open_thread(bob, place, "A thread")
    world.join(world.member("eve"), place)
    world.invoke(ann, place, "privacy", "show", arguments={"n": 3, "all": True}, target=message.ref)
    world.delete(message.ref)
    return world.log


async def test_every_event_can_be_read_again_from_any_cursor(served: Served) -> None:
    world, server = served
    log = everything(world)
    assert await server.head() == len(log) == 7
    for cursor in range(7):
        assert list(await server.read(cursor, 3)) == log[cursor : cursor + 3]


async def test_reading_waits_for_the_next_event(served: Served) -> None:
    world, server = served
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(server.read(0, 10))
        await asyncio.sleep(0)
        world.say(world.member("ann"), world.channel(), "hi")
    assert list(reading.result()) == world.log


async def test_a_repeated_key_finds_the_same_message_and_acts_once(served: Served) -> None:
    world, server = served
    place, ann = world.channel(), world.member("ann")
    first = await server.send(place, "hello", "key", None, None)
    assert await server.send(place, "hello again", "key", None, None) == first
    assert await server.find("key") == first
    assert await server.find("other") is None
    await server.act(Ban(place, ann, "spam"), "ban")
    await server.act(Ban(place, ann, "spam"), "ban")
    assert world.acts == [Ban(place, ann, "spam")]
    assert not world.may_write(ann)


async def test_errors_keep_their_kind(served: Served) -> None:
    world, server = served
    message = world.say(world.member("ann"), world.channel(), "hi")
    with pytest.raises(Gone):
        await server.rewrite(MessageRef(message.ref.channel, "99"), "text")
    with pytest.raises(Forbidden):
        await server.rewrite(message.ref, "text")
    world.faults.refuse = [RateLimited(2.5), PlatformError("502")]
    with pytest.raises(RateLimited) as refusal:
        await server.send(message.ref.channel, "text", "k", None, None)
    assert refusal.value.retry_after_s == 2.5
    with pytest.raises(PlatformError, match="502"):
        await server.send(message.ref.channel, "text", "k", None, None)
    with pytest.raises(PlatformError, match="1 to 2000 characters"):
        await server.send(message.ref.channel, "x" * 2001, "k", None, None)


async def test_a_lost_answer_comes_after_the_deed(served: Served) -> None:
    world, server = served
    world.faults.lose_answers = 1.0
    with pytest.raises(PlatformError, match="broke"):
        await server.send(world.channel(), "hello", "key", None, None)
    assert world.answers(world.channel()) == ["hello"]


async def test_a_rate_limit_can_be_switched_on(served: Served) -> None:
    world, server = served
    world.faults.limit = lambda: Window(2, 60)
    await server.send(world.channel(), "one", "1", None, None)
    await server.send(world.channel(), "two", "2", None, None)
    with pytest.raises(RateLimited):
        await server.send(world.channel(), "three", "3", None, None)
    await server.send(world.channel("other"), "three", "3", None, None)


async def test_the_directory_tells_what_holds_now(served: Served) -> None:
    world, server = served
    directory = MemoryAdapter(server).directory
    ann, bob = world.member("ann"), world.member("bob", Role.MODERATOR)
    general, staff = world.channel(), world.channel("staff")
    world.channel("dm", private=True)
    world.close_to_all_but(staff, bob)
    assert await directory.role(bob, general) is Role.MODERATOR
    assert await directory.role(ann, general) is Role.MEMBER
    assert await directory.role(bob, world.channel("x", community="elsewhere")) is Role.MEMBER
    assert await directory.readable_channels(ann, "town") == [general]
    assert await directory.readable_channels(bob, "town") == [general, staff]
    hidden = world.open_thread(bob, staff, "Plans")
    await server.begin_thread(general, "Party", "k", world.say(ann, general, "When?").ref.id)
    assert [title for _place, title in await directory.threads(ann, "town")] == ["Party"]
    assert [title for _place, title in await directory.threads(bob, "town")] == ["Party", "Plans"]
    assert await directory.place(ann, "town", "general") == general
    assert await directory.place(ann, "town", "staff") is None
    assert await directory.place(ann, "town", hidden.channel.thread or "") is None
    assert await directory.place(bob, "town", hidden.channel.thread or "") == hidden.channel
    assert await directory.place(bob, "elsewhere", "general") is None
    assert await directory.shared_with(staff) == [general, staff]
    world.lacking[staff.key] = ("send messages",)
    assert list(await directory.missing_permissions(staff)) == ["send messages"]
    assert await directory.link(general, "1") == "memory://memory/town/general/1"


async def test_history_is_what_stands_since_a_time_oldest_first(served: Served) -> None:
    world, server = served
    start = datetime(2026, 1, 1, tzinfo=UTC)
    ann, place = world.member("ann"), world.channel()
    messages = [world.say(ann, place, str(n), at=start + timedelta(minutes=n)) for n in range(250)]
    world.delete(messages[240].ref)
    history = [
        m.text async for m in MemoryAdapter(server).directory.history(place, start + timedelta(minutes=9))
    ]
    assert history == [str(n) for n in range(10, 250) if n != 240]


async def test_moderation_shows_in_the_world(served: Served) -> None:
    world, server = served
    adapter = MemoryAdapter(server)
    ann, place = world.member("ann"), world.channel()
    one, two = world.say(ann, place, "one"), world.say(ann, place, "two")
    acts: list[Act] = [
        React(one.ref, "👀"), Hide(one.ref, "rude"), Delete(two.ref, "spam"), Timeout(place, ann, 60, "spam"),
        Kick(place, ann, "spam"), Alert(place, "look"),
    ]  # fmt: skip
    for number, act in enumerate(acts):
        await adapter.perform(act, str(number))
    assert world.acts == acts
    assert world.shown(place) == []
    assert ("bot", "👀") in world.messages[one.ref].reactions
    assert not world.may_write(ann)
    assert [type(event).__name__ for event in world.log] == ["Message", "Message", "Deletion"]


async def test_posts_updates_and_private_replies_arrive(served: Served) -> None:
    world, server = served
    adapter = MemoryAdapter(server)
    ann, place = world.member("ann"), world.channel()
    question = world.say(ann, place, "?")
    made = await adapter.perform(Post(place, "news"), "post")
    await adapter.perform(Update(MessageRef(place, made.message_ids[0]), "newer"), "update")
    await adapter.perform(Reply(question.ref, ann, "psst", private=True), "reply")
    assert world.answers(place) == ["newer", "psst"]
    assert [p.private_to for p in world.shown(place)] == [None, None, "ann"]


@pytest.mark.parametrize(
    ("text", "addressed"),
    [("@llmos why?", "why?"), ("hey @llmos: why?", "hey why?"), ("why?", None), ("@llmosx", None)],
)
async def test_a_mention_addresses_the_bot_and_is_removed(text: str, addressed: str | None) -> None:
    world = World()
    assert world.say(world.member("ann"), world.channel(), text).addressed == addressed


async def test_everything_is_addressed_in_private() -> None:
    world = World()
    assert world.say(world.member("ann"), world.channel("dm", private=True), "hi").addressed == "hi"


async def test_what_crosses_the_wire_comes_back_equal() -> None:
    world = World()
    for event in everything(world):
        assert decode(encode(event)) == event


async def test_a_bot_in_another_process_reaches_the_world() -> None:
    world = World()
    script = (
        "import asyncio, sys\n"
        "from bot.adapters.wire import RemoteWorld\n"
        "async def main():\n"
        "    world = RemoteWorld(int(sys.argv[1]))\n"
        "    (message,) = await world.read(0, 1)\n"
        "    await world.send(message.ref.channel, 'pong', 'k', message.ref.id, None)\n"
        "asyncio.run(main())\n"
    )
    async with WorldServer(world) as port:
        bot = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(port))
        world.say(world.member("ann"), world.channel(), "ping")
        async with asyncio.timeout(PATIENCE_S):
            assert await bot.wait() == 0
    assert world.answers(world.channel()) == ["pong"]


async def test_a_world_that_is_gone_is_a_platform_error() -> None:
    async with WorldServer(World()) as port:
        pass
    with pytest.raises(PlatformError, match="does not answer"):
        await RemoteWorld(port).head()


async def test_five_thousand_events_a_second_pass_in_process() -> None:
    world = World()
    adapter, ann, place = MemoryAdapter(world), world.member("ann"), world.channel()
    events = adapter.events({"world": "0"})
    start = time.process_time()
    for number in range(10_000):
        world.say(ann, place, f"message {number}")
    seen = 0
    while seen < 10_000:
        seen += len((await anext(events)).events)
    assert time.process_time() - start < 2


async def test_files_are_told_and_given_as_long_as_they_stand(served: Served) -> None:
    world, server = served
    anything = bytes(range(256))
    said = world.say(world.member("ann"), world.channel(), "", files=[("a.bin", anything), ("b.md", b"b")])
    assert list(await server.attached(said.ref)) == list(said.attachments)
    assert [(each.name, each.content_type, each.size_bytes) for each in said.attachments] == [
        ("a.bin", "application/octet-stream", 256),
        ("b.md", "text/markdown", 1),
    ]
    adapter, (first, second) = MemoryAdapter(server), said.attachments
    assert await adapter.fetch(first, 256) == anything
    with pytest.raises(TooBig):
        await adapter.fetch(first, 255)
    world.faults.refuse_files = [Gone("for once")]
    with pytest.raises(Gone):
        await adapter.fetch(second, 1)
    assert await adapter.fetch(second, 1) == b"b"
    world.edit(said, "without", (second,))
    assert list(await adapter.attached(said.ref)) == [second]
    world.delete(said.ref)
    with pytest.raises(Gone):
        await adapter.attached(said.ref)
