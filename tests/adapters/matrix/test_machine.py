"""The keys of a device, two devices talking without a homeserver, and everything hostile that can be sent."""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.matrix.encryption.errors import KeysUnreadable, Undecipherable
from bot.adapters.matrix.encryption.machine import Machine
from bot.adapters.reading import Json, table
from bot.core.errors import Locked

ROOM = "!room:example.org"


@dataclass
class Device:
    """A device and what a homeserver would have of it."""

    machine: Machine
    keys: Json = field(default_factory=dict)
    one_time_keys: Json = field(default_factory=dict)
    spare_keys: Json = field(default_factory=dict)

    @property
    def user(self) -> str:
        return self.machine.user_id

    def publish(self) -> None:
        while (body := self.machine.own.to_upload()) is not None:
            self.keys = table(body, "device_keys") or self.keys
            self.one_time_keys |= table(body, "one_time_keys")
            self.spare_keys |= table(body, "fallback_keys")
            self.machine.own.uploaded({"one_time_key_counts": {"signed_curve25519": len(self.one_time_keys)}})

    def meets(self, *others: "Device") -> None:
        """Learn the devices of others and begin a session with each."""
        for other in others:
            devices = {other.user: {other.machine.device_id: other.keys}}
            self.machine.queried([other.user], {"device_keys": devices})
            name, key = other.one_time_keys.popitem()
            claimed = {other.user: {other.machine.device_id: {name: key}}}
            self.machine.claimed({"one_time_keys": claimed})

    def say(self, text: str, event_id: str, *readers: "Device") -> Json:
        """An encrypted message, its key delivered to the readers."""
        users = [reader.user for reader in readers]
        for devices, body in self.machine.share(ROOM, self.machine.lacking(ROOM, users, 100)):
            self.machine.shared(ROOM, devices)
            for reader in readers:
                content = table(body, "messages", reader.user, reader.machine.device_id)
                if content:
                    letter: Json = {"type": "m.room.encrypted", "sender": self.user, "content": content}
                    reader.machine.receive([letter])
        content = self.machine.encrypt(ROOM, "m.room.message", {"msgtype": "m.text", "body": text})
        return {
            "type": "m.room.encrypted",
            "event_id": event_id,
            "sender": self.user,
            "origin_server_ts": 1,
            "content": content,
        }

    def read(self, event: Json) -> str:
        return str(table(self.machine.decrypt(ROOM, event), "content")["body"])


