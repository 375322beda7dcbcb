"""`knowledge faq`: what may become an entry, who reads it, and what takes it away."""

import re

import pytest

from bot.core.events import Author, Channel, MessageRef
from bot.knowledge.asked import earlier
from bot.knowledge.document import Document, Section
from bot.storage.citations import Citation
from bot.storage.messages import SaidMessage
from bot.storage.passages import Shelf
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, THREAD, House
from tests.messages import EPOCH, message

QUESTION = "When does the harbor of the blue heron open?"
ANSWER = "The harbor of the blue heron opens at nine, but never on Mondays."


async def answered(
    house: House,
    id: str = "q1",
    *,
    channel: Channel = CHANNEL,
    question: str = QUESTION,
    answer: str = ANSWER,
    liked_by: Author | None = BOB,
    rests_on: str = "",
) -> MessageRef:
    """A question that the bot answered in an archived channel, and that somebody found helpful."""
    await house.store.policies.set(CHANNEL.key, "archive", "yes")
    await house.heard(question, "answered", id=id, channel=channel)
    ref = MessageRef(channel, f"{id}-answer")
    said = SaidMessage(ref, answer, id, house.clock(), ALICE.identity, asked_at=house.clock())
    cited = ((ref, (Citation(1, rests_on, EPOCH),)),) if rests_on else ()
    await house.store.settle(Settlement(said=(said,), cited=cited))
    if liked_by is not None:
        await house.store.ratings.rate(ref, liked_by.identity, helpful=True)
    return ref


async def number(house: House) -> int:
    """The number of the first answer in the list."""
    found = re.search(r"• (\d+):", await house.told("knowledge faq", MODERATOR))
    assert found is not None
    return int(found[1])


async def promoted(house: House) -> str:
    """An answer that became an entry; its id."""
    await answered(house)
    assert "entry of the FAQ" in await house.told(f"knowledge faq {await number(house)} yes", MODERATOR)
    (shelf,) = await entries(house)
    return shelf.document


async def entries(house: House) -> list[Shelf]:
    shelves = await house.store.passages.documents(CHANNEL.community_key)
    return [each for each in shelves if each.document.startswith("faq:")]


async def test_an_answer_that_helped_is_listed_and_one_that_did_not_is_not(house: House) -> None:
    assert "No answer waits" in await house.told("knowledge faq", MODERATOR)
    ref = await answered(house)
    listed = await house.told("knowledge faq", MODERATOR)
    assert QUESTION in listed
    assert ANSWER in listed
    await house.store.ratings.rate(ref, ALICE.identity, helpful=False)
    assert "No answer waits" in await house.told("knowledge faq", MODERATOR)


async def test_nothing_is_promoted_that_nobody_called_helpful_or_that_is_not_archived(house: House) -> None:
    await answered(house, liked_by=None)
    assert "No answer waits" in await house.told("knowledge faq", MODERATOR)
    await answered(house, "q2")
    await house.store.policies.set(CHANNEL.key, "archive", "no")
    assert "No answer waits" in await house.told("knowledge faq", MODERATOR)


async def test_members_neither_see_nor_promote_it(house: House) -> None:
    await answered(house)
    assert "for moderators" in await house.told("knowledge faq", BOB)
    assert "for moderators" in await house.told("knowledge faq 2 yes", BOB)
    assert not await entries(house)


async def test_a_yes_makes_an_entry_that_the_readers_of_the_channel_find(house: House) -> None:
    id = await promoted(house)
    search = house.services.search
    assert search is not None
    query = await search.query(QUESTION, CHANNEL.community_key)
    (found,) = await search.find(query, CHANNEL.community_key, EPOCH, {CHANNEL.key})
    assert (found.passage.document, found.passage.title) == (id, f"FAQ: {QUESTION}")
    assert found.passage.link.endswith("q1-answer")
    assert not await search.find(query, CHANNEL.community_key, EPOCH, {"", "memory/home/other"})
    assert "No answer waits" in await house.told("knowledge faq", MODERATOR)


async def test_who_asks_the_same_again_gets_a_hint_to_the_entry(house: House) -> None:
    id = await promoted(house)
    search = house.services.search
    assert search is not None
    found = await earlier(search, "", QUESTION, CHANNEL.community_key, EPOCH, {CHANNEL.key})
    assert found is not None
    assert found.source.id == id


async def test_a_no_takes_it_off_the_list(house: House) -> None:
    await answered(house)
    assert "off the list" in await house.told(f"knowledge faq {await number(house)} no", MODERATOR)
    assert "No answer waits" in await house.told("knowledge faq", MODERATOR)
    assert not await entries(house)


@pytest.mark.parametrize("gone", ["q1", "q1-answer"])
async def test_an_entry_goes_with_its_question_and_with_its_answer(house: House, gone: str) -> None:
    await promoted(house)
    await house.store.settle(Settlement(removed=(MessageRef(CHANNEL, "another"),)))
    assert await entries(house)
    await house.store.settle(Settlement(removed=(MessageRef(CHANNEL, gone),)))
    assert not await entries(house)


async def test_an_entry_goes_when_its_question_is_edited(house: House) -> None:
    await promoted(house)
    await house.store.settle(Settlement(edited=((message("", id="q1").ref, "never mind"),)))
    assert not await entries(house)


@pytest.mark.parametrize("wish", ["forget", "optout"])
async def test_an_entry_goes_with_who_asked(house: House, wish: str) -> None:
    await promoted(house)
    if wish == "forget":
        await house.store.privacy.forget(ALICE.identity)
    else:
        await house.store.privacy.opt_out(ALICE.identity)
    assert not await entries(house)


async def test_moderators_remove_an_entry_as_any_document(house: House) -> None:
    id = await promoted(house)
    assert f"• {id}: FAQ: When does the harbor" in await house.told("knowledge list", MODERATOR)
    assert "is removed" in await house.told(f"knowledge remove {id}", MODERATOR)
    assert not await entries(house)


async def test_what_quotes_members_stays_theirs(house: House) -> None:
    index = house.services.index
    assert index is not None
    talk = Document("run", "", (Section(ANSWER, EPOCH, "https://chat.example/1", "somebody"),), CHANNEL.key)
    await index.add(CHANNEL.community_key, [talk])
    await answered(house, answer=f"I found this:\n> {ANSWER} [1]", rests_on="run")
    assert "words of your own" in await house.told(f"knowledge faq {await number(house)} yes", MODERATOR)
    assert not await entries(house)


async def test_an_answer_from_what_is_written_down_may_be_promoted_without_its_sources(house: House) -> None:
    index = house.services.index
    assert index is not None
    await index.add(CHANNEL.community_key, [Document("Hours", "Hours", (Section(ANSWER, EPOCH),))])
    await answered(house, answer=f"{ANSWER} [1]", rests_on="Hours")
    assert "entry of the FAQ" in await house.told(f"knowledge faq {await number(house)} yes", MODERATOR)
    assert await entries(house)


async def test_an_answer_in_a_thread_is_for_the_readers_of_its_channel(house: House) -> None:
    await answered(house, channel=THREAD, question=f"!llmos ask {QUESTION}")
    assert "entry of the FAQ" in await house.told(f"knowledge faq {await number(house)} yes", MODERATOR)
    (entry,) = await entries(house)
    assert entry.title == f"FAQ: {QUESTION}"
    assert await house.store.passages.any(CHANNEL.community_key, {CHANNEL.key})
