"""What compares meanings is loaded when there is something to search, and reads what was added without it."""

import asyncio
from collections.abc import Sequence
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.knowledge import waking
from bot.knowledge.index import Embedding, Index
from bot.knowledge.search import Search
from bot.knowledge.waking import Waking
from bot.storage.passages import COMMON
from bot.storage.store import Store
from tests.knowledge.conftest import Topics, document
from tests.messages import EPOCH

CATS, BOATS = document("cats", "A kitten sleeps all day."), document("boats", "The ship sank.")


class Counted:
    """Makes an embedder, and counts how often."""

    def __init__(self) -> None:
        self.loads = 0

    def __call__(self) -> Embedding:
        self.loads += 1
        return Topics()


async def found(index: Index, waking: Waking, question: str) -> list[str]:
    search = Search(index, waking.ready)
    findings = await search.find(await search.query(question), "discord/1", EPOCH)
    return [finding.passage.document for finding in findings]


async def test_the_first_question_loads_it_once_and_what_was_there_gets_vectors(index: Index) -> None:
    await index.add(COMMON, [CATS, BOATS])
    load = Counted()
    waking = Waking(index, load)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(waking.run())
        await found(index, waking, "kitten")
        await running
    assert load.loads == 1
    assert len(index) == 2
    assert index.embedder is not None
    assert (await found(index, waking, "feline"))[0] == "cats"
    assert load.loads == 1


async def test_until_all_have_vectors_words_alone_are_compared(index: Index) -> None:
    """Else the few that have one would come first."""
    await index.add(COMMON, [CATS, BOATS])
    seen: list[Embedding | None] = []

    class Watching(Topics):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            seen.append(index.embedder)
            return super().embed(texts)

    watching = Watching()
    assert await index.understand(watching) == 2
    assert seen == [None]
    assert index.embedder is watching


async def test_nothing_is_loaded_before_somebody_asks(index: Index) -> None:
    load = Counted()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(Waking(index, load).run())
        await index.add(COMMON, [CATS])
        running.cancel()
    assert load.loads == 0


async def test_without_a_model_nobody_waits(index: Index) -> None:
    waking = Waking(index, None)
    await waking.run()
    await index.add(COMMON, [CATS])
    assert await found(index, waking, "kitten") == ["cats"]


async def test_a_model_that_is_not_here_leaves_the_words(index: Index) -> None:
    waking = Waking(index, lambda: None)
    await index.add(COMMON, [CATS])
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(waking.run())
        assert await found(index, waking, "kitten") == ["cats"]


async def test_a_question_does_not_wait_for_ever(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "PATIENCE_S", 0.0)
    await index.add(COMMON, [CATS])
    go_on = Event()

    def load() -> Embedding:
        go_on.wait(10)
        return Topics()

    slow = Waking(index, load)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(slow.run())
        assert await found(index, slow, "kitten") == ["cats"]
        assert index.embedder is None
        go_on.set()


async def test_vectors_that_are_added_later_are_those_that_would_have_been_there(
    index: Index, store: Store
) -> None:
    many = [document(f"d{n}", ("A kitten", "The ship", "A puppy")[n % 3]) for n in range(20)]
    await index.add(COMMON, many)
    assert await index.understand(Topics()) == 20
    await index.add(COMMON, [BOATS])
    assert await index.understand(Topics()) == 0
    await index.refresh()
    assert len(index) == 21
    vector = Topics().embed(["feline"])[0]
    near = dict(index.near(vector, 21, COMMON))
    assert sum(np.isclose(cosine, 1.0, atol=1e-3) for cosine in near.values()) == 7
    fresh = Index(index.passages, store.privacy, Topics())
    await fresh.refresh()
    assert fresh.near(vector, 21, COMMON) == index.near(vector, 21, COMMON)
