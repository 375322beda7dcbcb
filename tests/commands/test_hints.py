"""`knowledge hints, hint, solved`: who decides about hints, once, and when nobody has to any more."""

import pytest

from bot.commands.knowledge.hints import TRIED
from bot.core.actions import Reply
from bot.core.events import Author
from bot.knowledge.document import Document, Section
from bot.storage.hints import Hint
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, House
from tests.messages import EPOCH, message

QUESTION = "How do I renew the wildcard certificate on the proxy?"
ANSWER = "Run certbot with the DNS plugin and reload the proxy; it takes ten minutes and nobody notices."


async def asked(house: House, id: str = "q1", author: Author = ALICE) -> Hint:
    """A question that was answered before, and waits for a moderator."""
    index = house.services.index
    assert index is not None
    await index.add(CHANNEL.community_key, [Document("tls", QUESTION, (Section(ANSWER, EPOCH),))])
    await house.store.policies.set(CHANNEL.key, "duplicates", "ask")
    house.clock.later(minutes=1)
    await house.heard(QUESTION, "ignored:not-addressed", id=id, author=author)
    await house.services.hinting.follow(message(QUESTION, id=id, author=author, at=house.clock()))
    number = house.store.hints.number(message("", id=id).ref)
    assert number is not None
    found = await house.store.hints.get(number)
    assert found is not None
    return found


def said(actions: object) -> list[Reply]:
    assert isinstance(actions, tuple)
    return [each for each in actions if isinstance(each, Reply) and each.controls]


async def test_a_yes_says_the_hint_to_who_asked(house: House) -> None:
    hint = await asked(house)
    (reply,) = said(await house.do(f"knowledge hint {hint.number} yes", MODERATOR))
    assert (reply.to, reply.author.id) == (hint.question, ALICE.id)
    assert ANSWER in reply.text
    assert [control.label for control in reply.controls] == ["That solved it", "Not helpful"]


async def test_a_no_says_nothing_and_the_first_decision_counts(house: House) -> None:
    hint = await asked(house)
    assert not said(await house.do(f"knowledge hint {hint.number} no", MODERATOR))
    assert "decided already" in await house.told(f"knowledge hint {hint.number} yes", MODERATOR)


async def test_the_same_call_after_a_kill_says_the_same(house: House) -> None:
    hint = await asked(house)
    context = house.context(MODERATOR, call="c1")
    first = await house.services.commands.run_line(context, f"knowledge hint {hint.number} yes")
    again = await house.services.commands.run_line(context, f"knowledge hint {hint.number} yes")
    assert said(first) == said(again) != []


async def test_members_do_not_decide(house: House) -> None:
    hint = await asked(house)
    assert "for moderators" in await house.told(f"knowledge hint {hint.number} yes", BOB)
    assert "no hint 77" in await house.told("knowledge hint 77 yes", MODERATOR)


async def test_what_changed_meanwhile_is_not_said(house: House) -> None:
    hint = await asked(house)
    assert house.services.index is not None
    await house.services.index.remove(CHANNEL.community_key, ["tls"])
    assert "not there any more" in await house.told(f"knowledge hint {hint.number} yes", MODERATOR)
    found = await house.store.hints.get(hint.number)
    assert found is not None
    assert found.state == "waiting"


async def test_only_who_asked_says_whether_it_helped(house: House) -> None:
    hint = await asked(house)
    await house.do(f"knowledge hint {hint.number} yes", MODERATOR)
    assert "Only who asked" in await house.told(f"knowledge solved {hint.number} yes", BOB)
    assert "noted" in await house.told(f"knowledge solved {hint.number} no", ALICE)
    assert "1 did not help" in await house.told("knowledge hints", MODERATOR)


async def test_waiting_hints_are_listed_for_moderators(house: House) -> None:
    assert "no hints yet" in await house.told("knowledge hints", MODERATOR)
    hint = await asked(house)
    listed = await house.told("knowledge hints", MODERATOR)
    assert QUESTION in listed
    assert f"knowledge hint {hint.number} yes" in listed


@pytest.mark.parametrize(("declined", "offered"), [(0, True), (2, True), (3, False)])
async def test_after_enough_right_ones_moderators_hear_how_not_to_be_asked(
    house: House, declined: int, offered: bool
) -> None:
    told = ""
    for n in range(declined + TRIED):
        hint = await asked(house, f"q{n}")
        verdict = "no" if n < declined else "yes"
        replies = await house.do(f"knowledge hint {hint.number} {verdict}", MODERATOR)
        told = " ".join(each.text for each in replies if isinstance(each, Reply))
    assert ("duplicates on" in told) == offered


async def test_forgetting_who_asked_forgets_the_hint(house: House) -> None:
    hint = await asked(house)
    assert (await house.store.privacy.show(ALICE.identity))["hints"] == 1
    await house.store.privacy.forget(ALICE.identity)
    assert await house.store.hints.get(hint.number) is None
    assert house.store.hints.number(hint.question) is None
