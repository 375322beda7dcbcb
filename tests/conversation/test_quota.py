"""Quotas: counted by day, held under pressure, told with the time to reset."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.conversation.quota import (
    UNLIMITED,
    Allowance,
    Quota,
    Quotas,
    Refused,
    in_words,
    quota_scope,
    quota_setting,
    until_midnight,
)
from bot.core.events import Author, Channel, MessageRef
from bot.storage.store import Store
from tests.conversation.house import THREAD, Clock
from tests.messages import ALICE, BOB, CHANNEL

QUESTION = MessageRef(CHANNEL, "q1")


def quotas(
    store: Store,
    clock: Clock,
    member: Quota = UNLIMITED,
    channel: Quota = UNLIMITED,
    community: Quota = UNLIMITED,
) -> Quotas:
    return Quotas(
        store.usage,
        store.seal.pseudonym,
        clock,
        member=member,
        channel=channel,
        community=community,
        settings=store.policies,
    )


async def use(
    some: Quotas, author: Author = ALICE, channel: Channel = CHANNEL, tokens: int = 10
) -> Allowance | Refused:
    allowance = await some.reserve(MessageRef(channel, "q"), author.identity, tokens)
    if isinstance(allowance, Allowance):
        await some.settle(allowance, tokens)
    return allowance


async def test_without_quotas_everything_is_allowed(store: Store, clock: Clock) -> None:
    some = quotas(store, clock)
    for _time in range(50):
        assert isinstance(await use(some), Allowance)


async def test_requests_of_a_member_count_in_all_channels_and_for_nobody_else(
    store: Store, clock: Clock
) -> None:
    some = quotas(store, clock, member=Quota(requests=2))
    await use(some)
    await use(some, channel=Channel("memory", "home", "other"))
    assert isinstance(await use(some), Refused)
    assert isinstance(await use(some, author=BOB), Allowance)


async def test_a_thread_counts_for_its_channel(store: Store, clock: Clock) -> None:
    some = quotas(store, clock, channel=Quota(requests=1))
    await use(some, channel=THREAD)
    refused = await use(some, author=BOB)
    assert isinstance(refused, Refused)
    assert refused.level == "channel"


async def test_tokens_count_once_they_are_used_up(store: Store, clock: Clock) -> None:
    some = quotas(store, clock, community=Quota(tokens=25))
    for _time in range(3):
        assert isinstance(await use(some), Allowance)
    refused = await use(some)
    assert isinstance(refused, Refused)
    assert refused.level == "community"


async def test_what_is_set_aside_counts_until_it_is_given_back(store: Store, clock: Clock) -> None:
    some = quotas(store, clock, member=Quota(tokens=100))
    first = await some.reserve(QUESTION, ALICE.identity, 100)
    assert isinstance(first, Allowance)
    assert isinstance(await some.reserve(QUESTION, ALICE.identity, 1), Refused)
    await some.settle(first, 5)
    assert isinstance(await some.reserve(QUESTION, ALICE.identity, 1), Allowance)


async def test_what_cost_nothing_is_not_counted(store: Store, clock: Clock) -> None:
    some = quotas(store, clock, member=Quota(requests=1))
    for _time in range(3):
        allowance = await some.reserve(QUESTION, ALICE.identity, 10)
        assert isinstance(allowance, Allowance)
        await some.settle(allowance, None)
    assert some.used(CHANNEL, ALICE.identity)["member"] == (Quota(requests=1), 0, 0)


async def test_a_new_day_begins_at_midnight_utc(store: Store, clock: Clock) -> None:
    some = quotas(store, clock, member=Quota(requests=1))
    await use(some)
    clock.later(hours=11, minutes=59)
    refused = await use(some)
    assert isinstance(refused, Refused)
    assert refused.text == "You have used up your questions for today. You can ask me again in 1 minute."
    clock.later(minutes=1)
    assert isinstance(await use(some), Allowance)


async def test_a_question_over_midnight_counts_for_the_day_it_was_asked(store: Store, clock: Clock) -> None:
    some = quotas(store, clock, member=Quota(requests=1))
    clock.later(hours=11, minutes=59)
    allowance = await some.reserve(QUESTION, ALICE.identity, 10)
    assert isinstance(allowance, Allowance)
    clock.later(minutes=2)
    await some.settle(allowance, 10)
    assert isinstance(await use(some), Allowance)


async def test_moderators_hear_of_the_first_refusal_of_a_day_only(store: Store, clock: Clock) -> None:
    some = quotas(store, clock, member=Quota(requests=0))
    alerts = []
    for _hour in range(30):
        refused = await use(some)
        assert isinstance(refused, Refused)
        alerts.append(refused.alert is not None)
        clock.later(hours=1)
    assert [hour for hour, alert in enumerate(alerts) if alert] == [0, 12]
    restarted = await use(quotas(store, clock, member=Quota(requests=0)))
    assert isinstance(restarted, Refused)
    assert restarted.alert is None


async def test_each_level_has_its_own_words(store: Store, clock: Clock) -> None:
    told = set()
    for n, level in enumerate(("member", "channel", "community")):
        clock.later(days=1)
        some = quotas(store, clock, **{level: Quota(requests=0)})
        refused = await use(some)
        assert isinstance(refused, Refused)
        assert refused.alert is not None
        assert "12 hours" in refused.text
        assert "12 hours" in refused.alert.text
        told |= {refused.text, refused.alert.text}
        assert len(told) == 2 * (n + 1)


async def test_without_settings_the_configuration_holds(store: Store, clock: Clock) -> None:
    some = Quotas(store.usage, store.seal.pseudonym, clock, channel=Quota(requests=1))
    await store.policies.set(CHANNEL.key, "quota_channel_requests", "9")
    assert some.quota("channel", CHANNEL) == Quota(requests=1)


async def test_moderators_choose_quotas_without_a_restart(store: Store, clock: Clock) -> None:
    some = quotas(store, clock, channel=Quota(requests=5))
    await store.policies.set(CHANNEL.key, "quota_channel_requests", "1")
    assert isinstance(await use(some, channel=THREAD), Allowance)
    assert isinstance(await use(some), Refused)
    await store.policies.set(CHANNEL.key, "quota_channel_requests", "many")
    assert some.quota("channel", CHANNEL) == Quota(requests=5)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(0), "1 minute"),
        (timedelta(seconds=100), "2 minutes"),
        (timedelta(minutes=89), "89 minutes"),
        (timedelta(minutes=90), "2 hours"),
        (timedelta(hours=24), "24 hours"),
    ],
)
def test_waiting_times_as_people_say_them(wait: timedelta, words: str) -> None:
    assert in_words(wait) == words


def test_until_midnight_in_utc_wherever_the_clock_stands() -> None:
    assert until_midnight(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)) == timedelta(minutes=30)
    east = datetime.fromisoformat("2026-03-02T01:00:00+08:00")
    assert until_midnight(east) == timedelta(hours=7)


@pytest.mark.parametrize(("chosen", "holds"), [("1", 1), ("2", 2), ("999", 2), ("nonsense", 2)])
async def test_moderators_choose_within_the_operators_limit(
    store: Store, clock: Clock, chosen: str, holds: int
) -> None:
    await store.policies.set(quota_scope("channel", CHANNEL), quota_setting("channel", "requests"), chosen)
    assert quotas(store, clock, channel=Quota(requests=2)).quota("channel", CHANNEL).requests == holds
