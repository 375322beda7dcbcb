"""`privacy ...`: a member sees, gets and erases what is kept about them, and about nobody else."""

import json
from dataclasses import replace

from bot.commands.privacy import EXPORT_CHARS, KINDS
from bot.core.actions import Reply
from bot.core.events import Author, MessageRef
from bot.storage.messages import SaidMessage
from bot.storage.personal import personal
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, House


async def exported(house: House, caller: Author = ALICE) -> dict[str, list[dict[str, object]]]:
    text = await house.told("privacy export", caller)
    kept = json.loads(text.removeprefix("```json\n").removesuffix("\n```"))["kept"]
    assert isinstance(kept, dict)
    return kept


def test_every_table_about_people_has_words_for_a_member() -> None:
    assert {entry.table.name for entry in personal()} == set(KINDS)


async def test_show_counts_what_is_kept_and_says_for_how_long(house: House) -> None:
    await house.heard("one", "answered", id="1")
    await house.heard("two", "answered", id="2")
    await house.heard("theirs", "answered", id="3", author=BOB)
    await house.do("admin model")  # refused, and noted
    text = await house.told("privacy show")
    assert "• 2 messages, yours and my answers" in text
    assert "• 1 note of what was done by you or to you" in text
    assert "for 24 hours" in text
    assert "notes of commands and of moderation for 365 days" in text
    assert "`/privacy forget` erases it" in text
    assert "optin" not in text


async def test_show_says_what_holds_in_encrypted_rooms_there_only(house: House) -> None:
    there = replace(CHANNEL, encrypted=True)
    assert "once I was restarted" in await house.told("privacy show", channel=there)
    assert "once I was restarted" not in await house.told("privacy show")


async def test_show_says_when_nothing_is_kept_and_when_one_has_opted_out(house: House) -> None:
    assert (await house.told("privacy show")).startswith("I have stored nothing about you.")
    await house.do("privacy optout")
    text = await house.told("privacy show")
    assert "• 1 mark that I must keep no message of yours" in text
    assert "`/privacy optin` takes that back" in text


async def test_export_is_json_of_ones_own_things_with_their_texts(house: House) -> None:
    await house.heard("my question", "answered", id="1")
    await house.heard("their question", "answered", id="2", author=BOB)
    said = SaidMessage(MessageRef(CHANNEL, "3"), "my answer", "1", house.clock(), ALICE.identity)
    await house.store.settle(Settlement(said=(said,)))
    text = await house.told("privacy export")
    document = json.loads(text.removeprefix("```json\n").removesuffix("\n```"))
    assert (document["platform"], document["user"], document["opted_out"]) == ("memory", "alice", False)
    assert "my question" in text
    assert "my answer" in text
    assert "their question" not in text


async def test_export_survives_whatever_people_write(house: House) -> None:
    nasty = 'a ``` fence, "quotes", half \ud83d a pair, \x00 and \u202e turned'
    await house.heard(nasty, "answered", id="1")
    text = await house.told("privacy export")
    text.encode()
    assert text.count("```") == 2
    (row,) = (await exported(house))["messages"]
    assert nasty in row.values()


async def test_an_export_too_long_for_a_chat_says_how_to_get_it(house: House) -> None:
    for id in range(10):
        await house.heard("x" * (EXPORT_CHARS // 10), "answered", id=str(id))
    text = await house.told("privacy export")
    assert "too many for a chat" in text
    assert "`llmos privacy export --platform memory --user alice`" in text
    assert "xxx" not in text


async def test_forget_asks_first_and_then_erases_ones_own_things_only(house: House) -> None:
    await house.heard("mine", "answered", id="1")
    await house.heard("theirs", "answered", id="2", author=BOB)
    text = await house.told("privacy forget")
    assert text.startswith("There is 1 entry about you.")
    assert "To go on, send `/privacy forget yes`." in text
    assert "messages" in await exported(house), "nothing is erased before it is confirmed"
    assert (await house.told("privacy forget yes")).startswith("Done: 1 entry about you is erased.")
    assert await house.store.messages.get(MessageRef(CHANNEL, "1")) is None
    assert await house.store.messages.get(MessageRef(CHANNEL, "2")) is not None
    assert (await house.told("privacy show")).startswith("I have stored nothing about you.")


async def test_forget_is_not_confirmed_by_anything_but_yes(house: House) -> None:
    await house.heard("mine", "answered", id="1")
    for line in ("privacy forget no", "privacy forget yes please", "privacy forget maybe"):
        assert "Usage: `/privacy forget [yes]`" in await house.told(line)
    assert "`confirm` cannot be “no”: I expected `yes`.\n" in await house.told("privacy forget no")
    assert await house.store.messages.get(MessageRef(CHANNEL, "1")) is not None


async def test_after_optout_nothing_is_kept_until_optin(house: House) -> None:
    assert "From now on I keep no message of yours" in await house.told("privacy optout")
    await house.heard("secret", "answered", id="1")
    assert await house.store.messages.get(MessageRef(CHANNEL, "1")) is None
    assert "I keep your messages for 24 hours" in await house.told("privacy optin")
    await house.heard("open", "answered", id="2")
    assert await house.store.messages.get(MessageRef(CHANNEL, "2")) is not None


async def test_everything_about_privacy_is_for_the_caller_only(house: House) -> None:
    for name in ("show", "export", "forget", "forget yes", "optout", "optin", "forget no"):
        (reply,) = await house.do(f"privacy {name}")
        assert isinstance(reply, Reply)
        assert reply.private
        assert reply.author == ALICE
        assert reply.personal == (name == "export"), "what is stored is shown nowhere else"


async def test_the_operators_words_hold_in_the_terms(house: House) -> None:
    services = replace(house.services, context_hours=72, audit_days=30)
    outcome = await services.commands.run_line(replace(house.context(), services=services), "privacy show")
    assert isinstance(outcome, tuple)
    assert isinstance(outcome[0], Reply)
    assert "for 72 hours" in outcome[0].text
    assert "for 30 days" in outcome[0].text
