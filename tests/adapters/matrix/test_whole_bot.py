"""The whole bot on a real homeserver, as members see it, in plain rooms and in encrypted ones."""

import asyncio

import pytest

from bot.llm.echo import EchoModel, Script
from tests.adapters.matrix.house import House


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"], autouse=True)
def encrypted(request: pytest.FixtureRequest, house: House) -> None:
    house.encrypted = request.param


@pytest.mark.parametrize("version", ["10", "12"])
async def test_a_question_is_answered_to_its_asker(house: House, version: str) -> None:
    room = await house.room("anna", "ben", version=version)
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        question = await house.ask(anna, room, "What is the capital of France?")
        (answer,) = await house.stands(anna, room, "What is the capital of France?")
    assert answer.content["msgtype"] == "m.text"
    assert answer.reply_to == question
    assert answer.mentions == [anna.id]


async def test_a_mention_in_a_thread_is_answered_in_that_thread(house: House) -> None:
    room = await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    house.model = EchoModel(Script("A thing that floats."))
    async with house.living():
        await house.lives_in(room)
        root = await ben.say(room, "Let us talk about boats")
        await ben.say(room, "I have one", thread=root)
        await house.ask(anna, room, "What is a boat?", thread=root)
        (answer,) = await house.stands(anna, room, "A thing that floats.")
    assert answer.thread == root


async def test_what_is_not_said_to_the_bot_is_not_answered(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await anna.say(room, "nobody in particular")
        await anna.send(room, "m.room.message", {**content(house, "a machine"), "msgtype": "m.notice"})
        await house.ask(anna, room, "the bot")
        (answer,) = await house.answers(anna, room, 1)
    assert answer.text == "the bot"


def content(house: House, text: str) -> dict[str, object]:
    return {"body": text, "m.mentions": {"user_ids": [house.bot.user_id]}}


async def test_in_a_private_conversation_everything_is_said_to_the_bot(house: House) -> None:
    room = await house.room("anna", direct=True)
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await anna.say(room, "hello there")
        await house.stands(anna, room, "hello there")


async def test_what_was_said_before_the_bot_came_is_not_answered(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    await house.ask(anna, room, "before")
    async with house.living():
        await house.lives_in(room)
        await house.ask(anna, room, "after")
        (answer,) = await house.answers(anna, room, 1)
    assert answer.text == "after"


async def test_what_was_asked_while_the_bot_was_away_is_answered_once(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await house.ask(anna, room, "first")
        await house.answers(anna, room, 1)
    questions = [f"away {number}" for number in range(6)]
    for text in questions:
        await house.ask(anna, room, text)
    async with house.living():
        await house.stands(anna, room, "first", *questions)
    async with house.living():
        await house.ask(anna, room, "last")
        await house.stands(anna, room, "first", *questions, "last")


async def test_deleting_a_question_stops_its_answer(house: House) -> None:
    house.model = EchoModel(Script(text="word ", delay_s=0.05, forever=True))
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        question = await house.ask(anna, room, "talk for ever")
        await house.answers(anna, room, 1)
        await anna.redact(room, question)
        await anna.until(room, lambda shown: not shown, house.bot.user_id)
        async with asyncio.timeout(10):
            while house.model.running:  # noqa: ASYNC110 - a model tells nobody
                await asyncio.sleep(0.01)
    assert house.model.cut_off == 1
