"""Topics are a community's own, have one of a name, and stay while a digest is about them."""

import asyncio

from bot.storage.personal import Keep
from bot.storage.store import Store
from tests.messages import CHANNEL
from tests.storage.house import Clock, Place

HOME, AWAY = CHANNEL.community_key, "memory/away"


async def put(store: Store, name: str, *examples: str, community: str = HOME, most: int = 9) -> bool:
    return await store.topics.put(community, name, examples or ("a", "b"), actor="mia", most=most)


async def names(store: Store, community: str = HOME) -> list[str]:
    return [topic.name for topic in await store.topics.of(community)]


async def test_a_topic_is_known_by_its_name_in_any_case_and_replaced_as_a_whole(
    store: Store, clock: Clock
) -> None:
    assert await put(store, "Getting started", "one", "two")
    clock.forward(hours=1)
    assert await put(store, "getting  STARTED", "三")
    found = await store.topics.get(HOME, "Getting-Started")
    assert found is not None
    assert (found.name, found.examples, found.at) == ("getting  STARTED", ("三",), clock())
    assert await names(store) == ["getting  STARTED"]
    assert await store.topics.get(AWAY, "getting started") is None
    assert await names(store, AWAY) == []


async def test_examples_are_sealed(store: Store, place: Place) -> None:
    await put(store, "Boats", "how do I mend a mast?")
    assert b"mast" not in place.bytes()


async def test_there_are_no_more_than_may_be_whoever_is_faster(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        told = [group.create_task(put(store, f"topic {n}", most=3)) for n in range(6)]
    assert sorted(each.result() for each in told) == [False] * 3 + [True] * 3
    kept = await names(store)
    assert await put(store, kept[0], "changed", most=3), "to change one is not to add one"
    assert await put(store, "another", community=AWAY, most=3)


async def test_a_topic_stays_while_a_digest_is_about_it(store: Store) -> None:
    await put(store, "boats")
    digest = await store.digests.add(
        CHANNEL, cron="0 9 * * 1", zone="UTC", n=5, quiet="", actor="mia", call="1", topic="boats"
    )
    assert digest.topic == "boats"
    assert await store.topics.remove(HOME, "boats") == [digest.number]
    assert await names(store) == ["boats"]
    await store.digests.remove(HOME, digest.number)
    assert await store.topics.remove(HOME, "boats") == []
    assert await names(store) == []


async def test_after_a_year_nobody_knows_who_made_it(store: Store, clock: Clock, place: Place) -> None:
    await put(store, "boats")
    clock.forward(days=Keep(24).audit_days - 1)
    await store.privacy.purge(clock(), 24)
    assert place.ask("SELECT actor FROM topics") == [("mia",)]
    clock.forward(days=2)
    await store.privacy.purge(clock(), 24)
    assert place.ask("SELECT actor FROM topics") == [("forgotten",)]
    assert await names(store) == ["boats"]
