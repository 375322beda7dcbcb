"""Cases on Matrix: a card in another room, reactions as decisions, the words back in a room for two."""

import asyncio

import pytest

from bot.app import App
from bot.core.events import Channel, MessageRef
from bot.moderation.rulebook import read
from bot.storage.rulebooks import Rulebook
from tests.adapters.matrix.house import House
from tests.labs.people import PATIENCE_S, Person, Shown
from tests.moderation.test_review import LOUD, RUDE, RULES


async def stands(who: Person, room: str, text: str, sender: str) -> Shown:
    """Wait until a message of somebody's with this text stands in a room."""
    shown = await who.until(room, lambda found: any(text in each.text for each in found), sender)
    return next(each for each in shown if text in each.text)


async def privately(who: Person, text: str, sender: str) -> tuple[str, Shown]:
    """Wait until this is said in a room for two, and in which."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for room in await who.accept_invitations():
                for each in await who.shown(room, sender):
                    if text in each.text:
                        return room, each


async def press(app: App, who: Person, room: str, card: Shown, emoji: str) -> None:
    """React as people do: not in the very moment in which the card appears."""
    ref = MessageRef(Channel("matrix", room, room), card.id)
    async with asyncio.timeout(PATIENCE_S):
        while app.store.controls.pressed(ref, emoji) is None:
            await who.shown(room)
    await who.react(room, card.id, emoji)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
async def test_rules_come_in_a_file_with_the_command_as_its_caption_or_replied_to(
    house: House, encrypted: bool
) -> None:
    house.encrypted = encrypted
    mia = await house.person("mia")
    room = await house.room("mia", "ben")

    async def file(name: str, body: str) -> str:
        address = await mia.upload(f"[[rule]]\nkind = 'caps'\nname = '{name}'\n".encode())
        return await mia.say(room, body, msgtype="m.file", filename="rules.toml", url=address)

    async with house.living() as app:
        await house.lives_in(room)
        await app.store.rulebooks.save(Rulebook(f"matrix/{room}", rules=RULES), actor="mia")
        await file("first", "!llmos rules import")
        await stands(mia, room, "New: `first`", house.bot.user_id)
        below = await file("second", "rules.toml")
        await mia.say(room, "!llmos rules import", reply_to=below)
        await stands(mia, room, "New: `second`", house.bot.user_id)
        rules = read(app.store.rulebooks.of(f"matrix/{room}").rules)
    assert [rule.name for rule in rules][-2:] == ["first", "second"]


async def test_moderators_of_a_room_decide_in_theirs_and_the_author_is_heard(house: House) -> None:
    mia, ben = await house.person("mia"), await house.person("ben")
    room = await house.room("mia", "ben")
    staff = await house.room("mia", "max")
    us = house.bot.user_id
    async with house.living() as app:
        await house.lives_in(room, staff)
        log = Channel("matrix", staff, staff)
        book = Rulebook(f"matrix/{room}", rules=RULES, log=log, enforced=frozenset({"rude", "shouting"}))
        await app.store.rulebooks.save(book, actor="mia")
        await mia.power(room, {us: 50})
        await ben.say(room, LOUD)
        card = await stands(mia, staff, "Case 1", us)
        await press(app, mia, staff, card, "🗑️")
        await stands(mia, staff, "deleted**, by", us)
        await mia.until(room, lambda found: not any(LOUD in each.text for each in found), ben.id)
        await ben.say(room, RUDE)
        await stands(mia, staff, "Case 2", us)
        notice = await stands(ben, room, "I removed a message of yours", us)
        await press(app, ben, room, notice, "🔎")
        direct, back = await privately(ben, RUDE, us)
        await press(app, ben, direct, back, "✋")
        appeal = await stands(mia, staff, "Appeal against case 2", us)
        await press(app, mia, staff, appeal, "🕊️")
        await stands(mia, staff, "False alarm**, says", us)
        await stands(ben, direct, "was right, says", us)
        link = f'<a href="https://matrix.to/#/{ben.id}">Mia</a>'
        html = {"format": "org.matrix.custom.html", "formatted_body": f"!llmos mod warn {link} Stay polite."}
        await mia.say(room, "!llmos mod warn Mia Stay polite.", **html)
        await stands(mia, room, "Done: case 3", us)
        assert len(app.store.strikes.of(f"matrix/{room}", ("matrix", ben.id))) == 2
