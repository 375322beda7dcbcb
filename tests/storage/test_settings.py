"""Policies, counters and the audit log: known at once, and after a restart."""

from datetime import date, timedelta

from bot.storage.audit import AuditEntry
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import CHANNEL, EPOCH
from tests.storage.house import PLATFORM, Clock, Place

TODAY = EPOCH.date()


async def test_a_setting_is_known_at_once_and_after_a_restart(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await store.policies.set(CHANNEL.key, "answer", "never")
    await store.policies.set(CHANNEL.key, "answer", "all")
    await store.policies.set("memory/home", "persona", "kind \ud800")
    for _ in range(2):
        assert dict(store.policies.get(CHANNEL.key)) == {"answer": "all"}
        assert dict(store.policies.get("memory/home")) == {"persona": "kind \ud800"}
        assert dict(store.policies.get("memory/other")) == {}
        await store.close()
        store = await place.open(clock)
    await store.policies.set(CHANNEL.key, "answer", None)
    await store.close()
    store = await place.open(clock)
    assert dict(store.policies.get(CHANNEL.key)) == {}
    await store.close()


async def test_use_adds_up_by_scope_and_day_also_over_a_restart(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await store.usage.add(["member:a", "channel:c"], TODAY, 1, 10)
    await store.usage.add(["member:a"], TODAY, 1, 5)
    for _ in range(2):
        assert store.usage.today("member:a", TODAY) == (2, 15)
        assert store.usage.today("channel:c", TODAY) == (1, 10)
        assert store.usage.today("member:a", TODAY + timedelta(days=1)) == (0, 0)
        await store.close()
        store = await place.open(clock)
    await store.close()


async def test_counters_of_past_days_leave_the_memory(store: Store) -> None:
    days = [TODAY + timedelta(days=n) for n in range(4)]
    for day in days:
        await store.usage.add(["member:a"], day, 1, 1)
    counted: list[date] = [day for day in days if store.usage.today("member:a", day) != (0, 0)]
    assert counted == days[2:]


async def test_the_log_of_a_community_is_read_newest_first(store: Store) -> None:
    entries = tuple(
        AuditEntry(EPOCH, PLATFORM, community, CHANNEL.key, "bot", f"verb {n}", "detail", "someone")
        for n, community in enumerate(["home", "home", "other", "home"])
    )
    await store.settle(Settlement(audit=entries))
    assert await store.audit.recent(PLATFORM, "home", 2) == [entries[3], entries[1]]
    assert await store.audit.recent("elsewhere", "home", 2) == []
