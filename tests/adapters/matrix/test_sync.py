"""Reading rooms and going through doors, on a real homeserver."""

from pathlib import Path
from urllib.parse import quote

import pytest

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.doors import Doors
from bot.adapters.matrix.settings import Settings
from bot.llm.echo import EchoModel, Script
from tests.adapters.matrix.house import House, until_member


@pytest.mark.drives("config:matrix.invites_from")
async def test_invitations_of_strangers_are_declined(house: House) -> None:
    house.extra = 'invites_from = ["@nobody:elsewhere.example"]'
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        async for _change in anna.changes(room):
            member = await anna.state(room, "m.room.member", house.bot.user_id)
            if member["membership"] == "leave":
                break


@pytest.mark.drives("config:matrix.encryption")
async def test_without_encryption_an_encrypted_room_is_told_and_left(house: House) -> None:
    house.extra = "encryption = false"
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await anna.set_state(room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
        (notice,) = await house.answers(anna, room, 1)
        assert "switched encryption off" in notice.text
        async for _change in anna.changes(room):
            if house.bot.user_id not in await anna.members(room):
                break


async def test_a_room_that_moves_is_followed(house: House) -> None:
    old, new = await house.room("anna", "ben"), await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(old, new)
    await anna.call("POST", f"/v3/rooms/{quote(new)}/kick", {"user_id": house.bot.user_id})
    await anna.invite(new, house.bot.user_id)
    await anna.set_state(old, "m.room.tombstone", {"body": "moved", "replacement_room": new})
    async with house.living():
        await until_member(anna, new, house.bot.user_id)


async def test_being_sent_out_of_a_room_holds_up_no_other(house: House) -> None:
    lost, kept = await house.room("anna", "ben"), await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(lost, kept)
    await house.ask(anna, lost, "too late")
    await anna.call("POST", f"/v3/rooms/{quote(lost)}/kick", {"user_id": house.bot.user_id})
    await house.ask(anna, kept, "still there?")
    async with house.living():
        await house.stands(anna, kept, "still there?")


@pytest.mark.parametrize(
    "content",
    [
        {"msgtype": "m.text", "body": "x" * 60_000},
        {"msgtype": "m.text", "body": "hi", "m.relates_to": {"rel_type": "m.replace", "event_id": 7}},
        {"msgtype": "m.text", "body": "hi", "m.relates_to": {"m.in_reply_to": None}},
    ],
    ids=lambda content: str(sorted(content))[:40],
)
async def test_a_malformed_event_that_the_server_lets_through_stops_nothing(
    house: House, content: dict[str, object]
) -> None:
    house.model = EchoModel(Script("answered"))
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await anna.send(room, "m.room.message", content)
        await anna.send(room, "m.reaction", {"m.relates_to": {"rel_type": "m.annotation"}})
        await house.ask(anna, room, "still there?")
        await house.stands(anna, room, "answered")


async def test_an_edited_question_and_a_reaction_disturb_no_answer(house: House) -> None:
    house.model = EchoModel(Script("answered"))
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        question = await house.ask(anna, room, "one")
        await house.stands(anna, room, "answered")
        await anna.edit(room, question, "two")
        await anna.react(room, question, "👍")
        await house.ask(anna, room, "again")
        await house.stands(anna, room, "answered", "answered")


@pytest.mark.parametrize(
    ("allowed", "inviter", "welcome"),
    [
        (None, "@anna:home.example", True),
        (None, "@anna:other.example", False),
        (("other.example",), "@anna:other.example", True),
        (("@anna:other.example",), "@anna:other.example", True),
        (("@anna:other.example",), "@ben:other.example", False),
        ((), "@anna:home.example", False),
    ],
)
def test_who_may_invite(allowed: tuple[str, ...] | None, inviter: str, welcome: bool, tmp_path: Path) -> None:
    settings = Settings("http://127.0.0.1:1", "@llmos:home.example", tmp_path, invites_from=allowed)
    assert Doors(Account(settings), settings).welcomes(inviter) is welcome