class Bench:
    """Makes devices in folders of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._open = folder, list[Machine]()

    def device(self, name: str, secret: str = "secret") -> Device:
        place = self._folder / name
        place.mkdir(exist_ok=True)
        machine = Machine(f"@{name}:example.org", f"{name.upper()}1", place, secret)
        self._open.append(machine)
        device = Device(machine)
        device.publish()
        return device

    def close(self) -> None:
        for machine in self._open:
            machine.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_what_one_encrypts_the_other_reads_and_a_third_does_not(bench: Bench) -> None:
    anna, bot, eve = bench.device("anna"), bench.device("bot"), bench.device("eve")
    anna.meets(bot)
    event = anna.say("hello", "$1", bot)
    assert bot.read(event) == "hello"
    assert bot.read(event) == "hello"  # once more, as after a crash
    with pytest.raises(Locked):
        eve.read(event)


def test_when_all_keys_are_used_up_the_spare_one_serves_until_there_is_another(bench: Bench) -> None:
    anna, eve, bot = bench.device("anna"), bench.device("eve"), bench.device("bot")
    (spare,) = bot.spare_keys
    for other in (anna, eve):
        bot.one_time_keys = {spare: bot.spare_keys[spare]}
        other.meets(bot)
        assert bot.read(other.say("hello", f"${other.user}", bot)) == "hello"
    assert bot.machine.own.to_upload() is None
    bot.machine.own.counted(None, spare_is_used=True)
    bot.publish()
    assert set(bot.spare_keys) - {spare}


def test_a_missing_key_is_asked_for_once(bench: Bench) -> None:
    anna, bot, eve = bench.device("anna"), bench.device("bot"), bench.device("eve")
    anna.meets(bot)
    for number in range(3):
        with pytest.raises(Locked):
            eve.read(anna.say("hello", f"${number}", bot))
    ((kind, body, message),) = eve.machine.outgoing
    assert kind == "m.room_key_request"
    assert list(table(body, "messages")) == [anna.user]
    eve.machine.sent(message)
    with pytest.raises(Locked):
        eve.read(anna.say("hello", "$9", bot))
    assert eve.machine.outgoing == []


def test_keys_outlive_the_process_and_are_worth_nothing_without_their_secret(
    bench: Bench, tmp_path: Path
) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    anna.meets(bot)
    event = anna.say("hello", "$1", bot)
    bot.machine.close()
    assert Machine(bot.user, "BOT1", tmp_path / "bot", "secret").decrypt(ROOM, event)["type"]
    with pytest.raises(KeysUnreadable, match="cannot be read"):
        Machine(bot.user, "BOT1", tmp_path / "bot", "another")
    (tmp_path / "bot" / Machine.FILE).write_bytes(b"no database at all" * 99)
    with pytest.raises(KeysUnreadable, match="cannot be read"):
        Machine(bot.user, "BOT1", tmp_path / "bot", "secret")


def test_a_message_that_is_sent_again_as_another_event_is_refused(bench: Bench) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    anna.meets(bot)
    event = anna.say("pay ben", "$1", bot)
    bot.read(event)
    with pytest.raises(Undecipherable, match="sent before"):
        bot.read({**event, "event_id": "$2"})


def test_a_message_under_another_name_is_refused(bench: Bench) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    anna.meets(bot)
    bot.meets(anna)
    with pytest.raises(Undecipherable, match="by a device of @anna"):
        bot.read({**anna.say("pay ben", "$1", bot), "sender": "@mallory:example.org"})


def test_somebody_who_says_that_annas_key_is_theirs_silences_nobody(bench: Bench) -> None:
    anna, bot, eve = bench.device("anna"), bench.device("bot"), bench.device("eve")
    anna.meets(bot)
    stolen = {
        **eve.keys,
        "keys": {**table(eve.keys, "keys"), "curve25519:EVE1": table(anna.keys, "keys")["curve25519:ANNA1"]},
    }
    signature = eve.machine._olm.sign_json({k: v for k, v in stolen.items() if k != "signatures"})
    stolen["signatures"] = {eve.user: {"ed25519:EVE1": signature}}
    bot.machine.queried([eve.user], {"device_keys": {eve.user: {"EVE1": stolen}}})
    bot.machine.queried([anna.user], {"device_keys": {anna.user: {"ANNA1": anna.keys}}})
    assert bot.read(anna.say("hello", "$1", bot)) == "hello"


def test_who_is_gone_gets_no_more_keys_and_who_comes_gets_no_older_ones(bench: Bench) -> None:
    anna, ben, bot = bench.device("anna"), bench.device("ben"), bench.device("bot")
    bot.meets(anna, ben)
    both = bot.say("to both", "$1", anna, ben)
    again = bot.say("again", "$2", anna, ben)
    alone = bot.say("to anna", "$3", anna)
    ids = [table(event, "content")["session_id"] for event in (both, again, alone)]
    assert ids[0] == ids[1] != ids[2]
    assert (anna.read(both), ben.read(again), anna.read(alone)) == ("to both", "again", "to anna")
    with pytest.raises(Locked):
        ben.read(alone)
    late = bot.say("to both again", "$4", anna, ben)
    assert ben.read(late) == "to both again"
    with pytest.raises(Undecipherable):
        ben.read(alone)


def test_a_key_is_for_so_many_messages(bench: Bench) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    bot.meets(anna)
    bot.machine.lacking(ROOM, [anna.user], 3)
    ids = {table(bot.say("x", f"${n}", anna), "content")["session_id"] for n in range(7)}
    assert len(ids) > 1


def nested(depth: int) -> list[object]:
    deep: list[object] = []
    for _level in range(depth):
        deep = [deep]
    return deep


def test_nesting_that_python_cannot_bear_is_one_senders_own_trouble(bench: Bench) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    anna.meets(bot)
    session = anna.machine._olm.session_store.get(table(bot.keys, "keys")["curve25519:BOT1"])
    kind, body = session.encrypt("[" * 5_000).to_parts()
    sealed = {"type": kind, "body": base64.b64encode(body).decode().rstrip("=")}
    content: Json = {
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": table(anna.keys, "keys")["curve25519:ANNA1"],
        "ciphertext": {str(table(bot.keys, "keys")["curve25519:BOT1"]): sealed},
    }
    letter: Json = {"type": "m.room.encrypted", "sender": anna.user, "content": content}
    broken: Json = {"type": "m.room.encrypted", "sender": anna.user, "content": {"ciphertext": nested(400)}}
    bot.machine.receive([letter, broken])
    assert bot.read(anna.say("still here", "$2", bot)) == "still here"


def test_whose_homeserver_did_not_answer_is_asked_for_again_and_keeps_their_devices(bench: Bench) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    bot.meets(anna)
    assert anna.read(bot.say("one", "$1", anna)) == "one"
    bot.machine.queried([anna.user], {"failures": {"example.org": {}}, "device_keys": {}})
    assert anna.read(bot.say("two", "$2", anna)) == "two"
    bot.machine.queried(["@ben:example.org"], {"failures": {"example.org": {}}, "device_keys": {}})
    assert bot.machine.unknown(["@ben:example.org"]) == {"@ben:example.org"}
    bot.machine.queried([anna.user], {"device_keys": {anna.user: {}}})  # all logged out
    assert bot.machine.lacking(ROOM, [anna.user], 100) == []
    bot.machine.queried([anna.user], {"device_keys": {anna.user: {"ANNA1": anna.keys}}})
    assert anna.read(bot.say("three", "$3", anna)) == "three"


@pytest.mark.parametrize("key", [["a"], None, 5, {}])
def test_a_device_with_keys_of_the_wrong_kind_is_left_out(bench: Bench, key: object) -> None:
    anna, bot, eve = bench.device("anna"), bench.device("bot"), bench.device("eve")
    bot.meets(anna)
    bad: Json = {**eve.keys, "keys": {**table(eve.keys, "keys"), "curve25519:EVE1": key}}
    bad["signatures"] = {
        eve.user: {
            "ed25519:EVE1": eve.machine._olm.sign_json({k: v for k, v in bad.items() if k != "signatures"})
        }
    }
    bad["unsigned"] = {"device_display_name": None}
    bot.machine.queried([eve.user], {"device_keys": {eve.user: {"EVE1": bad}}})
    bot.machine.unmet([anna.user, eve.user])
    assert anna.read(bot.say("hello", "$1", anna)) == "hello"


def test_a_device_without_a_name_is_a_device(bench: Bench) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    anna.keys = {**anna.keys, "unsigned": {"device_display_name": None}}
    bot.meets(anna)
    assert anna.read(bot.say("hello", "$1", anna)) == "hello"


def test_keys_that_nobody_heard_of_are_offered_again_and_not_multiplied(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    machine = Machine("@new:example.org", "NEW1", tmp_path / "new", "secret")
    first = machine.own.to_upload()
    assert first == machine.own.to_upload()
    machine.close()
    machine = Machine("@new:example.org", "NEW1", tmp_path / "new", "secret")
    again = machine.own.to_upload()
    assert first is not None
    assert again is not None
    assert again["one_time_keys"] == first["one_time_keys"]
    assert again["fallback_keys"] == first["fallback_keys"]
    machine.close()


def test_what_changed_while_it_was_asked_for_is_asked_for_again(bench: Bench) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    bot.meets(anna)
    marks = bot.machine.marks([anna.user])
    bot.machine.receive([], [anna.user])
    bot.machine.queried([anna.user], {"device_keys": {anna.user: {"ANNA1": anna.keys}}}, marks)
    assert bot.machine.unknown([anna.user]) == {anna.user}
    marks = bot.machine.marks([anna.user])
    bot.machine.queried([anna.user], {"device_keys": {anna.user: {"ANNA1": anna.keys}}}, marks)
    assert bot.machine.unknown([anna.user]) == set()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_who_passes_on_somebody_elses_key_first_silences_nobody(
    bench: Bench, tmp_path: Path, restarted: bool, named: bool
) -> None:
    anna, eve, bot = bench.device("anna"), bench.device("eve"), bench.device("bot")
    anna.meets(eve, bot)
    eve.meets(bot)
    bot.meets(anna, eve)
    spied = anna.say("between us", "$0", eve)  # eve has anna's key now, and passes it on as her own
    session = next(iter(eve.machine._olm.inbound_group_store))
    content = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "room_id": ROOM,
        "session_id": session.id,
        "session_key": anna.machine._olm.outbound_group_sessions[ROOM].session_key,
    }
    (device,) = eve.machine._olm.device_store.active_user_devices(bot.user)
    olm = eve.machine._olm
    passed_on = olm._olm_encrypt(olm.session_store.get(device.curve25519), device, "m.room_key", content)
    bot.machine.receive([{"type": "m.room.encrypted", "sender": eve.user, "content": passed_on}])
    event = anna.say("to the bot", "$1", eve, bot)
    assert table(event, "content")["session_id"] == table(spied, "content")["session_id"]
    if not named:
        table(event, "content").pop("sender_key")
    machine = bot.machine
    if restarted:
        machine.close()
        machine = Machine(bot.user, "BOT1", tmp_path / "bot", "secret")
    assert table(machine.decrypt(ROOM, event), "content")["body"] == "to the bot"
    machine.close()


def test_a_message_that_is_sent_again_after_a_restart_is_refused(bench: Bench, tmp_path: Path) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    anna.meets(bot)
    event = anna.say("!llmos ban ben", "$1", bot)
    bot.read(event)
    bot.machine.close()
    machine = Machine(bot.user, "BOT1", tmp_path / "bot", "secret")
    assert machine.decrypt(ROOM, event)["type"]
    with pytest.raises(Undecipherable, match="sent before"):
        machine.decrypt(ROOM, {**event, "event_id": "$2"})
    machine.close()


def test_what_cannot_be_read_leaves_no_words_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    anna, bot = bench.device("anna"), bench.device("bot")
    anna.meets(bot)
    anna.say("hello", "$1", bot)
    group = anna.machine._olm.outbound_group_sessions[ROOM]
    sealed = group._session.encrypt(b"the canary \xff sings").to_base64()
    content: Json = {"algorithm": "m.megolm.v1.aes-sha2", "session_id": group.id, "ciphertext": sealed}
    with pytest.raises(Undecipherable) as caught:
        bot.machine.decrypt(ROOM, {"event_id": "$2", "sender": anna.user, "content": content})
    assert "canary" not in f"{caught.value!r}{caplog.text}"


_leaf = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8)
_small = _leaf | st.lists(_leaf, max_size=3)
_json = _small | st.dictionaries(st.text(max_size=8), _small, max_size=3)


def _changed(data: st.DataObject, whole: Json) -> Json:
    """A copy in which one thing is something else."""
    copy: Json = json.loads(json.dumps(whole))
    place: object = copy
    while isinstance(place, dict) and place:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or data.draw(st.booleans()):
            place[key] = data.draw(_json)
            break
        place = place[key]
    return copy


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_damaged_message_is_unreadable_and_nothing_else(bench: Bench, data: st.DataObject) -> None:
    anna, bot = _pair(bench)
    whole = anna.say("hello", "$1", bot)
    with suppress(Locked, Undecipherable):
        bot.machine.decrypt(ROOM, _changed(data, whole))
    assert bot.read(anna.say("still here", "$2", bot)) == "still here"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_whatever_is_sent_to_the_device_the_next_key_still_arrives(bench: Bench, data: st.DataObject) -> None:
    anna, bot = _pair(bench)
    letters = [
        body for _devices, body in anna.machine.share(ROOM, anna.machine.lacking(ROOM, [bot.user], 100))
    ]
    content = table(letters[0], "messages", bot.user, "BOT1") if letters else {}
    letter: Json = {"type": "m.room.encrypted", "sender": anna.user, "content": content}
    bot.machine.receive([_changed(data, letter), data.draw(st.dictionaries(st.text(max_size=5), _json))])
    eve = bench.device("eve")
    eve.publish()
    eve.meets(bot)
    assert eve.read(eve.say("fine", "$2", eve, bot)) == "fine"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_devices_that_are_not_as_they_should_be_are_left_out(bench: Bench, data: st.DataObject) -> None:
    anna, bot = _pair(bench)
    devices: Json = {anna.user: {"ANNA1": anna.keys}}
    bot.machine.queried([anna.user], {"device_keys": _changed(data, devices)})
    bot.machine.claimed({"one_time_keys": _changed(data, {anna.user: {"ANNA1": anna.one_time_keys}})})
    bot.machine.share(ROOM, bot.machine.lacking(ROOM, [anna.user, "@nobody:example.org"], 100))
    assert bot.machine.encrypt(ROOM, "m.room.message", {})["algorithm"]


def _pair(bench: Bench) -> tuple[Device, Device]:
    """Anna, who has met the bot; the same for all examples of a test."""
    found: tuple[Device, Device] | None = getattr(bench, "pair", None)
    if found is None:
        found = bench.device("anna"), bench.device("bot")
        found[0].meets(found[1])
        bench.pair = found  # type: ignore[attr-defined]
    return found
