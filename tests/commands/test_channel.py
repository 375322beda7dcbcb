"""`channel show` and `channel set`: settings of a thread, its channel and its community."""

from dataclasses import replace

import pytest

from bot.conversation.policy import PERSONA_MAX_CHARS, channel_policy
from bot.core.events import Channel
from tests.commands.house import ALICE, CHANNEL, MODERATOR, THREAD, House

OTHER = Channel(CHANNEL.platform, CHANNEL.community, "other")


async def told(house: House, line: str, channel: Channel = CHANNEL) -> str:
    return await house.told(line, MODERATOR, channel)


async def test_show_tells_each_value_and_where_it_comes_from(house: House) -> None:
    assert await told(house, "channel show") == (
        "In this place:\n"
        "• `answer` = `mention` (the default)\n"
        "• `persona` = nothing in particular (the default)\n"
        "• `model` = `echo` (the default)\n"
        "• `moderation` = `standard` (the default)\n"
        "• `archive` = `no` (the default)\n"
        "• `duplicates` = `off` (the default)\n"
        "• `unanswered` = `off` (the default)\n"
        "• `patience` = 2 hours (the default)\n"
        "• `learning` = `no` (the default)\n"
        "• `introductions` = `off` (the default)\n"
        "`/channel set NAME default` takes a setting back."
    )
    await told(house, "channel set answer never where=community")
    await told(house, "channel set model large where=channel", THREAD)
    await told(house, "channel set persona a pirate", THREAD)
    shown = await told(house, "channel show", THREAD)
    assert "• `answer` = `never` (set for the community)" in shown
    assert "• `model` = `large` (set for this channel)" in shown
    assert "• `persona` = `a pirate` (set for this thread)" in shown


async def test_a_setting_holds_where_it_was_made_and_below(house: House) -> None:
    def answer(channel: Channel) -> str:
        return channel_policy(house.store.policies, channel).answer

    assert "Here `answer` is now `all` (set for this channel)" in await told(house, "channel set answer all")
    assert (answer(CHANNEL), answer(THREAD), answer(OTHER)) == ("all", "all", "mention")
    await told(house, "channel set answer never", THREAD)
    assert (answer(CHANNEL), answer(THREAD)) == ("all", "never")
    await told(house, "channel set answer question where=community", OTHER)
    assert (answer(CHANNEL), answer(THREAD), answer(OTHER)) == ("all", "never", "question")


async def test_default_takes_a_setting_back_so_that_the_wider_one_holds(house: House) -> None:
    await told(house, "channel set answer question where=community")
    await told(house, "channel set answer all")
    assert "is now `question` (set for the community)" in await told(house, "channel set answer default")
    assert "is now `mention` (the default)" in await told(house, "channel set answer Default where=community")


async def test_a_setting_that_a_nearer_one_outweighs_is_said_to_be(house: House) -> None:
    await told(house, "channel set answer all")
    text = await told(house, "channel set answer never where=community")
    assert "Here `answer` is now `all` (set for this channel)" in text
    assert "A setting that is nearer outweighs the one you made" in text


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (
            "answer nevr",
            ["“nevr”", "`mention`, `question`, `all`, `never`, `default`", "Did you mean `never`?"],
        ),
        ("answer sometimes maybe", ["“sometimes maybe”"]),
        ("model lrge", ["`echo`, `large`, `tiny`, `default`", "Did you mean `large`?"]),
        ("moderation strict", ["“strict”", "`off`, `shadow`, `standard`, `default`"]),
        ("anwser never", ["`name` cannot be “anwser”", "Did you mean `answer`?"]),
        ("answer", ["`value` is missing", "Usage: `/channel set"]),
        ("answer all where=there", ["`where` cannot be “there”", "`here`, `channel`, `community`"]),
        ("persona " + "x" * (PERSONA_MAX_CHARS + 1), ["601 characters", "at most 600"]),
        ("persona \u202e\u2066", ["has no words"]),
    ],
)
async def test_a_wrong_value_changes_nothing_and_says_what_is_right(
    house: House, line: str, parts: list[str]
) -> None:
    text = await told(house, f"channel set {line}")
    for part in parts:
        assert part in text
    assert house.store.policies.get(CHANNEL.key) == {}
    assert await house.audited() == []


