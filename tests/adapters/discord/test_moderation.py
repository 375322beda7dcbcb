"""Cases on Discord: a card with buttons, a decision, the removed words for their author alone, an appeal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.app import App
from bot.storage.rulebooks import Rulebook
from tests.adapters.discord.house import House
from tests.adapters.discord.test_slash import answered
from tests.labs.discord import Json
from tests.labs.discord.people import Shown, show
from tests.moderation.test_review import LOUD, RUDE, RULES

OPEN = ["Approve", "Delete", "Warn", "Time out", "Ban", "False alarm"]


@pytest.fixture
def staff(house: House) -> Json:
    """The channel in which the moderators read."""
    house.message_content = True
    return house.server.channel("moderators")


@asynccontextmanager
async def moderated(house: House, staff: Json) -> AsyncIterator[App]:
    async with house.living() as app:
        community = f"discord/{house.server.id}"
        book = Rulebook(
            community, rules=RULES, log=house.place(staff), enforced=frozenset({"rude", "shouting"})
        )
        await app.store.rulebooks.save(book, actor="mia")
        yield app


async def card(house: House, staff: Json, title: str, *buttons: str) -> Shown:
    """Wait until a card with this in its title has exactly these buttons."""

    def found() -> list[Shown]:
        return [
            each
            for each in show(house.lab, staff)
            if each.embeds and title in str(each.embeds[0]["title"]) and each.buttons == [*buttons]
        ]

    (shown,) = await house.lab.until(found)
    return shown


def said(house: House, author: str) -> list[str]:
    return [each.text for each in show(house.lab, house.general) if each.author == author]


async def test_of_two_clicks_one_deletes_and_card_and_second_tell_who_did(house: House, staff: Json) -> None:
    ben, mia, max_ = house.person("ben"), house.person("mia", "moderator"), house.person("max", "moderator")
    async with moderated(house, staff):
        ben.say(house.general, LOUD)
        posted = await card(house, staff, "Case 1", *OPEN)
        clicks = (mia.click(posted.id, "Delete"), max_.click(posted.id, "Delete"))
        answers = [await answered(house, click) for click in clicks]
        decided = await card(house, staff, "Case 1", "Undo")
        await house.lab.until(lambda: not said(house, ben.id))
    assert LOUD in str(posted.embeds[0]["description"])
    (late,) = [each.text for each in answers if "decided already" in each.text]
    first = "Mia" if "by Mia" in late else "Max"
    assert late == f"Case 1 is decided already. deleted, by {first}."
    assert f"deleted**, by {first}" in str(decided.embeds[0]["description"])
    assert all(each.ephemeral for each in answers)


async def test_the_removed_words_come_back_to_their_author_alone_and_an_appeal_is_heard(
    house: House, staff: Json
) -> None:
    ben, mia = house.person("ben"), house.person("mia", "moderator")
    async with moderated(house, staff) as app:
        ben.say(house.general, RUDE)
        await card(house, staff, "Case 1", *OPEN, "Undo")
        (notice,) = await house.lab.until(
            lambda: [each for each in show(house.lab, house.general) if each.buttons == ["Show me why"]]
        )
        strangers = await answered(house, house.anna.click(notice.id, "Show me why"))
        back = await answered(house, ben.click(notice.id, "Show me why"))
        thanks = await answered(house, ben.click(back.id, "Appeal"))
        appeal = await card(
            house, staff, "Appeal against case 1", "The decision stays", "The author is right"
        )
        await answered(house, mia.click(appeal.id, "The author is right"))
        await card(house, staff, "Case 1", "Undo")
        await house.lab.until(lambda: [t for t in said(house, house.us) if "decided about your appeal" in t])
        strikes = app.store.strikes.of(f"discord/{house.server.id}", ("discord", ben.id))
    assert "fool" not in strangers.text
    assert back.ephemeral
    assert RUDE in back.text
    assert "The rule `rude`, version 1, found:" in back.text
    assert "is with the moderators" in thanks.text
    assert strikes == ()
    assert not any("fool" in text for text in said(house, house.us) if text != back.text)


async def test_a_ban_by_hand_is_lifted_by_undo(house: House, staff: Json) -> None:
    ben, mia = house.person("ben"), house.person("mia", "moderator")
    async with moderated(house, staff):
        banned = await answered(
            house, mia.slash(house.general, "mod ban", member=f"<@{ben.id}>", reason="Sells accounts.")
        )
        await house.lab.until(lambda: ben.id not in house.server.members())
        refused = await answered(
            house, mia.slash(house.general, "mod ban", member=f"<@{house.us}>", reason="It annoys me.")
        )
        undone = await answered(house, mia.slash(house.general, "mod undo", case=1))
    assert "Done: case 1" in banned.text
    assert "I do nothing to moderators, administrators or myself" in refused.text
    assert "Taken back" in undone.text
