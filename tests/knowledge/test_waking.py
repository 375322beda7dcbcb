"""Meanings are compared when the language model is loaded, and what was added before gets its vectors."""

import asyncio

import numpy as np
import pytest

from bot.knowledge import waking
from bot.knowledge.index import Index
from bot.knowledge.search import Search
from bot.knowledge.waking import Waking
from bot.storage.passages import COMMON
from bot.storage.store import Store
from tests.knowledge.conftest import Topics, document
from tests.living import PATIENCE_S
from tests.messages import EPOCH

CATS, BOATS = document("cats", "A kitten sleeps all day."), document("boats", "The ship sank.")


async def found(index: Index, waking: Waking, question: str) -> list[str]:
    search = Search(index, waking.ready)
    findings = await search.find(await search.query(question), "discord/1", EPOCH)
    return [finding.passage.document for finding in findings]


async def test_the_first_question_gives_vectors_to_what_was_there(index: Index) -> None:
    await index.add(COMMON, [CATS, BOATS])
    index.embedder = Topics()
    waking = Waking(index)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(waking.run())
        await asyncio.sleep(0)
        assert not running.done()
        await found(index, waking, "kitten")
        await running
    assert len(index) == 2
    assert (await found(index, waking, "feline"))[0] == "cats"


async def test_what_is_added_later_without_vectors_gets_them_too(index: Index) -> None:
    index.embedder = Topics()
    await index.add(COMMON, [CATS])
    waking = Waking(index)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(waking.keep())
        await found(index, waking, "kitten")
        await index.add(COMMON, [BOATS], with_vectors=False)
        async with asyncio.timeout(PATIENCE_S):
            while len(index) < 2:  # noqa: ASYNC110 - nobody is told when it is done
                await asyncio.sleep(0.01)
        keeping.cancel()
    assert (await found(index, waking, "vessel"))[0] == "boats"


async def test_a_question_waits_for_the_language_model(index: Index) -> None:
    await index.add(COMMON, [CATS])
    index.embedder = Topics()
    waking = Waking(index)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(waking.ready())
        await asyncio.sleep(0)
        assert not asked.done()
        tasks.create_task(waking.run())
        assert await asked


async def test_it_does_not_wait_for_ever(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "PATIENCE_S", 0.0)
    await index.add(COMMON, [CATS, BOATS])
    index.embedder = Topics()
    search = Search(index, Waking(index).ready)
    assert (await search.query("feline")).vector is None


async def test_without_a_model_nobody_waits(index: Index) -> None:
    await index.add(COMMON, [CATS])
    assert await found(index, Waking(index), "kitten") == ["cats"]


async def test_what_has_no_vector_yet_is_read_for_the_question(index: Index) -> None:
    """Else the few that have one would come first."""
    await index.add(COMMON, [document("old", "A kitten that sleeps, a ship that sank.")])
    index.embedder = Topics()
    await index.add(COMMON, [document("new", "A puppy sleeps.")])
    search = Search(index)
    findings = await search.find(await search.query("where sleeps the feline"), "discord/1", EPOCH)
    assert [finding.passage.document for finding in findings] == ["old", "new"]
    assert findings[0].hits[0].cosine > 0.5


async def test_vectors_that_are_added_later_are_those_that_would_have_been_there(
    index: Index, store: Store
) -> None:
    many = [document(f"d{n}", ("A kitten", "The ship", "A puppy")[n % 3]) for n in range(20)]
    await index.add(COMMON, many)
    index.embedder = Topics()
    await index.add(COMMON, [BOATS])
    assert await index.complete() == 20
    assert await index.complete() == 0
    assert len(index) == 21
    vector = Topics().embed(["feline"])[0]
    near = dict(index.near(vector, 21, COMMON))
    assert sum(np.isclose(cosine, 1.0, atol=1e-3) for cosine in near.values()) == 7
    fresh = Index(index.passages, store.privacy, Topics())
    await fresh.refresh()
    assert fresh.near(vector, 21, COMMON) == index.near(vector, 21, COMMON)
