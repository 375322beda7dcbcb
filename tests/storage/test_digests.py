"""A slot is decided once, with its post and what it shows, by whichever process comes first."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.actions import Post
from bot.core.events import Channel
from bot.storage.digests import Digest, SlotTaken
from bot.storage.outbox import NewOutboxRow
from bot.storage.store import Store
from bot.storage.threads import Noted, ThreadRef, Touch, TouchKind
from tests.messages import ALICE, CHANNEL, EPOCH
from tests.storage.house import Clock, Place

HOME = CHANNEL.community_key
ELSEWHERE = Channel(CHANNEL.platform, "elsewhere", "general")


async def made(store: Store, call: str = "call", channel: Channel = CHANNEL) -> Digest:
    return await store.digests.add(
        channel, cron="0 9 * * 1", zone="Europe/Berlin", n=5, quiet="22:00-07:00", actor="mia", call=call
    )


def posting(digest: Digest, slot: str = "2026-11-30T09:00", *threads: str) -> SlotTaken:
    row = NewOutboxRow(f"k{slot[-9:]}", digest.channel, None, Post(digest.channel, "threads"))
    shown = tuple(ThreadRef(HOME, CHANNEL.key, thread, EPOCH) for thread in threads)
    return SlotTaken(digest, slot, EPOCH, "posted", shown, row)


async def test_a_digest_is_what_was_stored_also_after_a_restart(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    stored = await made(store, channel=Channel("memory", "home", "général", "7", encrypted=True))
    await store.close()
    store = await place.open(clock)
    assert await store.digests.all() == [stored]
    assert (stored.channel.thread, stored.channel.encrypted) == ("7", True)
    assert (stored.cron, stored.zone, stored.n, stored.quiet) == (
        "0 9 * * 1",
        "Europe/Berlin",
        5,
        "22:00-07:00",
    )
    assert (stored.fate, stored.trouble, stored.made_at) == (None, "", EPOCH)
    await store.close()


async def test_a_repeated_call_makes_no_second_digest(store: Store) -> None:
    assert await made(store) == await made(store)
    assert len(await store.digests.all()) == 1


async def test_numbers_are_never_used_again(store: Store) -> None:
    first = await made(store, "one")
    assert await store.digests.remove(HOME, first.number)
    assert (await made(store, "two")).number == first.number + 1


async def test_digests_of_other_communities_are_none(store: Store) -> None:
    here, there = await made(store, "one"), await made(store, "two", ELSEWHERE)
    assert await store.digests.of(HOME) == [here]
    assert await store.digests.get(HOME, there.number) is None
    assert not await store.digests.remove(HOME, there.number)
    assert await store.digests.all() == [here, there]


async def test_a_slot_is_taken_once_with_its_post_and_what_it_shows(store: Store) -> None:
    digest = await made(store)
    assert await store.digests.take(posting(digest, "2026-11-30T09:00", "t1", "t2")) == "taken"
    assert await store.digests.take(posting(digest, "2026-11-30T09:00", "t3")) == "late"
    assert [row.key for row in await store.outbox.unfinished(CHANNEL.platform)] == ["k-30T09:00"]
    assert await store.digests.shown_in(CHANNEL.key) == {f"{CHANNEL.key}/t1", f"{CHANNEL.key}/t2"}
    assert await store.digests.fate(digest, "2026-11-30T09:00") == "posted"
    assert await store.digests.fate(digest, "2026-12-07T09:00") is None


async def test_of_many_processes_one_takes_a_slot(place: Place, clock: Clock) -> None:
    stores = [await place.open(clock) for _process in range(3)]
    digest = await made(stores[0])
    slots = [f"2026-11-{day:02}T09:00" for day in range(1, 21)]
    async with asyncio.TaskGroup() as tasks:
        tries = [
            tasks.create_task(store.digests.take(posting(digest, slot, f"{slot} thread")))
            for slot in slots
            for store in stores
        ]
    assert [each.result() for each in tries].count("taken") == len(slots)
    assert len(await stores[1].outbox.unfinished(CHANNEL.platform)) == len(slots)
    for store in stores:
        await store.close()


async def test_a_thread_that_was_shown_meanwhile_takes_no_slot(store: Store, place: Place) -> None:
    one, other = await made(store, "one"), await made(store, "two")
    assert await store.digests.take(posting(one, "2026-11-30T09:00", "t1")) == "taken"
    assert await store.digests.take(posting(other, "2026-11-30T10:00", "t2", "t1")) == "stale"
    assert await store.digests.fate(other, "2026-11-30T10:00") is None
    assert await store.digests.shown_in(CHANNEL.key) == {f"{CHANNEL.key}/t1"}
    assert await store.digests.take(posting(other, "2026-11-30T10:00", "t2")) == "taken"


async def test_a_digest_that_was_removed_takes_no_slot(store: Store, place: Place) -> None:
    digest = await made(store)
    await store.digests.take(posting(digest, "2026-11-23T09:00", "t1"))
    await store.digests.remove(HOME, digest.number)
    assert await store.digests.take(posting(digest, "2026-11-30T09:00", "t2")) == "late"
    assert place.count("slots") == 0
    assert await store.digests.shown_in(CHANNEL.key) == {f"{CHANNEL.key}/t1"}, "what members saw stays known"


async def test_the_last_decision_is_told(store: Store, clock: Clock) -> None:
    digest = await made(store)
    await store.digests.note(digest, "the platform is down")
    assert (await store.digests.all())[0].trouble == "the platform is down"
    clock.forward(days=7)
    await store.digests.take(SlotTaken(digest, "2026-12-07T09:00", clock(), "nothing new"))
    (told,) = await store.digests.all()
    assert (told.fate, told.decided_at, told.trouble) == ("nothing new", clock(), "")


async def test_a_tally_counts_slots_and_threads(store: Store, clock: Clock) -> None:
    digest = await made(store)
    await store.digests.take(posting(digest, "2026-11-23T09:00", "t1", "t2"))
    await store.digests.take(SlotTaken(digest, "2026-11-30T09:00", clock(), "nothing new"))
    tally = await store.digests.tally(digest, EPOCH)
    assert tally.slots == {"posted": 1, "nothing new": 1}
    assert tally.threads == 2
    assert (await store.digests.tally(digest, EPOCH + timedelta(days=1))).threads == 0


async def test_a_tally_tells_who_came_afterwards_and_what_they_thought(store: Store, clock: Clock) -> None:
    digest = await made(store)
    before = touch("anna", "t1", clock(), message="before")
    clock.forward(hours=1)
    await store.digests.take(posting(digest, "2026-11-23T09:00", "t1", "t2", "t3"))
    key = "k-23T09:00"
    later = clock() + timedelta(hours=1)
    touches = [
        before,
        touch("ben", "t1", later),
        touch("ben", "t2", later),
        touch("cleo", "t2", later),
        touch("dora", "t9", later),
        *(touch("anna", thread, later, message=key, emoji="👍") for thread in ("t1", "t2", "t3")),
        *(touch("ben", thread, later, message=key, emoji="👎") for thread in ("t1", "t2", "t3")),
    ]
    await store.threads.write(Noted(touched=tuple(touches)))
    tally = await store.digests.tally(digest, EPOCH)
    assert (tally.threads, tally.members, tally.touched) == (3, 2, 2)
    assert (tally.more, tally.less) == (1, 1)


async def test_effects_are_told_by_the_blend_that_chose(store: Store) -> None:
    digest, later = await made(store), EPOCH + timedelta(hours=1)
    for slot, blend, threads in (("23", "shipped", ("t1", "t2")), ("30", "3fa9c1", ("t3",))):
        taken = posting(digest, f"2026-11-{slot}T09:00", *threads)
        assert await store.digests.take(replace(taken, blend=blend)) == "taken"
    touches = [
        touch("ben", "t1", later),
        touch("cleo", "t1", later),
        touch("ben", "t3", EPOCH - timedelta(days=1)),
    ]
    touches += [touch("ben", thread, later, message="k-23T09:00", emoji="👍") for thread in ("t1", "t2")]
    await store.threads.write(Noted(touched=tuple(touches)))
    effects = await store.digests.effects(HOME, EPOCH)
    told = [(each.blend, each.threads, each.touched, each.more, each.less) for each in effects]
    assert sorted(told) == [("3fa9c1", 1, 0, 0, 0), ("shipped", 2, 1, 1, 0)]
    assert await store.digests.effects(ELSEWHERE.community_key, EPOCH) == []
    assert await store.digests.effects(HOME, EPOCH + timedelta(days=1)) == []


async def test_a_post_is_known_by_its_key_in_its_own_community(store: Store) -> None:
    digest = await made(store)
    await store.digests.take(posting(digest, "2026-11-23T09:00", "t1", "t/2"))
    posted = await store.digests.posted(HOME, "k-23T09:00", ALICE.identity)
    assert posted is not None
    assert posted.digest.number == digest.number
    assert sorted(posted.threads) == [(CHANNEL.key, "t/2"), (CHANNEL.key, "t1")]
    assert await store.digests.posted(ELSEWHERE.community_key, "k-23T09:00", ALICE.identity) is None
    assert await store.digests.posted(HOME, "nothing", ALICE.identity) is None


def touch(who: str, thread: str, at: datetime, *, message: str = "m", emoji: str = "") -> Touch:
    kind: TouchKind = "reaction" if emoji else "reply"
    return Touch(CHANNEL.key, thread, who, kind, at, message, emoji)


@pytest.mark.parametrize(("days", "slots", "shown"), [(364, 1, 1), (366, 0, 1), (731, 0, 0)])
async def test_slots_and_what_was_shown_go_after_their_time(
    store: Store, place: Place, clock: Clock, days: int, slots: int, shown: int
) -> None:
    await store.digests.take(posting(await made(store), "2026-11-23T09:00", "t1"))
    clock.forward(days=days)
    await store.privacy.purge(clock(), context_hours=24)
    assert (place.count("slots"), place.count("shown")) == (slots, shown)
    assert place.count("digests") == 1
