"""`sources` shows what an answer rests on to whoever may read it at that moment."""

from datetime import timedelta

import pytest

from bot.core.actions import Reply
from bot.core.events import MessageRef
from bot.knowledge.document import Document, Section
from bot.knowledge.index import Index
from bot.storage.citations import Citation
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, House
from tests.commands.test_search import HARBOR, HOME, SECRET, index, said, town
from tests.knowledge.conftest import document
from tests.messages import EPOCH

__all__ = ["index", "town"]

ANSWER = MessageRef(CHANNEL, "900")
GONE = "This is gone or was changed, or you may not read it."


@pytest.fixture
async def cited(town: House, index: Index) -> None:
    """An answer that rests on a document and on what was said in a secret channel."""
    await index.add(HOME, [HARBOR, said("plan", "The harbor is sold in May.", SECRET)])
    found = (Citation(1, "harbor", EPOCH), Citation(2, "plan", EPOCH))
    await town.store.settle(Settlement(cited=((ANSWER, found),)))


async def test_an_answers_sources_are_shown_word_for_word(town: House, cited: None) -> None:
    assert await town.told("sources 900", BOB) == (
        "[1] Harbor https://example.org/harbor\n> The harbor opens at nine.\n> Bring a rope.\n\n"
        "[2] https://example.org/plan\n> The harbor is sold in May."
    )


async def test_who_may_not_read_a_source_is_not_shown_it(town: House, cited: None) -> None:
    told = await town.told("sources 900", ALICE)
    assert "Bring a rope" in told
    assert f"[2] {GONE}" in told
    assert "sold" not in told


async def test_what_others_may_not_read_is_for_the_caller_alone(town: House, cited: None) -> None:
    (reply,) = await town.do("sources 900", BOB)
    assert isinstance(reply, Reply)
    assert reply.personal
    (reply,) = await town.do("sources 900", ALICE)
    assert isinstance(reply, Reply)
    assert (reply.private, reply.personal) == (True, False)


async def test_what_was_taken_out_of_the_index_is_shown_no_more(
    town: House, index: Index, cited: None
) -> None:
    await index.passages.remove(HOME, ["harbor"])
    told = await town.told("sources 900", BOB)
    assert f"[1] {GONE}" in told
    assert "nine" not in told


async def test_what_stands_in_another_community_is_not_shown(town: House, index: Index) -> None:
    await index.add("memory/elsewhere", [document("far", "Another harbor.")])
    await town.store.settle(Settlement(cited=((ANSWER, (Citation(1, "far", EPOCH),)),)))
    assert await town.told("sources 900") == f"[1] {GONE}"


async def test_without_a_message_it_is_the_last_answer_of_the_place(town: House, cited: None) -> None:
    town.clock.at += timedelta(minutes=1)
    plan = (Citation(1, "plan", EPOCH),)
    await town.store.settle(Settlement(cited=((MessageRef(SECRET, "901"), plan),)))
    assert "Bring a rope" in await town.told("sources", BOB)
    await town.store.settle(Settlement(cited=((MessageRef(CHANNEL, "950"), plan),)))
    assert "Bring a rope" not in await town.told("sources", BOB)


LONG = "\n\n".join(
    f"Pier {n} takes boats of {n} meters. " + "The rest is told at the office. " * 12 for n in range(700)
)


async def quoting(town: House, index: Index, words: str) -> None:
    """An answer that quotes one passage of a long page."""
    await index.add(HOME, [document("piers", LONG)])
    channels = frozenset({""})
    pages = await index.passages.part_of("piers", HOME, channels, 900)
    assert len(pages) > 500
    (quoted,) = [each for each in pages if words in each.text]
    await town.store.settle(Settlement(cited=((ANSWER, (Citation(1, "piers", EPOCH, quoted.mark),)),)))


async def test_of_a_long_page_the_quoted_passage_is_shown_and_nothing_else(town: House, index: Index) -> None:
    await quoting(town, index, "Pier 650 ")
    told = await town.told("sources 900")
    assert "> Pier 650 takes boats of 650 meters." in told
    assert told.count("Pier ") == 1


async def test_a_page_that_is_read_again_unchanged_shows_the_same_passage(town: House, index: Index) -> None:
    await quoting(town, index, "Pier 650 ")
    section = Section(LONG, EPOCH + timedelta(days=1))
    await index.add(HOME, [document("first", "Another page."), Document("piers", "", (section,))])
    told = await town.told("sources 900")
    assert "Pier 650 " in told
    assert "Pier 0 " not in told


async def test_of_a_passage_that_was_changed_it_says_so_and_shows_no_other(town: House, index: Index) -> None:
    await quoting(town, index, "Pier 650 ")
    await index.add(HOME, [document("piers", LONG.replace("650 meters", "651 meters"))])
    assert await town.told("sources 900") == f"[1] {GONE}"


async def test_other_messages_have_none(town: House) -> None:
    assert await town.told("sources 901") == "That message names no sources."
    assert await town.told("sources") == "No answer of mine here names sources."


async def test_a_long_source_is_cut(town: House, index: Index) -> None:
    await index.add(HOME, [document("long", "The harbor is wide. " * 200)])
    await town.store.settle(Settlement(cited=((ANSWER, (Citation(1, "long", EPOCH),)),)))
    told = await town.told("sources 900")
    assert told.endswith(" …")
    assert 800 < len(told) < 1_100
