"""What is particular to encrypted rooms: who can read, what is kept, and what happens to keys on bad days."""

import asyncio
import json
import stat
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.matrix import MatrixAdapter
from bot.adapters.matrix.account import Account, Unreachable
from bot.app import opened
from bot.cli.platforms import matrix_settings
from bot.core.events import Channel
from bot.llm.echo import EchoModel, Script
from tests.adapters.matrix.house import House
from tests.labs.people import Json, Person
from tests.labs.secretive import SecretivePerson, secretive_person


@pytest.fixture(autouse=True)
def encrypted(house: House) -> None:
    house.encrypted = True


async def asked(house: House, who: Person, room: str, text: str) -> None:
    await house.ask(who, room, text)
    await who.until(room, lambda shown: any(each.text == text for each in shown), house.bot.user_id)


async def on_the_wire(who: Person, room: str, sender: str) -> list[Json]:
    """What the homeserver has of somebody's messages."""
    events = await Person.read(who, room)
    return [e for e in events if e["sender"] == sender and e["type"].startswith(("m.room.m", "m.room.e"))]


async def test_a_streamed_answer_is_encrypted_from_its_first_word_to_its_last_edit(house: House) -> None:
    whole = " ".join(f"{number} ravens sat on roof {number}" for number in range(17, 21))
    house.model = EchoModel(Script(text=whole, delay_s=0.15))
    room = await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    async with house.living():
        await house.lives_in(room)
        await house.ask(anna, room, "tell me")
        (answer,) = await house.stands(ben, room, whole)
    assert answer.edits > 1
    assert answer.mentions == [anna.id]
    sent = [e for e in await on_the_wire(ben, room, house.bot.user_id) if e["type"] != "m.room.member"]
    assert {event["type"] for event in sent} == {"m.room.encrypted"}
    assert "raven" not in json.dumps(sent)


async def test_a_private_answer_goes_to_an_encrypted_room_for_two(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await anna.say(room, "!llmos privacy export")
        async with asyncio.timeout(20):
            while not (places := await anna.accept_invitations()):  # noqa: ASYNC110 - it changes no room of hers
                await asyncio.sleep(0.05)
        await anna.until(
            places[0], lambda shown: any("pseudonym" in s.text for s in shown), house.bot.user_id
        )
        assert (await anna.state(places[0], "m.room.encryption"))["algorithm"] == "m.megolm.v1.aes-sha2"


async def test_what_was_asked_while_it_was_killed_is_decrypted_and_answered_once(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.service():
        await house.lives_in(room)
        await asked(house, anna, room, "first")
    for number in range(3):
        await house.ask(anna, room, f"away {number}")
    async with house.service():
        await house.stands(anna, room, "first", "away 0", "away 1", "away 2")


async def test_who_leaves_reads_no_further_and_who_comes_reads_from_then_on(house: House) -> None:
    room = await house.room("anna", "ben")
    anna, ben, carl = [await house.person(name) for name in ("anna", "ben", "carl")]
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "all of us")
        await ben.leave(room)
        await anna.invite(room, carl.id)
        await carl.join(room)
        await anna.until(room, lambda shown: True)
        await asked(house, anna, room, "without ben")
        await carl.until(room, lambda shown: any(s.text == "without ben" for s in shown), house.bot.user_id)
    sessions = {
        e["content"]["session_id"]
        for e in await on_the_wire(anna, room, house.bot.user_id)
        if "session_id" in e["content"]
    }
    assert len(sessions) == 2
    assert isinstance(carl, SecretivePerson)
    assert [s.text for s in await carl.shown(room, house.bot.user_id)] == ["without ben"]


async def test_a_new_device_of_a_member_can_read(house: House) -> None:
    room = await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "first")
        async with secretive_person(ben.url, ben.login) as phone:
            await asked(house, anna, room, "second")
            await phone.until(room, lambda shown: any(s.text == "second" for s in shown), house.bot.user_id)


