"""What happened before the bot came is read from the history, once, and goes on where it stopped."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.memory import MemoryAdapter
from bot.adapters.world import World
from bot.core.directory import Past
from bot.core.errors import Forbidden, PlatformError
from bot.core.events import Author, Channel
from bot.recommend import importing
from bot.recommend.importing import Imported, Importing
from bot.recommend.noting import Noting
from bot.recommend.worth import Recommendations
from bot.storage.store import Store
from tests.storage.house import Place


class Town:
    """A world with a past, and what reads it."""

    def __init__(self, store: Store) -> None:
        self.world = World()
        self.store = store
        self.general, self.cellar = self.world.channel("general"), self.world.channel("cellar")
        self.directory = MemoryAdapter(self.world).directory
        self.recommendations = Recommendations(store)
        self.pages: list[str] = []
        self.shut: set[str] = set()
        self.fails_after: int | None = None

    def member(self, name: str) -> Author:
        return self.world.member(name)

    def live(self) -> None:
        """A thread that two like, a question with an answer, and a reaction that was taken back."""
        anna, ben, cleo = map(self.member, ("anna", "ben", "cleo"))
        bees = self.world.open_thread(anna, self.general, "Bees").channel
        first = self.world.say(anna, bees, "about bees")
        question = self.world.say(ben, self.general, "who has seen my umbrella?")
        self.world.say(cleo, self.general, "behind the door", reply_to=question.ref.id)
        for who in (ben, cleo):
            self.world.react(who, first.ref, "👍")
        self.world.react(anna, question.ref, "👍")
        self.world.react(anna, question.ref, "👍", added=False)

    async def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        """The world's own, page by page of two; some places are shut, and sometimes it fails."""
        if channel.id in self.shut:
            raise Forbidden("no history")
        read = int(position or 0)
        while page := await self.world.past(channel, since, read, 2):
            if self.fails_after is not None and len(self.pages) >= self.fails_after:
                raise PlatformError("gone")
            self.pages.append(f"{channel.id}:{read}")
            read += len(page)
            yield Past(page, str(read))  # type: ignore[arg-type]

    async def read(self, *channels: Channel) -> list[Imported]:
        """Everything of the last year."""
        since = self.world.now() - timedelta(days=365)
        reader = Importing(self.store, self, Noting(self.store), self.recommendations)  # type: ignore[arg-type]
        return [told async for told in reader.read(channels or (self.general,), since)]

    async def titles(self, who: str) -> dict[str, int]:
        """What somebody is recommended, and how many are said to have reacted."""
        found = await self.recommendations.for_member(
            self.member(who).identity, self.general.community_key, {self.general.key}, 9, self.world.now()
        )
        return {
            each.thread.title: next((r.members for r in each.reasons if r.cause == "reactions"), 0) or 0
            for each in found
        }


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    place = Place(tmp_path)
    store = await Store.open(place.url, place.key)
    yield Town(store)
    await store.close()


async def test_threads_answers_and_reactions_are_learned_that_still_stand(town: Town) -> None:
    town.live()
    told = await town.read()
    assert await town.titles("dora") == {"Bees": 2, "who has seen my umbrella?": 1}
    assert (told[-1].done, told[-1].of) == (1, 1)
    assert told[-1].events == 6


async def test_progress_is_told_page_by_page(town: Town) -> None:
    town.live()
    told = await town.read(town.general, town.cellar)
    assert [each.events for each in told] == sorted(each.events for each in told)
    assert [each.done for each in told][-1] == 2
    assert len(told) >= 5


async def test_what_was_read_is_not_read_again(town: Town) -> None:
    town.live()
    await town.read()
    town.pages.clear()
    assert (await town.read())[-1].events == 0
    town.live()
    assert (await town.read())[-1].events == 6
    assert town.pages[0] != "general:0"


async def test_after_a_failure_it_goes_on_behind_the_last_page(town: Town) -> None:
    town.live()
    town.fails_after = 2
    with pytest.raises(PlatformError):
        await town.read()
    town.fails_after = None
    await town.read()
    assert town.pages == ["general:0", "general:2", "general:4"]
    assert await town.titles("dora") == {"Bees": 2, "who has seen my umbrella?": 1}


async def test_a_run_is_bounded_and_the_next_one_goes_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_EVENTS", 4)
    town.live()
    assert (await town.read())[-1].cut == 1
    assert (await town.read())[-1].events == 2


async def test_a_channel_that_may_not_be_read_is_left_out(town: Town) -> None:
    town.live()
    town.shut.add("cellar")
    told = (await town.read(town.cellar, town.general))[-1]
    assert (told.left_out, told.done) == (1, 2)
    assert "Bees" in await town.titles("dora")


async def test_nothing_is_learned_of_bots_and_of_who_opted_out(town: Town) -> None:
    robot = town.world.member("robot", is_bot=True)
    await town.store.privacy.opt_out(town.member("ben").identity)
    town.live()
    town.world.open_thread(robot, town.general, "Buy oil")
    await town.read()
    assert await town.titles("dora") == {"Bees": 1}


async def test_the_memory_platform_tells_its_past_in_pages(town: Town) -> None:
    town.live()
    since = town.world.now() - timedelta(days=1)
    pages: Sequence[Past] = [page async for page in town.directory.happened(town.general, since)]
    assert sum(len(page.events) for page in pages) == 6
    behind = [page async for page in town.directory.happened(town.general, since, pages[-1].position)]
    assert behind == []
