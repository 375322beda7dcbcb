"""`appeal`: authors get their words back, learn why, and are heard; nobody else reads any of it."""

from bot.core.actions import Alert, Post, Reply, Severity, Unban
from bot.core.events import Channel
from bot.storage.rulebooks import Rulebook
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, House
from tests.commands.test_mod import DESK, HOME, case, numbers, only, texts

PRIVATE = Channel("memory", "home", "bob", private=True)


async def test_the_author_gets_text_rule_and_evidence_back_and_a_way_to_appeal(house: House) -> None:
    await case(house, did=("delete", "ban"))
    (reply,) = await house.do("appeal", BOB)
    assert isinstance(reply, Reply)
    assert reply.personal
    assert reply.text == (
        "Case 1 is about this message of yours:\n```\nyou fool\n```\n"
        "The rule `rude`, version 3, found:\n• “fool” (4–8): a word that is not said here\n"
        "What was done: deleted, banned.\n"
        "If that was wrong, tell the moderators: `/appeal 1 YOUR WORDS`."
    )
    (control,) = reply.controls
    assert (control.command, control.arguments["case"]) == (("appeal",), 1)


async def test_nobody_but_the_author_learns_of_a_case(house: House) -> None:
    await case(house, did=("hide",))
    for who in (ALICE, MODERATOR):
        assert "There is no case 1 of yours" in await house.told("appeal 1", who)
        assert "There is no case 1 of yours" in await house.told("appeal 1 let him", who)
        assert "Nothing of yours was removed here" in await house.told("appeal", who)
    assert await house.store.appeals.get(1) is None


async def test_rules_that_are_tried_out_are_not_told_to_authors(house: House) -> None:
    await case(house, shadow=True)
    assert "Nothing of yours was removed here" in await house.told("appeal", BOB)
    assert "There is no case 1 of yours" in await house.told("appeal 1", BOB)


async def test_an_author_reaches_their_case_from_a_conversation_of_two(house: House) -> None:
    await case(house, did=("hide",))
    elsewhere = Channel("memory", "somewhere", "bob", private=True)
    for line in ("appeal 1", "appeal"):
        (reply,) = await house.do(line, BOB, elsewhere)
        assert isinstance(reply, Reply)
        assert "you fool" in reply.text
    abroad = Channel("memory", "abroad", "general")
    assert "Nothing of yours was removed here" in await house.told("appeal", BOB, abroad)


async def test_an_appeal_reaches_the_moderators_once(house: House) -> None:
    await house.store.rulebooks.save(Rulebook(HOME, log=DESK), "mia")
    await case(house, did=("hide",))
    actions = await house.do("appeal 1 I only quoted him.", BOB)
    card = only(actions, Post)
    assert isinstance(card, Post)
    assert (card.channel, card.title) == (DESK, "Appeal against case 1")
    assert "I only quoted him." in card.text
    assert "you fool" in card.text
    assert [control.arguments["verdict"] for control in card.controls] == ["uphold", "overturn"]
    assert "is with the moderators" in texts(actions)
    assert "already" in await house.told("appeal 1 again", BOB)
    assert "already" in await house.told("appeal 1", BOB)
    assert "1 appeal waits" in await house.told("mod appeals", MODERATOR)
    assert (await house.audited())[0] == ("appeal", "case 1")


async def test_without_a_channel_for_cards_the_moderators_are_alerted(house: House) -> None:
    await case(house, did=("hide",))
    alert = only(await house.do("appeal 1 I only quoted him.", BOB), Alert)
    assert isinstance(alert, Alert)
    assert "`mod appeals 1 uphold` or `overturn`" in alert.text


async def test_three_appeals_a_week_are_taken(house: House) -> None:
    for number in range(1, 5):
        await case(house, did=("hide",))
        house.clock.later(days=1)
        told = await house.told(f"appeal {number} no", BOB)
        assert ("within a week" in told) == (number == 4)
    house.clock.later(days=5)
    assert "is with the moderators" in await house.told("appeal 4 no", BOB)


