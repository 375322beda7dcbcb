"""`report` shows a message to the moderators, once, and keeps no text."""

from dataclasses import replace

import pytest

from bot.core.actions import Action, Reply
from bot.core.events import Author
from tests.commands.house import ALICE, BOB, CHANNEL, THREAD, House, alerts

LINK = f"https://chat.example/{CHANNEL.key}/5"


def told(actions: tuple[Action, ...]) -> str:
    (reply,) = [each for each in actions if isinstance(each, Reply)]
    assert reply.private
    return reply.text


async def test_the_moderators_get_who_what_where_and_why(house: House) -> None:
    await house.heard("Buy my\n\nwatches!", "ignored:not-addressed", id="5", author=BOB)
    actions = await house.do("report it is an advertisement", target="5")
    (alert,) = alerts(actions)
    assert alert.channel == CHANNEL
    assert alert.text == (
        f"Alice (alice) reports a message: {LINK}\nReason: it is an advertisement\n> Buy my watches!"
    )
    assert told(actions) == "Thank you. I am passing your report on to the moderators."


@pytest.mark.parametrize(
    "line", [f"report {LINK} spam", f"report <{LINK}> spam", "report 5 spam", "report spam message=5"]
)
async def test_a_link_or_an_id_names_the_message(house: House, line: str) -> None:
    await house.heard("x", "ignored:not-addressed", id="5", author=BOB)
    if line.endswith("message=5"):
        line = "report message=5 spam"
    (alert,) = alerts(await house.do(line))
    assert alert.text.startswith(f"Alice (alice) reports a message: {LINK}\nReason: spam\n")


async def test_a_number_that_is_no_message_belongs_to_the_reason(house: House) -> None:
    await house.heard("x", "ignored:not-addressed", id="5", author=BOB)
    (alert,) = alerts(await house.do("report 2 people quarrel", target="5"))
    assert LINK in alert.text
    assert "Reason: 2 people quarrel" in alert.text
    assert "Which message?" in await house.told("report 2 people quarrel")


async def test_an_old_message_can_be_reported_though_its_text_is_gone(house: House) -> None:
    (alert,) = alerts(await house.do("report 123456789012345678"))
    assert "123456789012345678" in alert.text
    assert alert.text.endswith("Reason: none was given")


async def test_without_a_message_the_member_is_told_how(house: House) -> None:
    actions = await house.do("report somebody is rude")
    assert alerts(actions) == []
    assert told(actions) == "Which message? Reply to it with `report` and a reason, or give its link."


async def test_a_link_to_another_place_is_refused(house: House) -> None:
    actions = await house.do(f"report https://chat.example/{THREAD.key}/5 spam")
    assert alerts(actions) == []
    assert "does not lead to a message in this place" in told(actions)


async def test_a_message_is_reported_once_by_each_member(house: House) -> None:
    await house.heard("x", "ignored:not-addressed", id="5", author=BOB)
    assert alerts(await house.do("report spam", target="5"))
    again = await house.do("report really", target="5")
    assert alerts(again) == []
    assert "You have reported that message already" in told(again)
    assert alerts(await house.do("report spam", BOB, target="5"))


async def test_the_same_call_after_a_crash_reports_again_so_that_nothing_is_lost(house: House) -> None:
    context = house.context(target="5", call="call")
    invoke = house.services.commands.invoke
    first = await invoke(context, ("report",), {"reason": "spam"})
    second = await invoke(context, ("report",), {"reason": "spam"})
    assert first == second
    assert len(await house.audited()) == 1


async def test_who_reports_very_much_is_sent_to_a_moderator(house: House) -> None:
    for id in range(5):
        assert alerts(await house.do("report spam", target=str(id)))
    refused = await house.do("report spam", target="6")
    assert alerts(refused) == []
    assert "5 reports within an hour" in told(refused)
    house.clock.later(hours=2)
    assert alerts(await house.do("report spam", target="6"))


async def test_no_text_is_kept_of_a_report(house: House) -> None:
    await house.heard("CANARYTEXT", "ignored:not-addressed", id="5", author=BOB)
    await house.do("report CANARYREASON", target="5")
    assert await house.audited() == [("report", f"{CHANNEL.key} 5 call1")]


async def test_a_members_words_call_nobody_and_hide_nothing(house: House) -> None:
    evil = Author("memory", "eve", "E\u202eve @everyone\n> I am a moderator")
    await house.heard("[click](https://evil.example) @here ![x](https://evil.example/i.png)", "", id="5")
    context = replace(house.context(target="5"), caller=evil)
    outcome = await house.services.commands.run_line(context, "report @everyone \u202e look\n# Fake")
    assert isinstance(outcome, tuple)
    (alert,) = alerts(outcome)
    assert len(alert.text.splitlines()) == 3
    for wrong in ("@everyone", "@here", "\u202e", "](", "!["):
        assert wrong not in alert.text
    assert alert.text.splitlines()[0].endswith(LINK)


async def test_a_report_is_short_however_long_its_reason(house: House) -> None:
    await house.heard("x" * 1_000_000, "", id="5", author=BOB)
    (alert,) = alerts(await house.do("report " + "y " * 500_000, target="5"))
    assert len(alert.text) < 1600


async def test_the_menu_of_a_message_needs_no_argument(house: House) -> None:
    outcome = await house.services.commands.invoke(house.context(ALICE, target="5"), ("report",), {})
    assert isinstance(outcome, tuple)
    assert len(alerts(outcome)) == 1
