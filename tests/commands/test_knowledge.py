"""`knowledge add, list, remove`: what a moderator writes down is found, listed and taken back."""

import pytest

from bot.core.events import Channel
from bot.knowledge.archiving import Archiver
from bot.knowledge.search import Search
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, CHANNEL, MODERATOR, House
from tests.messages import EPOCH, message

HOURS = 'knowledge add "Opening hours" We open at nine, but never on Mondays.'


async def found(house: House, question: str, community: str = CHANNEL.community_key) -> list[str]:
    index = house.services.index
    assert index is not None
    search = Search(index)
    findings = await search.find(await search.query(question), community, EPOCH, {""})
    return [hit.passage.text for each in findings for hit in each.hits]


async def told(house: House, line: str, channel: Channel = CHANNEL) -> str:
    return await house.told(line, MODERATOR, channel)


async def test_what_is_written_down_is_found_by_everybody_of_the_community_and_nobody_else(
    house: House,
) -> None:
    assert "“Opening hours” is added" in await told(house, HOURS)
    assert await found(house, "when do you open?") == ["We open at nine, but never on Mondays."]
    assert await found(house, "when do you open?", "memory/elsewhere") == []


async def test_the_same_title_replaces(house: House) -> None:
    await told(house, HOURS)
    assert "is replaced" in await told(house, 'knowledge add "Opening  hours" We open at ten.')
    assert await found(house, "open hours") == ["We open at ten."]


async def test_it_is_listed_and_removed_by_its_title(house: House) -> None:
    await told(house, HOURS)
    assert (await told(house, "knowledge list")).splitlines() == [
        "• Opening hours",
        "0 messages of this channel are archived.",
    ]
    assert "“Opening hours” is removed" in await told(house, "knowledge remove Opening hours")
    assert await found(house, "open") == []
    assert "Nothing is written down yet" in await told(house, "knowledge list")
    assert [verb for verb, _detail in await house.audited()] == ["knowledge remove", "knowledge add"]


async def test_archived_talk_is_counted_and_not_listed(house: House) -> None:
    await told(house, "channel set archive yes")
    said = message("the umbrella is red", at=house.clock())
    await house.store.settle(Settlement(archived=(said,)))
    index = house.services.index
    assert index is not None
    await Archiver(house.store.archive, index, house.platform, house.clock).catch_up()
    assert await told(house, "knowledge list") == (
        "Nothing is written down yet. `/knowledge add` does it.\n1 message of this channel is archived."
    )
    assert "There is nothing called" in await told(house, f"knowledge remove {CHANNEL.key}/{said.ref.id}")


async def test_another_communitys_documents_are_not_removed(house: House) -> None:
    await told(house, HOURS)
    there = Channel("memory", "elsewhere", "general")
    assert "There is nothing called “Opening hours”" in await told(
        house, "knowledge remove Opening hours", there
    )
    assert await found(house, "open") != []


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("knowledge add https://example.org/handbook", "I fetch nothing here"),
        ("knowledge add handbook https://example.org/handbook", "I fetch nothing here"),
        ("knowledge add Hours", "I need a title and what I shall know"),
        (f'knowledge add "{"x" * 101}" text', "at most 100 characters"),
        ("knowledge add", "`title` is missing"),
        ("knowledge remove nothing", "There is nothing called “nothing”"),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(house: House, line: str, part: str) -> None:
    assert part in await told(house, line)
    assert await house.audited() == []


async def test_it_is_for_moderators(house: House) -> None:
    for line in (HOURS, "knowledge list", "knowledge remove x"):
        assert "is for moderators" in await house.told(line, ALICE)