async def test_a_device_without_keys_holds_up_nobody(house: House) -> None:
    room = await house.room("anna", "ben", "carl")
    anna, carl = await house.person("anna"), await house.person("carl")
    assert isinstance(carl, SecretivePerson)
    assert carl.client.olm is not None
    for _key in range(200):  # take all the keys that others could begin a session with
        claim = {"one_time_keys": {carl.id: {carl.client.device_id: "signed_curve25519"}}}
        if not (await anna.call("POST", "/v3/keys/claim", claim))["one_time_keys"]:
            break
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "can you read me")


async def test_who_used_up_its_keys_while_it_was_away_did_not_lock_it_out(house: House) -> None:
    room = await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    async with house.service():
        await house.lives_in(room)
        await asked(house, anna, room, "first")
    (device,) = await devices(anna, house.bot.user_id)
    for _key in range(110):
        claim = {"one_time_keys": {house.bot.user_id: {device: "signed_curve25519"}}}
        claimed = (await anna.call("POST", "/v3/keys/claim", claim))["one_time_keys"]
        (key,) = claimed[house.bot.user_id][device].values()
        if key.get("fallback"):
            break
    else:
        pytest.fail("the keys are not used up")
    await house.ask(ben, room, "can you read this")  # ben's client never met the bot before
    async with house.service():
        await ben.until(
            room, lambda shown: any(s.text == "can you read this" for s in shown), house.bot.user_id
        )


async def test_when_keys_cannot_be_claimed_others_are_answered_and_later_everybody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    original, refused = Account.request, list[str]()

    async def request(self: Account, method: str, *path: str, **more: object) -> Json:
        if path == ("keys", "claim") and not refused:
            refused.append("once")
            raise Unreachable("the connection broke")
        return await original(self, method, *path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Account, "request", request)
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "first")  # anna's session came with her question
        await asked(house, anna, room, "second")
        await ben.until(room, lambda shown: any(s.text == "second" for s in shown), house.bot.user_id)
    assert refused
    assert "first" not in [s.text for s in await ben.shown(room, house.bot.user_id)]


async def test_whose_homeserver_is_silent_for_a_while_holds_up_nobody_and_reads_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.matrix.encryption.encryption._SILENCE_S", 0.2)
    room = await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    original, silent = Account.request, [True]

    async def request(self: Account, method: str, *path: str, **more: object) -> Json:
        answer = await original(self, method, *path, **more)  # type: ignore[arg-type]
        if path == ("keys", "query") and silent:
            answer["device_keys"] = {u: d for u, d in answer["device_keys"].items() if u != ben.id}  # type: ignore[attr-defined]
        return answer

    monkeypatch.setattr(Account, "request", request)
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "first")
        silent.clear()
        await asyncio.sleep(0.2)  # the homeserver is left alone for so long
        await asked(house, anna, room, "second")
        await ben.until(room, lambda shown: any(s.text == "second" for s in shown), house.bot.user_id)
    assert "first" not in [s.text for s in await ben.shown(room, house.bot.user_id)]


