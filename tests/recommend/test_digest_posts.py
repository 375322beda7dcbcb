"""Digests through the whole bot, with the real recommender: what members see, and what they never see."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.adapters.memory import MemoryAdapter, World
from bot.core.actions import Action, Post, Receipt, Report, Severity, no_report
from bot.core.errors import PlatformError
from bot.core.events import MessageRef
from bot.core.permissions import Role
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Turn
from bot.outgoing.delivering import Attempt, Deliverer
from bot.storage.cases import Case, State
from bot.storage.outbox import OutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.living import PATIENCE_S, Life
from tests.messages import EPOCH
from tests.recommend.village import Village, village


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/llmos.db", tmp_path / "llmos.key")
    yield store
    await store.close()


async def digested(here: Village, posts: int = 1) -> list[str]:
    """Make a digest if there is none, want one now, and read the bot's cards in general."""
    life, mia = here.life, here.life.world.member("mia", Role.MODERATOR)
    if not await here.app.store.digests.all():
        life.world.say(mia, life.room, "!llmos digest add here every monday 9:00 Europe/Berlin")
        await life.until(lambda: any("Next:" in text for text in life.world.answers(life.room)))
    before = len(life.world.answers(life.room))
    life.world.say(mia, life.room, "!llmos digest now 1")
    await life.until(lambda: len(life.world.answers(life.room)) > before + posts)
    return cards(here)


def cards(here: Village) -> list[str]:
    return [text for text in here.life.world.answers(here.life.room) if "worth reading" in text]


