"""What arrives encrypted is read before it is decided, waited for when its key is late, and never kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot import opening
from bot.adapters.adapter import Batch, Cursors
from bot.app import App, opened
from bot.core.actions import Alert
from bot.core.errors import Forbidden, Gone, Locked, PlatformError
from bot.core.events import Encrypted, Message, Readable
from bot.storage.codec import decode_event, encode_event
from bot.storage.store import Store
from tests.living import Announcing, Life


class Sealed(Announcing):
    """A platform where messages arrive encrypted; `keys` lets the bot read them."""

    def __init__(self, life: Life, *, keys: bool = True) -> None:
        super().__init__(life.world)
        self.keys = asyncio.Event()
        self.fault: Exception | None = None
        self.asked: list[Encrypted] = []
        if keys:
            self.keys.set()

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        async for batch in super().events(since):
            yield replace(
                batch, events=tuple(_sealed(e) if isinstance(e, Message) else e for e in batch.events)
            )

    async def open(self, event: Encrypted) -> Readable | None:
        self.asked.append(event)
        if self.fault is not None:
            raise self.fault
        if not self.keys.is_set():
            raise Locked("no key")
        found = decode_event(event.raw)
        assert isinstance(found, Message)
        return None if found.text == "nothing" else found


def _sealed(message: Message) -> Encrypted:
    channel = replace(message.ref.channel, encrypted=True)
    inner = replace(message, ref=replace(message.ref, channel=channel))
    return Encrypted(channel, message.author, message.ref.id, message.at, encode_event(inner))


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


@asynccontextmanager
async def living(life: Life, adapter: Sealed) -> AsyncIterator[App]:
    made = opened(life.config, [adapter], models={life.model.name: life.model})
    async with made as app, life.living(app, adapter):
        yield app


def alerts(life: Life) -> list[str]:
    return [act.text for act in life.world.acts if isinstance(act, Alert) and "cannot read" in act.text]


async def asked(adapter: Sealed, count: int) -> None:
    async with asyncio.timeout(10):
        while len(adapter.asked) < count:  # noqa: ASYNC110 - the pipeline tells nobody
            await asyncio.sleep(0.01)


async def pending(store: Store, count: int) -> None:
    async with asyncio.timeout(10):
        while len(await store.inbox.pending("memory")) != count:  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.01)


async def test_an_encrypted_question_is_answered(life: Life) -> None:
    async with living(life, Sealed(life)) as app:
        life.world.say(life.person("anna"), life.room, "@llmos hello there")
        await life.until(lambda: life.world.answers(life.room) == ["hello there"])
        await pending(app.store, 0)


async def test_what_the_core_has_no_word_for_is_done_with(life: Life) -> None:
    async with living(life, Sealed(life)) as app:
        life.world.say(life.person("anna"), life.room, "nothing")
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.answers(1)
        await pending(app.store, 0)


async def test_a_key_that_comes_late_is_waited_for_and_holds_up_nobody(life: Life) -> None:
    adapter = Sealed(life, keys=False)
    async with living(life, adapter) as app:
        life.world.say(life.person("anna"), life.room, "@llmos first")
        await asked(adapter, 2)  # tried again by itself
        await pending(app.store, 1)
        adapter.keys.set()
        life.world.say(life.person("ben"), life.room, "@llmos second")
        assert sorted(await life.answers(2)) == ["first", "second"]
        await pending(app.store, 0)


async def test_what_is_deleted_before_its_key_comes_is_never_answered(life: Life) -> None:
    adapter = Sealed(life, keys=False)
    async with living(life, adapter) as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos first")
        await asked(adapter, 1)
        life.world.delete(question.ref)
        adapter.keys.set()
        await pending(app.store, 0)
        life.world.say(life.person("ben"), life.room, "@llmos second")
        assert await life.answers(1) == ["second"]


async def test_what_could_not_be_read_yet_survives_a_kill(life: Life) -> None:
    locked = Sealed(life, keys=False)
    async with living(life, locked) as app:
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await asked(locked, 1)
        await pending(app.store, 1)
    async with living(life, Sealed(life)):
        assert await life.answers(1) == ["hello"]


async def test_a_fault_of_the_platform_is_no_missing_key(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MOST_LOCKED", 0)  # a missing key would be given up at once
    adapter = Sealed(life)
    adapter.fault = PlatformError("the homeserver is down")
    async with living(life, adapter):
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await asked(adapter, 2)
        adapter.fault = None
        assert await life.answers(1) == ["hello"]


@pytest.mark.parametrize("fault", [Forbidden("we left"), Gone("no such room"), ValueError("a fault of ours")])
async def test_what_nobody_will_ever_read_is_done_with_and_the_next_is_read(
    life: Life, fault: Exception
) -> None:
    adapter = Sealed(life)
    adapter.fault = fault
    async with living(life, adapter) as app:
        life.world.say(life.person("anna"), life.room, "@llmos first")
        await asked(adapter, 1)
        await pending(app.store, 0)
        adapter.fault = None
        life.world.say(life.person("anna"), life.room, "@llmos second")
        assert await life.answers(1) == ["second"]


async def test_moderators_are_told_once_that_a_room_cannot_be_read(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MOST_LOCKED", 0)
    for _process in range(2):
        adapter = Sealed(life, keys=False)
        async with living(life, adapter) as app:
            for number in range(3):
                unread = life.world.say(life.person("anna"), life.room, f"@llmos question {number}")
            await asked(adapter, 3)
            await life.until(lambda: bool(alerts(life)))
            await pending(app.store, 0)
            assert await app.store.messages.outcome(unread.ref) == "unreadable"
    assert len(alerts(life)) == 1


async def test_what_was_said_there_ends_with_the_process_that_heard_it(life: Life) -> None:
    async with living(life, Sealed(life)) as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos a secret")
        await life.answers(1)
        answer = life.world.shown(life.room)[-1].message
        await pending(app.store, 0)
        async with asyncio.timeout(10):
            while await app.store.outbox.unfinished("memory"):  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.01)
        heard = await app.store.messages.get(question.ref)
        assert heard is not None
        assert heard.text == "a secret"
        assert (await app.store.privacy.export(question.author.identity))["kept"]
    async with life.store() as store:
        assert await store.messages.get(question.ref) is None
        assert await store.messages.get(answer.ref) is None
        assert await store.messages.outcome(question.ref) == "answered"
        kept = await store.privacy.export(question.author.identity)
        assert "a secret" not in str(kept)