async def test_the_history_of_a_room_is_read_with_its_keys(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    config = house.config
    adapter = MatrixAdapter(matrix_settings(config))
    before = datetime.now(UTC) - timedelta(minutes=1)
    async with opened(config, [adapter], models={"echo": EchoModel()}) as app, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(app.run())
        await house.lives_in(room)
        await asked(house, anna, room, "what is a raven")
        first = (await anna.shown(room, anna.id))[0]
        await anna.edit(room, first.id, "what is a crow")
        channel = Channel("matrix", room, room, encrypted=True)
        async with asyncio.timeout(20):
            while "what is a crow" not in await texts(adapter, channel, before):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
        assert "what is a raven" in await texts(adapter, channel, before)  # the answer
        running.cancel()


async def texts(adapter: MatrixAdapter, channel: Channel, since: datetime) -> list[str]:
    return [message.text async for message in adapter.directory.history(channel, since)]


async def test_the_account_has_signed_the_device_and_files_are_ours_alone(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "hello")
        found = await anna.call("POST", "/v3/keys/query", {"device_keys": {house.bot.user_id: []}})
    folder = house.folder / "data" / "matrix"
    session = json.loads((folder / "session.json").read_text())
    signing = found["self_signing_keys"][house.bot.user_id]["keys"]
    (self_signing,) = signing
    device = found["device_keys"][house.bot.user_id][session["device_id"]]
    assert self_signing in device["signatures"][house.bot.user_id]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert {"session.json", "keys.db", "keys.secret", "keys.lock", "cross-signing.json"} <= set(modes)
    assert set(modes.values()) == {0o600}


async def test_what_is_said_is_on_no_disk_in_the_clear(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.service():
        await house.lives_in(room)
        await asked(house, anna, room, "the canary sings at midnight")
    files = [file for file in house.folder.rglob("*") if file.is_file()]
    assert any(file.name == "llmos.db" for file in files)
    assert [file for file in files if b"canary" in file.read_bytes()] == []


async def test_lost_keys_make_another_device_that_is_trusted_anew(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    folder = house.folder / "data" / "matrix"
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "first")
    before = json.loads((folder / "session.json").read_text())["device_id"]
    (folder / "keys.db").unlink()
    async with house.living():
        async with asyncio.timeout(20):
            while not await devices(anna, house.bot.user_id) - {before}:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
        await asked(house, anna, room, "second")
    assert json.loads((folder / "session.json").read_text())["device_id"] != before


async def test_a_device_that_the_homeserver_forgot_is_published_again(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    folder = house.folder / "data" / "matrix"
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "first")
        device = json.loads((folder / "session.json").read_text())["device_id"]
        house.synapse.administer(
            "POST", f"/_synapse/admin/v2/users/{house.bot.user_id}/delete_devices", {"devices": [device]}
        )
        async with asyncio.timeout(20):
            while device not in await devices(anna, house.bot.user_id):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
        await asked(house, anna, room, "second")


async def devices(who: Person, user_id: str) -> set[str]:
    found = await who.call("POST", "/v3/keys/query", {"device_keys": {user_id: []}})
    return set(found["device_keys"].get(user_id, {}))


async def test_two_processes_do_not_share_a_device(house: House) -> None:
    room = await house.room("anna", "ben")
    async with house.service():
        await house.lives_in(room)
        async with house.service() as second:
            async with asyncio.timeout(20):
                _out, error = await second.communicate()
            assert second.returncode == 1
            assert b"another LLMOS uses the Matrix account" in error


async def test_moderators_are_told_once_that_something_cannot_be_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.opening.MOST_LOCKED", 0)
    desk, room = await house.room("anna", "ben", name="desk"), await house.room("anna", "ben")
    anna = await house.person("anna")
    house.extra = f'moderators_room = "{desk}"'
    async with house.living():
        await house.lives_in(desk, room)
        unread = {
            "algorithm": "m.megolm.v1.aes-sha2",
            "ciphertext": "AwgAEnACgAkLmt6qF84IK++J7UDH2Za1YVchHyprqTqsg",
            "session_id": "X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu+QFnm0cKQ",
            "device_id": "NEVERHEARDOF",
            "sender_key": "IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn/8mLqMjA",
        }
        for _message in range(3):
            await anna.send(room, "m.room.encrypted", unread)
        (alert,) = await house.answers(anna, desk, 1)
        assert "cannot read some encrypted messages" in alert.text
        await asked(house, anna, room, "are you still there")
        assert len(await anna.shown(desk, house.bot.user_id)) == 1


async def test_a_message_that_is_sent_again_by_somebody_else_is_not_taken_for_theirs(house: House) -> None:
    room = await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "a question of anna's")
        (original,) = [e for e in await on_the_wire(ben, room, anna.id) if e["type"] == "m.room.encrypted"]
        await ben.send(room, "m.room.encrypted", original["content"])
        await asked(house, ben, room, "a question of ben's")
    texts = sorted(s.text for s in await anna.shown(room, house.bot.user_id))
    assert texts == ["a question of anna's", "a question of ben's"]


async def test_a_room_that_becomes_encrypted_is_answered_encrypted(house: House) -> None:
    room = await house.room("anna", "ben", encrypted=False)
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await asked(house, anna, room, "in the clear")
        await anna.set_state(room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
        await asked(house, anna, room, "behind closed doors")
    kinds = [e["type"] for e in await on_the_wire(anna, room, house.bot.user_id)]
    assert kinds[-1] == "m.room.encrypted"
    assert "m.room.message" in kinds