async def test_a_persona_keeps_its_words_and_loses_what_cannot_be_seen(house: House) -> None:
    text = await told(house, "channel set persona you\x00 are \u202e`kind`\ud800\nand 👩‍🔧 patient ")
    assert channel_policy(house.store.policies, CHANNEL).persona == "you are `kind`\nand 👩‍🔧 patient"
    text.encode()


async def test_changes_are_in_the_audit_log_without_a_text(house: House) -> None:
    await told(house, "channel set answer all where=community")
    await told(house, "channel set persona CANARY", THREAD)
    await told(house, "channel set persona default", THREAD)
    assert await house.audited() == [
        ("channel set", f"{THREAD.key} persona default"),
        ("channel set", f"{THREAD.key} persona (6 characters)"),
        ("channel set", "memory/home answer all"),
    ]


async def test_members_change_nothing_and_the_attempt_is_recorded(house: House) -> None:
    for line in ("channel set answer never", "channel show"):
        assert "is for moderators" in await house.told(line, ALICE)
    assert house.store.policies.get(CHANNEL.key) == {}
    assert await house.audited() == [("refused", "channel show"), ("refused", "channel set")]


async def persona(house: House, words: str) -> str:
    return await told(house, f"channel set persona {words}")


async def test_a_persona_that_comes_with_the_bot_is_named_and_explained(house: House) -> None:
    known = "`support`: I answer only from what this community has written, with sources, and say so"
    assert f"Here `persona` is now {known}" in await persona(house, "Support")
    assert channel_policy(house.store.policies, CHANNEL).persona == "support"
    assert f"• `persona` = {known}" in await told(house, "channel show")
    assert ("channel set", f"{CHANNEL.key} persona support") in await house.audited()
    assert "`tutor`: I give a hint first" in await persona(house, "导师")
    assert "`storyteller`: I tell a story" in await persona(house, "storyteller")
    assert "nothing in particular" in await persona(house, "default")


async def test_a_support_agent_that_knows_nothing_is_told_to_be_one(house: House) -> None:
    assert "I know nothing here yet, so I will decline everything." in await persona(house, "support")
    await told(house, "knowledge add Hours We open at nine.")
    assert "decline everything" not in await persona(house, "support")
    house.services = replace(house.services, index=None)
    assert "decline everything" in await persona(house, "support")


async def test_a_model_that_is_too_small_for_a_persona_is_named(house: House) -> None:
    assert "`large`" not in await persona(house, "tutor")
    await told(house, "channel set model tiny")
    assert "The language model `tiny` is too small to keep to this" in await persona(house, "tutor")
    assert "`tiny` is small, so I answer in the words of sources" in await persona(house, "support")
    assert "tiny" not in await persona(house, "a pirate who is tired")


async def test_a_persona_with_a_slip_in_its_name_is_words_and_said_to_be(house: House) -> None:
    assert "Did you mean `storyteller`?" in await persona(house, "storyteler")
    assert "Did you mean" not in await persona(house, "You are a storyteller of the sea.")


async def test_a_persona_that_a_nearer_one_outweighs_is_not_explained(house: House) -> None:
    await persona(house, "tutor")
    text = await told(house, "channel set persona support where=community")
    assert "A setting that is nearer outweighs" in text
    assert "decline everything" not in text


async def test_personas_are_suggested(house: House) -> None:
    offered = {spec.path: spec for spec in house.services.commands.offered(house.services)}
    (complete,) = (each.complete for each in offered["channel", "set"].parameters if each.complete)
    assert await complete("sto", MODERATOR, CHANNEL) == ["storyteller"]
