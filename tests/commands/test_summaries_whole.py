"""Summaries through the whole bot: who sees them, and what stays of them."""

from pathlib import Path

import pytest

from bot.llm.echo import EchoModel
from bot.llm.model import Capabilities
from tests.living import Life

PARTY = "We decided: the release party is on Friday at seven."


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


async def stands(life: Life, text: str) -> None:
    """Wait until the bot has said this in the room."""
    await life.until(lambda: any(text in said for said in life.world.answers(life.room)))


@pytest.mark.parametrize("able", [True, False])
async def test_nothing_of_a_summary_is_kept_as_words_of_the_bot(life: Life, able: bool) -> None:
    life.model = EchoModel(capabilities=Capabilities(can_answer=able))
    anna, ben = life.person("anna"), life.person("ben")
    async with life.bot():
        life.world.say(anna, life.room, PARTY)
        life.world.say(ben, life.room, "!llmos summarize")
        await stands(life, "Friday at seven")
        life.world.say(ben, life.room, "!llmos catchup")
        await life.until(
            lambda: any("you missed 1 message" in text for text in life.world.answers(life.room))
        )
        life.world.say(ben, life.room, "@llmos thank you")
        await stands(life, "thank you")
        summary = next(each for each in life.world.shown(life.room) if "What was said" in each.text)
        missed = next(each for each in life.world.shown(life.room) if "you missed" in each.text)
        assert (summary.private_to, missed.private_to) == (None, "ben")
    async with life.store() as store:
        for ref in (summary.message.ref, missed.message.ref):
            kept = await store.messages.get(ref)
            assert kept is None or kept.text == ""
        assert "Friday" not in str(await store.privacy.export(ben.identity))


async def test_who_types_two_commands_at_once_has_said_nothing_by_the_first(life: Life) -> None:
    anna, ben = life.person("anna"), life.person("ben")
    async with life.bot():
        life.world.say(anna, life.room, PARTY)
        life.world.say(ben, life.room, "!llmos summarize")
        life.world.say(ben, life.room, "!llmos catchup")
        await stands(life, "you missed 1 message")


async def test_a_closed_channel_is_not_told_to_who_may_not_read_it(life: Life) -> None:
    mia, ben = life.person("mia"), life.person("ben")
    staff = life.world.channel("staff")
    life.world.close_to_all_but(staff, mia)
    async with life.bot():
        life.world.say(mia, staff, PARTY)
        life.world.say(ben, life.room, "!llmos summarize staff")
        await stands(life, "I know no thread or channel “staff”")
        life.world.say(ben, life.room, "!llmos catchup")
        await stands(life, "You missed nothing")
        life.world.say(mia, life.room, "!llmos summarize staff")
        await stands(life, "Friday at seven")
    told = life.world.shown(life.room)[-1]
    assert told.private_to == mia.id
    assert f"{staff.key}/" in told.text
