"""`digest import` tells how far it is, what it learned, and how to go on."""

from datetime import timedelta

from bot.commands.command import OwnWords
from bot.core.actions import Status
from tests.commands.house import ALICE, BOB, MODERATOR, House
from tests.messages import message


async def said(house: House, line: str) -> tuple[list[str], str]:
    """The lines of progress, and the whole answer."""
    outcome = await house.services.commands.run_line(house.context(MODERATOR), line)
    assert isinstance(outcome, OwnWords)
    progress, text = list[str](), ""
    async for chunk in outcome.chunks:
        if isinstance(chunk, Status):
            progress.append(chunk.text)
        else:
            text += chunk
    return progress, text


def lived(house: House) -> None:
    """Yesterday somebody asked, and somebody answered."""
    at = house.clock() - timedelta(days=1)
    house.platform.past = [
        message("where is my umbrella?", id="1", author=ALICE, at=at),
        message("behind the door", id="2", author=BOB, at=at, reply_to="1"),
    ]


async def test_it_tells_how_far_it_is_and_what_it_learned(house: House) -> None:
    lived(house)
    progress, text = await said(house, "digest import")
    assert progress[-1].startswith("Reading the past: 1 of 1 channels, 2 messages and reactions.")
    assert text == (
        "I read 2 messages and reactions in 1 of 1 channels, and learned of 1 threads and 2 votes."
    )
    assert "umbrella" in await house.told("recommend", MODERATOR)
    assert ("digest import", "1 channels, 90 days") in await house.audited()


async def test_only_so_many_days_are_read(house: House) -> None:
    lived(house)
    house.clock.later(days=10)
    assert (await said(house, "digest import 5"))[1].startswith("I read 0 messages")
    assert "1 to 365" in await house.told("digest import 400", MODERATOR)


async def test_a_platform_that_fails_is_told_with_how_to_go_on(house: House) -> None:
    lived(house)
    house.platform.forgetful = True
    text = (await said(house, "digest import"))[1]
    assert text.startswith("The platform failed.")
    assert text.endswith("`/digest import` goes on where it ended.")


async def test_members_cannot(house: House) -> None:
    assert "is for moderators" in await house.told("digest import", ALICE)
