"""`admin ...`: how the bot is doing, what it runs on, and how much of it may be used."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.conversation.quota import Allowance, Quotas, Refused
from bot.core.actions import Reply
from bot.core.events import MessageRef
from bot.core.permissions import Role
from tests.commands.house import ALICE, BOB, CHANNEL, MODELS, MODERATOR, THREAD, House


async def use(house: House, tokens: int, caller: object = ALICE) -> None:
    """A question that was answered."""
    who = BOB if caller is BOB else ALICE
    allowance = await house.services.quotas.reserve(MessageRef(CHANNEL, "1"), who.identity, 100)
    assert isinstance(allowance, Allowance)
    await house.services.quotas.settle(allowance, tokens)


async def test_status_is_for_everybody_and_private(house: House) -> None:
    await use(house, 30)
    await use(house, 40, BOB)
    house.services.running.begin(MessageRef(CHANNEL, "1"), BOB.identity)
    (reply,) = await house.do("admin status")
    assert isinstance(reply, Reply)
    assert reply.private
    assert reply.text == (
        "LLMOS 1.2.3, running for 5 hours.\n"
        "Model: `echo`.\n"
        "I am writing 1 answer now.\n"
        "✓ memory: connected\n"
        "✗ discord: reconnecting\n"
        "Answers of the last 30 days: members called 0 helpful and 0 not.\n"
        "\n"
        "Today:\n"
        "• you: 1 of 20 questions, 30 of unlimited tokens\n"
        "• this channel: 2 of unlimited questions, 70 of unlimited tokens\n"
        "• the community: 2 of unlimited questions, 70 of unlimited tokens\n"
        "The counters start again in 12 hours (00:00 UTC)."
    )


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=3), "less than a minute"),
        (timedelta(minutes=3), "3 minutes"),
        (timedelta(days=1), "24 hours"),
        (timedelta(9), "9 days"),
    ],
)
async def test_status_says_for_how_long_it_runs(house: House, age: timedelta, words: str) -> None:
    house.clock.at = house.services.started_at + age
    assert f"running for {words}." in await house.told("admin status")


async def test_model_tells_what_answers_here_and_what_each_can_do(house: House) -> None:
    text = await house.told("admin model", MODERATOR)
    lines = text.splitlines()
    assert lines[0] == "Here `echo` answers."
    assert lines[1] == (
        "• `echo`: It runs on this machine; nothing leaves it. Which languages it knows, it does not say. "
        "It reads 4096 tokens at once."
    )
    assert lines[2] == (
        "• `large`: It runs elsewhere: what is asked leaves this machine. Languages: en, zh. "
        "It reads 32768 tokens at once. It also takes tools."
    )
    assert lines[3].startswith(
        "• `tiny`: Small demo model: what it says is often wrong. It is a base model: it continues texts"
    )
    assert lines[4] == "`/channel set model NAME` chooses another one for a channel."
    assert "The operator could also configure:" in text
    assert "• `qwen3-4b` (17.0 GB of memory, Apache-2.0): The best answers of this list." in text
    assert "minilm" not in text, "a model that only compares texts cannot answer"


async def test_model_follows_the_channels_choice(house: House) -> None:
    await house.do("channel set model large", MODERATOR)
    assert "Here `large` answers." in await house.told("admin model", MODERATOR, THREAD)


async def test_model_says_when_the_channels_choice_is_gone(house: House) -> None:
    await house.store.policies.set(CHANNEL.key, "model", "vanished")
    text = await house.told("admin model", MODERATOR)
    assert "asks for `vanished`, which is not configured" in text
    assert "`/channel set model default` mends that." in text


async def test_one_model_alone_offers_no_choice_of_others(house: House) -> None:
    only = replace(house.services, models={MODELS[0].name: MODELS[0]})
    context = replace(house.context(MODERATOR), services=only)
    outcome = await only.commands.run_line(context, "admin model")
    assert isinstance(outcome, tuple)
    assert isinstance(outcome[0], Reply)
    assert "channel set model" not in outcome[0].text


async def test_quota_shows_use_and_limits_and_when_they_start_again(house: House) -> None:
    house.clock.later(hours=11, minutes=15)
    text = await house.told("admin quota", MODERATOR)
    assert text.splitlines() == [
        "Today:",
        "• you: 0 of 20 questions, 0 of unlimited tokens",
        "• this channel: 0 of unlimited questions, 0 of unlimited tokens",
        "• the community: 0 of unlimited questions, 0 of unlimited tokens",
        "The counters start again in 45 minutes (00:00 UTC).",
    ]


async def test_a_quota_that_is_set_holds_at_once_and_is_recorded(house: House) -> None:
    await use(house, 5)
    text = await house.told("admin quota set channel 1 tokens=1000", MODERATOR)
    assert "• this channel: 1 of 1 questions, 5 of 1000 tokens" in text
    quotas: Quotas = house.services.quotas
    assert isinstance(await quotas.reserve(MessageRef(THREAD, "2"), BOB.identity, 1), Refused)
    assert await house.audited() == [("quota set", f"{CHANNEL.key} channel requests=1 tokens=1000")]
    text = await house.told("admin quota clear channel", MODERATOR)
    assert "• this channel: 1 of unlimited questions" in text
    assert isinstance(await quotas.reserve(MessageRef(THREAD, "2"), BOB.identity, 1), Allowance)


async def test_more_than_the_operator_allows_is_refused_in_a_sentence(house: House) -> None:
    text = await house.told("admin quota set member 21", MODERATOR)
    assert "of 20 questions" in text
    assert "The operator allows at most 20" in text
    assert "operator" not in await house.told("admin quota set member 19", MODERATOR)


async def test_one_half_of_a_quota_can_be_set_alone(house: House) -> None:
    assert "of 20 questions, 0 of 50 tokens" in await house.told(
        "admin quota set member tokens=50", MODERATOR
    )
    assert "of 7 questions, 0 of 50 tokens" in await house.told("admin quota set member 7", MODERATOR)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("admin quota set", "Whose quota?"),
        ("admin quota clear", "Whose quota?"),
        ("admin quota set member", "How much?"),
        ("admin quota set member -1", "a whole number from 0 to 1000000000"),
        ("admin quota set membr 5", "Did you mean `member`?"),
        ("admin quota sett member 5", "Did you mean `set`?"),
    ],
)
async def test_a_wrong_quota_changes_nothing(house: House, line: str, part: str) -> None:
    assert part in await house.told(line, MODERATOR)
    assert await house.audited() == []


@pytest.mark.parametrize("line", ["admin model", "admin quota", "admin quota set member 1"])
async def test_members_see_no_model_and_set_no_quota(house: House, line: str) -> None:
    assert "is for moderators" in await house.told(line)
    house.platform.roles[ALICE.id] = Role.MODERATOR
    assert "is for moderators" not in await house.told(line)
