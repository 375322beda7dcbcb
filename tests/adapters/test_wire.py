"""A World in another process: everything crosses unchanged, and a broken caller harms nobody else."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.memory import MemoryAdapter
from bot.adapters.wire import RemoteWorld, WorldServer, decode, encode
from bot.adapters.world import World
from bot.core.actions import Delete, Timeout
from bot.core.errors import PlatformError
from bot.core.events import (
    Author,
    Channel,
    Deletion,
    Edit,
    Event,
    Invocation,
    Join,
    Message,
    MessageRef,
    Reaction,
)
from tests.living import PATIENCE_S

WORDS = st.text(st.characters(exclude_categories=()), max_size=30)
TIMES = st.datetimes(timezones=st.just(UTC))
CHANNELS = st.builds(Channel, WORDS, WORDS, WORDS, st.none() | WORDS, st.booleans())
AUTHORS = st.builds(Author, WORDS, WORDS, WORDS, st.booleans())
REFS = st.builds(MessageRef, CHANNELS, WORDS)
MESSAGES = st.builds(Message, REFS, AUTHORS, WORDS, TIMES, st.none() | WORDS, st.none() | WORDS)
ARGUMENTS = st.dictionaries(WORDS, WORDS | st.integers(-(2**53), 2**53) | st.booleans(), max_size=3)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    MESSAGES,
    st.builds(Edit, MESSAGES, WORDS),
    st.builds(Deletion, REFS, TIMES),
    st.builds(Reaction, REFS, AUTHORS, WORDS, st.booleans(), TIMES),
    st.builds(Join, CHANNELS, AUTHORS, TIMES),
    st.builds(
        Invocation, WORDS, CHANNELS, AUTHORS, st.tuples(WORDS, WORDS), TIMES, ARGUMENTS, st.none() | REFS
    ),
)


@pytest.fixture
async def served() -> AsyncIterator[tuple[World, int]]:
    world = World()
    async with WorldServer(world) as port:
        yield world, port


async def raw_call(port: int, request: bytes) -> dict[str, object]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request + b"\n")
    answer: dict[str, object] = json.loads(await reader.readline())
    writer.close()
    return answer


@given(EVENTS)
def test_every_event_crosses_unchanged(event: Event) -> None:
    line = json.dumps(encode([event]))
    assert "\n" not in line
    assert decode(json.loads(line)) == [event]


@given(REFS, WORDS)
def test_acts_cross_unchanged(ref: MessageRef, reason: str) -> None:
    acts = [Delete(ref, reason), Timeout(ref.channel, Author("p", "a", "A"), 1.5, reason)]
    assert decode(json.loads(json.dumps(encode(acts)))) == acts


@pytest.mark.parametrize(
    "request_line",
    [
        b"not json",
        b"[]",
        b"{}",
        b'"text"',
        b'{"call": "head"}',
        b'{"call": "say", "arguments": []}',
        b'{"call": "__init__", "arguments": []}',
        b'{"call": "log", "arguments": []}',
        b'{"call": "head", "arguments": {"type": "Nonsense", "value": 1}}',
        b'{"call": "role", "arguments": [{"type": "Author", "value": 1}]}',
        b"\xff\xfe",
    ],
)
async def test_what_is_not_a_call_is_refused_in_words(served: tuple[World, int], request_line: bytes) -> None:
    _world, port = served
    answer = await raw_call(port, request_line)
    assert answer["error"] == "PlatformError"
    assert answer["text"]
    assert await RemoteWorld(port).head() == 0, "and the next caller is served"


async def test_a_hundred_callers_are_served_at_once(served: tuple[World, int]) -> None:
    world, port = served
    place = world.channel()
    async with asyncio.TaskGroup() as group:
        for n in range(100):
            group.create_task(RemoteWorld(port).send(place, f"text {n}", f"k{n}", None, None))
    assert sorted(world.answers(place)) == sorted(f"text {n}" for n in range(100))


async def test_events_of_a_megabyte_cross(served: tuple[World, int]) -> None:
    world, port = served
    text = "a\0\ud800\u202e你" * 200_000
    world.say(world.member("ann"), world.channel(), text)
    (event,) = await RemoteWorld(port).read(0, 10)
    assert isinstance(event, Message)
    assert event.text == text


async def test_a_caller_that_is_killed_while_it_waits_harms_nobody(served: tuple[World, int]) -> None:
    world, port = served
    script = (
        "import asyncio, sys\n"
        "from bot.adapters.wire import RemoteWorld\n"
        "async def main():\n"
        "    world = RemoteWorld(int(sys.argv[1]))\n"
        "    async with asyncio.TaskGroup() as group:\n"
        "        group.create_task(world.read(0, 1))\n"
        "        await asyncio.sleep(0)\n"
        "        await world.head()\n"
        "        print('waiting', flush=True)\n"
        "asyncio.run(main())\n"
    )
    caller = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(port), stdout=asyncio.subprocess.PIPE
    )
    assert caller.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        assert await caller.stdout.readline() == b"waiting\n"
    caller.kill()
    await caller.wait()
    world.say(world.member("ann"), world.channel(), "hi")
    assert len(await RemoteWorld(port).read(0, 10)) == 1


async def test_a_world_that_ends_while_somebody_waits_ends_the_wait() -> None:
    world = World()
    async with asyncio.TaskGroup() as group:
        async with WorldServer(world) as port:
            reading = group.create_task(_failure(RemoteWorld(port)))
            await RemoteWorld(port).head()
        assert isinstance(await reading, PlatformError)


async def _failure(world: RemoteWorld) -> PlatformError | None:
    try:
        await world.read(0, 1)
    except PlatformError as error:
        return error
    return None


async def test_a_bot_reads_on_where_the_one_before_it_was_killed(served: tuple[World, int]) -> None:
    world, port = served
    ann, place = world.member("ann"), world.channel()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    messages = [world.say(ann, place, str(n), at=at + timedelta(seconds=n)) for n in range(600)]
    seen: list[Event] = []
    cursors = {"world": "0"}
    while len(seen) < 600:
        adapter = MemoryAdapter(RemoteWorld(port))  # a new process for every batch
        batch = await anext(adapter.events(cursors))
        seen += batch.events
        cursors = dict(batch.cursors)
    assert seen == messages
