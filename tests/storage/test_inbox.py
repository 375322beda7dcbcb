"""The inbox takes each event once and gives it back until it is handled."""

from datetime import timedelta

from bot.core.events import Author, Channel, Deletion, Event, Reaction
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import BOB, EPOCH, message
from tests.storage.house import PLATFORM, Clock, Place, numbered


async def test_an_event_is_taken_once(store: Store) -> None:
    first = message("hello")
    assert await store.inbox.take(PLATFORM, [first], {}) == (first,)
    assert await store.inbox.take(PLATFORM, [first], {}) == ()


async def test_new_events_are_told_from_known_ones_in_their_order(store: Store) -> None:
    events = numbered(10)
    await store.inbox.take(PLATFORM, events[3:6], {})
    assert await store.inbox.take(PLATFORM, events, {}) == tuple(events[:3] + events[6:])


async def test_of_two_events_with_a_key_in_one_batch_the_first_counts(store: Store) -> None:
    first, second = message("first"), message("second")
    assert await store.inbox.take(PLATFORM, [first, second], {}) == (first,)
    assert await store.inbox.pending(PLATFORM) == (first,)


async def test_an_event_stays_known_after_it_was_handled(store: Store) -> None:
    event = message("hello")
    await store.inbox.take(PLATFORM, [event], {})
    await store.settle(Settlement(handled=(event.key,)))
    assert await store.inbox.take(PLATFORM, [event], {}) == ()
    assert await store.inbox.pending(PLATFORM) == ()


async def test_what_was_not_handled_is_pending_after_a_restart_oldest_first(
    place: Place, clock: Clock
) -> None:
    events: list[Event] = [
        *numbered(3),
        Deletion(message("", id="0").ref, EPOCH),
        Reaction(message("", id="1").ref, BOB, "👍", True, EPOCH),
    ]
    store = await place.open(clock)
    await store.inbox.take(PLATFORM, events, {})
    await store.settle(Settlement(handled=(events[1].key,)))
    await store.close()
    store = await place.open(clock)
    assert await store.inbox.pending(PLATFORM) == (events[0], *events[2:])
    assert await store.inbox.pending("elsewhere") == ()
    await store.close()


async def test_cursors_move_with_the_events_and_each_scope_has_its_own(store: Store) -> None:
    await store.inbox.take(PLATFORM, [message("hello")], {"a": "1", "b": "1"})
    await store.inbox.take(PLATFORM, [], {"b": "2"})
    await store.inbox.take("elsewhere", [], {"a": "9"})
    assert await store.inbox.cursors(PLATFORM) == {"a": "1", "b": "2"}


async def test_nothing_is_taken_from_an_empty_batch(store: Store) -> None:
    assert await store.inbox.take(PLATFORM, [], {}) == ()


async def test_the_same_id_in_another_channel_is_another_event(store: Store) -> None:
    here = message("hello")
    there = message("hello", channel=Channel(PLATFORM, "home", "other"))
    assert await store.inbox.take(PLATFORM, [here, there], {}) == (here, there)


async def test_the_database_never_holds_a_platforms_id_of_a_member_in_the_clear(
    store: Store, place: Place
) -> None:
    reaction = Reaction(message("x").ref, Author(PLATFORM, "member-4711", "Zoë"), "👍", True, EPOCH)
    await store.inbox.take(PLATFORM, [reaction], {})
    assert b"member-4711" not in place.bytes()


async def test_an_old_key_is_known_until_its_days_are_over(store: Store, clock: Clock) -> None:
    event = message("hello")
    await store.inbox.take(PLATFORM, [event], {})
    await store.settle(Settlement(handled=(event.key,)))
    await store.privacy.purge(clock() + timedelta(days=13), context_hours=1)
    assert await store.inbox.take(PLATFORM, [event], {}) == ()
