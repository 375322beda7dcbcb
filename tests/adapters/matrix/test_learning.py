"""A room of a real homeserver agrees to teach, teaches, takes back and ends it; an encrypted one cannot."""

import asyncio

from bot.app import App
from bot.storage.examples import LabelledText
from tests.adapters.matrix.house import House
from tests.adapters.matrix.test_moderation import stands
from tests.labs.people import PATIENCE_S

RUDE, WRONG = "You are a stupid idiot.", "Shut up, you pathetic idiot!"


async def taught(app: App, *texts: str) -> list[LabelledText]:
    """Wait until just this is kept to learn from."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await app.store.examples.texts()
            if sorted(each.text for each in found) == sorted(texts):
                return found
            await asyncio.sleep(0.05)


async def test_verdicts_teach_from_when_the_room_is_told_until_it_is_told_again(house: House) -> None:
    mia, ben = await house.person("mia"), await house.person("ben")
    room = await house.room("mia", "ben")
    us = house.bot.user_id
    async with house.living() as app:
        await house.lives_in(room)
        await mia.say(room, "!llmos rules setup")
        await stands(mia, room, "The rules are set up", us)
        await mia.say(room, "!llmos channel set learning yes")
        await stands(ben, room, "From now on this room helps to train", us)
        first = await ben.say(room, RUDE)
        await stands(mia, room, "Case 1", us)
        await mia.say(room, "!llmos mod resolve 1 right")
        (right,) = await taught(app, RUDE)
        assert (right.score, right.label, right.room) == ("toxicity", True, f"matrix/{room}/{room}")
        second = await ben.say(room, WRONG)
        await stands(mia, room, "Case 2", us)
        await mia.say(room, "!llmos mod resolve 2 false-alarm")
        found = await taught(app, RUDE, WRONG)
        assert {each.text: each.label for each in found} == {RUDE: True, WRONG: False}
        await ben.redact(room, first)
        await taught(app, WRONG)
        await ben.edit(room, second, "Sorry.")
        await taught(app)
        await mia.say(room, "!llmos channel set learning no")
        await stands(ben, room, "nothing that is said in this room trains anything", us)


async def test_an_encrypted_room_cannot_agree(house: House) -> None:
    house.encrypted = True
    mia = await house.person("mia")
    room = await house.room("mia", "ben")
    async with house.living() as app:
        await house.lives_in(room)
        await mia.say(room, "!llmos channel set learning yes")
        await stands(mia, room, "teaches nothing, ever", house.bot.user_id)
        assert not app.store.policies.get(f"matrix/{room}/{room}")
