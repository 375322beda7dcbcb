"""The conversation inside a whole bot: what people do to messages while answers are being written."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.llm.echo import EchoModel, Script
from bot.llm.model import Turn
from tests.living import PATIENCE_S, Life


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


async def test_a_reply_to_a_half_written_answer_gets_the_whole_of_it_as_context(life: Life) -> None:
    go_on = asyncio.Event()

    def behave(turns: Sequence[Turn]) -> Script:
        return Script("A fjord is a bay.", delay_s=1) if "fjord" in turns[-1].text else Script("Deep.")

    async def pause(delay_s: float) -> None:
        if delay_s and paused:
            await go_on.wait()
        paused.append(delay_s)

    paused: list[float] = []
    life.model = EchoModel(behave, sleep=pause)
    anna = life.person("anna")
    async with life.bot():
        life.world.say(anna, life.room, "@llmos what is a fjord?")
        await life.until(lambda: life.world.answers(life.room) == ["A"])
        half = life.world.shown(life.room)[-1].message.ref
        life.world.say(anna, life.room, "@llmos how is it?", reply_to=half.id)
        await life.until(lambda: any("finish the answer" in text for text in life.world.answers(life.room)))
        assert len(life.model.asked) == 1
        go_on.set()
        await life.until(lambda: "Deep." in life.world.answers(life.room))
    assert [turn.text for turn in life.model.asked[1][1:]] == [
        "what is a fjord?",
        "A fjord is a bay.",
        "how is it?",
    ]


async def test_a_reply_to_a_half_written_answer_needs_no_mention(life: Life) -> None:
    life.model = EchoModel(
        lambda turns: Script("Once", stall=True) if "story" in turns[-1].text else Script()
    )
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos a story")
        await life.until(lambda: life.world.answers(life.room) == ["Once"])
        half = life.world.shown(life.room)[-1].message.ref
        life.world.say(life.person("anna"), life.room, "and then?", reply_to=half.id)
        await life.until(lambda: any("finish the answer" in text for text in life.world.answers(life.room)))


async def test_a_half_written_answer_that_somebody_deletes_stops_its_model(life: Life) -> None:
    words = asyncio.Semaphore(3)

    async def one_at_a_time(delay_s: float) -> None:
        await words.acquire()

    life.model = EchoModel(Script("word ", forever=True), sleep=one_at_a_time)
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos talk")
        await life.until(lambda: any("word" in text for text in life.world.answers(life.room)))
        life.world.delete(life.world.shown(life.room)[-1].message.ref)
        for _word in range(10):
            words.release()
        async with asyncio.timeout(PATIENCE_S):
            while life.model.running:  # noqa: ASYNC110 - a model tells nobody
                await asyncio.sleep(0.01)
    assert life.model.cut_off == 1


async def test_an_edited_question_is_context_with_its_new_words_and_without_the_mention(life: Life) -> None:
    anna = life.person("anna")
    async with life.bot():
        first = life.world.say(anna, life.room, "@llmos I like tea")
        await life.until(lambda: life.world.answers(life.room) == ["I like tea"])
        life.world.edit(first, "@llmos I like coffee")
        answer = life.world.shown(life.room)[-1].message.ref
        life.world.say(anna, life.room, "@llmos what do I like?", reply_to=answer.id)
        await life.until(lambda: len(life.model.asked) == 2)
    assert [turn.text for turn in life.model.asked[1][1:]] == [
        "I like coffee",
        "I like tea",
        "what do I like?",
    ]