async def test_the_same_appeal_after_a_kill_is_one_and_reaches_the_moderators(house: House) -> None:
    await case(house, did=("hide",))
    invoke, context = house.services.commands.invoke, house.context(BOB, call="the call")
    first = await invoke(context, ("appeal",), {"case": 1, "text": "no"})
    assert first == await invoke(context, ("appeal",), {"case": 1, "text": "no"})
    assert len(await house.store.appeals.waiting(HOME, 9)) == 1


async def test_an_overturned_appeal_takes_all_back_and_its_author_is_told(house: House) -> None:
    await house.do("mod ban @bob Sells accounts.", MODERATOR)
    await house.do("appeal 1 I do not.", BOB)
    actions = await house.do("mod appeals 1 overturn", MODERATOR)
    assert only(actions, Unban)
    assert await numbers(house) == []
    found = await house.store.cases.get(HOME, 1)
    assert found is not None
    assert found.state == "false alarm"
    post = only(actions, Post)
    assert isinstance(post, Post)
    assert (post.channel, post.controls[0].arguments) == (CHANNEL, {"case": 1})
    assert "accounts" not in post.text
    assert "was right, says Mia" in await house.told("appeal 1", BOB)
    assert "was right, says Mia" in await house.told("mod appeals 1 uphold", MODERATOR)
    assert await house.store.appeals.waiting(HOME, 9) == []


async def test_an_appeal_that_was_made_in_private_is_answered_there(house: House) -> None:
    await case(house, did=("hide",))
    await house.do("appeal 1 no", BOB, PRIVATE)
    replies = [each for each in await house.do("mod appeals 1 uphold", MODERATOR) if isinstance(each, Reply)]
    (answer,) = [reply for reply in replies if reply.author == BOB]
    assert answer.to.channel == PRIVATE
    assert answer.text == "The decision in case 1 stays, says Mia."
    assert (await house.store.cases.get(HOME, 1)) is not None


async def test_a_decision_on_an_appeal_comes_once_more_after_a_kill(house: House) -> None:
    await case(house, did=("hide",))
    await house.do("appeal 1 no", BOB)
    invoke, context = house.services.commands.invoke, house.context(MODERATOR, call="the call")
    arguments = {"case": 1, "verdict": "overturn"}
    first = await invoke(context, ("mod", "appeals"), arguments)
    again = await invoke(context, ("mod", "appeals"), arguments)
    assert first == again


async def test_why_tells_the_author_and_moderators_and_nobody_else(house: House) -> None:
    await case(house, did=("hide",))
    for who in (BOB, MODERATOR):
        (reply,) = await house.do("why 5", who)
        assert isinstance(reply, Reply)
        assert reply.personal
        assert "The rule `rude` (version 3 of the rules) acted: hidden." in reply.text
        assert "“fool” (4–8)" in reply.text
    text = await house.told("why 5", ALICE)
    assert "The moderation of this place acted on it" in text
    assert "rude" not in text
    assert "fool" not in text
    await house.do("mod resolve 1 approve", MODERATOR)
    assert "It may stay, says Mia." in await house.told("why 5", BOB)


async def test_why_keeps_apart_what_the_rule_did_and_what_a_moderator_did(house: House) -> None:
    await case(house, severity=Severity.QUEUE)
    asked = "The rule `rude` (version 3 of the rules) found something in it and asked the moderators."
    assert asked in await house.told("why 5", BOB)
    await house.do("mod resolve 1 delete", MODERATOR)
    for who in (BOB, MODERATOR):
        text = await house.told("why 5", who)
        assert asked in text
        assert "deleted, by Mia." in text


async def test_why_tells_only_moderators_and_authors_of_rules_that_are_tried_out(house: House) -> None:
    await case(house, shadow=True)
    assert "It would hide it, and did nothing." in await house.told("why 5", MODERATOR)
    assert await house.told("why 5", ALICE) == (
        f"About https://chat.example/{CHANNEL.key}/5: I took note of it; it was nothing to answer."
    )
    await house.heard("hm", "noted:rude", id="6", author=BOB)
    assert "took a note; nothing else" in await house.told("why 6", BOB)
    assert "nothing to answer" in await house.told("why 6", ALICE)
