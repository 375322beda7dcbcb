"""Encrypted rooms, with people whose client is matrix-nio's: what they and the homeserver see."""

from tests.adapters.matrix.house import House


async def test_a_question_is_answered_for_its_readers_alone(house: House) -> None:
    house.encrypted = True
    room = await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    async with house.living():
        await house.lives_in(room)
        await house.ask(anna, room, "what is a raven")
        (answer,) = await house.stands(ben, room, "what is a raven")
    assert answer.mentions == [anna.id]
