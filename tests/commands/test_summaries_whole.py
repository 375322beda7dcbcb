"""Summaries through the whole bot: who sees them, and what stays of them."""

from pathlib import Path

import pytest

from bot.core.events import MessageRef
from bot.llm.echo import EchoModel
from bot.llm.model import Capabilities
from tests.living import Life

PARTY = "We decided: the release party is on Friday at seven."


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


@pytest.mark.parametrize("able", [True, False])
async def test_nothing_of_a_summary_is_kept_as_words_of_the_bot(life: Life, able: bool) -> None:
    life.model = EchoModel(capabilities=Capabilities(can_answer=able))
    anna, ben = life.person("anna"), life.person("ben")
    async with life.bot():
        life.world.say(anna, life.room, PARTY)
        life.world.say(ben, life.room, "!llmos summarize")
        await life.until(lambda: any("Friday at seven" in text for text in life.world.answers(life.room)))
        life.world.say(ben, life.room, "!llmos catchup")
        await life.until(
            lambda: any("you missed 1 message" in text for text in life.world.answers(life.room))
        )
        life.world.say(ben, life.room, "@llmos thank you")
        await life.until(lambda: any("thank you" in text for text in life.world.answers(life.room)))
        summary = next(each for each in life.world.shown(life.room) if "What was said" in each.text)
        missed = next(each for each in life.world.shown(life.room) if "you missed" in each.text)
        assert (summary.private_to, missed.private_to) == (None, "ben")
    async with life.store() as store:
        for ref in (summary.message.ref, missed.message.ref):
            kept = await store.messages.get(ref)
            assert kept is None or kept.text == ""
        assert "Friday" not in str(await store.privacy.export(ben.identity))


async def test_a_closed_channel_is_not_told_to_who_may_not_read_it(life: Life) -> None:
    mia, ben = life.person("mia"), life.person("ben")
    staff = life.world.channel("staff")
    life.world.close_to_all_but(staff, mia)
    async with life.bot():
        life.world.say(mia, staff, PARTY)
        life.world.say(ben, life.room, "!llmos summarize staff")
        await life.answers(1)
        life.world.say(ben, life.room, "!llmos catchup")
        refused, missed = await life.answers(2)
        assert refused.startswith("I know no thread or channel “staff”")
        assert missed.startswith("You missed nothing")
        life.world.say(mia, life.room, "!llmos summarize staff")
        await life.answers(3)
    told = life.world.shown(life.room)[-1]
    assert "Friday at seven" in told.text
    assert told.private_to == mia.id
    assert MessageRef(staff, "1").id in told.text