async def test_threads_are_shown_with_their_reasons_and_without_names(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        for who in ("ben", "cleo"):
            await here.react(who, here.first(bees))
        (card,) = await digested(here)
        assert "A thread worth reading" in card
        assert f"[**Bees**](memory://{bees.key}/{here.first(bees).id})" in card
        assert "2 members took part" in card
        assert not any(name in card for name in ("anna", "ben", "cleo", "mia"))


async def test_a_thread_is_shown_once_and_then_nothing_is_new(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        await here.thread("anna", "Bees")
        assert len(await digested(here)) == 1
        assert len(await digested(here, posts=0)) == 1
        assert "nothing posted" in here.life.world.answers(here.life.room)[-1]
        await here.thread("anna", "Hives")
        first, second = await digested(here)
        assert "Bees" in first
        assert "Bees" not in second


async def test_what_not_everybody_may_read_is_shown_to_nobody(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        world = here.life.world
        secret = world.channel("secret")
        world.close_to_all_but(secret, here.life.person("anna"))
        await here.thread("anna", "Hidden plans", room="secret")
        inside = await here.thread("anna", "Whispers")
        world.close_to_all_but(inside, here.life.person("anna"))
        await here.thread("anna", "Bees", room="garden")
        (card,) = await digested(here)
        assert "Bees" in card
        assert "Hidden plans" not in card
        assert "Whispers" not in card


@pytest.mark.parametrize(("state", "did"), [("open", ()), ("upheld", ("delete",)), ("done", ("hide",))])
async def test_what_moderation_removed_or_queued_is_not_shown(
    tmp_path: Path, state: State, did: tuple[str, ...]
) -> None:
    async with village(tmp_path) as here:
        bad, _good = await here.thread("anna", "Buy watches"), await here.thread("anna", "Bees")
        await judge(here, here.first(bad), state, did)
        (card,) = await digested(here)
        assert "Bees" in card
        assert "watches" not in card


async def judge(here: Village, message: MessageRef, state: State, did: tuple[str, ...]) -> None:
    store = here.app.store
    case = Case(
        number=store.cases.next_number(),
        community=message.channel.community_key,
        message=message,
        author=here.life.person("anna"),
        text="",
        rule="spam",
        version=1,
        severity=Severity.QUEUE,
        shadow=False,
        at=here.life.clock(),
        state=state,
        did=did,  # type: ignore[arg-type]
    )
    await store.settle(Settlement(cases=(case,)))


async def test_a_thread_whose_opening_was_deleted_is_not_shown(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        gone, _stays = await here.thread("anna", "Regrets"), await here.thread("anna", "Bees")
        here.life.world.delete(here.first(gone))
        await here.settled()
        (card,) = await digested(here)
        assert "Regrets" not in card


async def test_it_comes_by_itself_at_its_time_and_only_with_something_new(tmp_path: Path) -> None:
    """A bot that wakes up on three Mondays; in the second week nothing happened."""
    life = Life(tmp_path)
    life.world.now = life.clock
    async with village(tmp_path, life) as here:
        await here.thread("anna", "Bees")
        mia = life.world.member("mia", Role.MODERATOR)
        life.world.say(mia, life.room, "!llmos digest add here every monday 9:00 Europe/Berlin")
        await life.until(lambda: any("Next:" in text for text in life.world.answers(life.room)))
    sleep_until_monday(life)
    async with village(tmp_path, life) as here:
        await life.until(lambda: len(cards(here)) == 1)
    sleep_until_monday(life)
    async with village(tmp_path, life) as here:
        await decided(here)
        assert len(cards(here)) == 1
        await here.thread("ben", "Hives")
    sleep_until_monday(life)
    async with village(tmp_path, life) as here:
        await life.until(lambda: len(cards(here)) == 2)
        assert "Hives" in cards(here)[1]


def sleep_until_monday(life: Life, at: time = time(12, tzinfo=UTC)) -> None:
    """Nobody is awake until noon, or another time, of the next Monday."""
    now = life.clock()
    day = now.astimezone(at.tzinfo).date() + timedelta(days=7 - now.astimezone(at.tzinfo).weekday())
    life.clock.shift += datetime.combine(day, at) - now


async def decided(here: Village) -> None:
    """Wait for a slot that leads to nothing: nobody sees that but the list."""
    mia = here.life.world.member("mia", Role.MODERATOR)
    texts: list[str] = []
    while not any("nothing posted" in text for text in texts):
        before = len(here.life.world.answers(here.life.room))
        here.life.world.say(mia, here.life.room, "!llmos digest list")
        texts = (await here.life.answers(before + 1))[before:]


async def test_reactions_below_a_digest_are_votes_and_a_moderator_ends_it_with_one(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        await digested(here)
        world, room = here.life.world, here.life.room
        card = next(each for each in world.shown(room) if "worth reading" in each.text)
        assert "React with: 👍 More like this · 👎 Less like this · 🙈 Hide · ⏹️ Stop" in card.text
        await here.react("ben", card.message.ref, "👍")
        world.say(world.member("mia", Role.MODERATOR), room, "!llmos digest stats")
        await here.life.until(lambda: any("👍 1 · 👎 0" in text for text in world.answers(room)))
        assert await here.reacted() == {"Bees": 1}
        assert bees.thread is not None
        await here.react("ben", card.message.ref, "🙈")
        assert card in world.shown(room), "ben may not"
        world.react(world.member("mia", Role.MODERATOR), card.message.ref, "🙈")
        await here.life.until(lambda: card not in world.shown(room))


class Down(MemoryAdapter):
    """A platform that is down for so many attempts."""

    left = 30

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        self.left -= 1
        if self.left >= 0:
            raise PlatformError("down")
        return await super().perform(action, key, resume, report)


@pytest.mark.parametrize(("title", "arrives"), [("A card", True), (None, False)])
async def test_a_card_waits_out_a_platform_that_is_down_and_talk_does_not(
    store: Store, title: str | None, arrives: bool
) -> None:
    world = World()
    place = world.channel("general")
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    deliverer = Deliverer(store, {"memory": Down(world)}, sleep)
    row = OutboxRow("k", place, None, Post(place, "threads", title), Receipt(), EPOCH, 0)
    await deliverer.perform(Post(place, "threads", title), Attempt(row))
    assert len(world.answers(place)) == arrives
    assert (sum(pauses) > 3_600) == arrives


async def test_shortly_before_its_time_the_bot_asks_for_lines_and_posts_nothing(tmp_path: Path) -> None:
    asked = asyncio.Event()

    def introduces(turns: Sequence[Turn]) -> Script:
        asked.set()
        return Script("All about Bees.")

    life = Life(tmp_path, model=EchoModel(introduces))
    life.world.now = life.clock
    async with village(tmp_path, life) as here:
        await here.thread("anna", "Bees")
        await here.app.store.policies.set(life.room.key, "introductions", "on")
        mia = life.world.member("mia", Role.MODERATOR)
        life.world.say(mia, life.room, "!llmos digest add here every monday 9:00 Europe/Berlin")
        await life.until(lambda: any("Next:" in text for text in life.world.answers(life.room)))
        assert life.model.asked == []
    sleep_until_monday(life, time(8, 55, tzinfo=ZoneInfo("Europe/Berlin")))
    async with village(tmp_path, life) as here:
        async with asyncio.timeout(PATIENCE_S):
            await asked.wait()
        assert cards(here) == []
