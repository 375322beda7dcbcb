"""`stop` ends an answer for its asker or a moderator, in one place."""

import asyncio

import pytest

from bot.conversation.running import Handle
from bot.core.actions import Reply
from bot.core.events import MessageRef
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, THREAD, House

SLOW = "bot.commands.stop.ENDS_WITHIN_S"
NOTHING = "I am not writing an answer to you here. Only who asked, or a moderator, can stop an answer."


@pytest.fixture(autouse=True)
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes the answers of these tests, so none of them ends."""
    monkeypatch.setattr(SLOW, 0)


async def test_stopped_is_said_when_the_answer_has_ended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(answer: Handle) -> None:
        await answer.stopped.wait()
        await asyncio.sleep(0)
        happened.append("ended")
        answer.finish()

    monkeypatch.setattr(SLOW, 60)
    happened: list[str] = []
    answer = house.services.running.begin(MessageRef(CHANNEL, "1"), ALICE.identity)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write(answer))
        happened.append(await house.told("stop"))
    assert happened == ["ended", "I stopped; what I had written stays."]


async def test_a_member_stops_their_own_answer_and_what_is_written_stays(house: House) -> None:
    running = house.services.running
    mine, theirs = (
        running.begin(MessageRef(CHANNEL, "1"), ALICE.identity),
        running.begin(MessageRef(CHANNEL, "2"), BOB.identity),
    )
    assert await house.told("stop") == "I stopped; what I had written stays."
    assert (mine.reason, theirs.reason) == ("stopped", None)
    assert house.platform.asked == 0, "nobody needs rights to stop what they began"


async def test_a_member_cannot_stop_somebody_elses_answer(house: House) -> None:
    theirs = house.services.running.begin(MessageRef(CHANNEL, "2"), BOB.identity)
    assert await house.told("stop") == NOTHING
    assert theirs.reason is None


async def test_a_moderator_stops_all_answers_of_the_place_but_their_own_first(house: House) -> None:
    running = house.services.running
    own = running.begin(MessageRef(CHANNEL, "1"), MODERATOR.identity)
    others = [running.begin(MessageRef(CHANNEL, id), BOB.identity) for id in "23"]
    elsewhere = running.begin(MessageRef(THREAD, "4"), BOB.identity)
    assert await house.told("stop", MODERATOR) == "I stopped; what I had written stays."
    assert own.reason == "stopped"
    assert [each.reason for each in others] == [None, None]
    assert await house.told("stop", MODERATOR) == "I stopped 2 answers."
    assert [each.reason for each in others] == ["stopped", "stopped"]
    assert elsewhere.reason is None


async def test_where_nothing_is_written_nobody_is_asked_about_rights(house: House) -> None:
    house.platform.broken = True
    assert await house.told("stop", MODERATOR) == NOTHING
    assert house.platform.asked == 0


async def test_a_platform_that_does_not_tell_rights_stops_nothing(house: House) -> None:
    house.platform.broken = True
    theirs = house.services.running.begin(MessageRef(CHANNEL, "2"), BOB.identity)
    (reply,) = await house.do("stop", MODERATOR)
    assert isinstance(reply, Reply)
    assert reply.private
    assert "so I did nothing" in reply.text
    assert theirs.reason is None
