"""Power levels as servers understand them, whatever stands in the state."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.matrix.powers import Powers

ANN, BOB, BOT = "@ann:x", "@bob:x", "@llmos:x"


def created(version: str | None, **content: object) -> dict[str, object]:
    inside = content | ({"room_version": version} if version is not None else {})
    return {"type": "m.room.create", "sender": ANN, "content": inside}


def test_levels_are_read_from_the_list() -> None:
    powers = Powers.read(created("10"), {"users": {ANN: 100, BOB: 50}, "users_default": 5})
    assert (powers.of(ANN), powers.of(BOB), powers.of(BOT)) == (100, 50, 5)


def test_who_was_taken_off_the_list_has_no_power_left() -> None:
    assert Powers.read(created("10"), {"users": {}}).of(BOB) == 0


@pytest.mark.parametrize("version", ["12", "13", "org.matrix.hydra.11"])
def test_creators_stand_above_the_list(version: str) -> None:
    creation = created(version, additional_creators=[BOB, 7])
    powers = Powers.read(creation, {"users": {BOT: 100, ANN: 0}})
    assert powers.of(ANN) == powers.of(BOB) == inf
    assert powers.of(BOT) == 100


@pytest.mark.parametrize("version", ["1", "10", "11", None])
def test_creators_are_nothing_special_before(version: str | None) -> None:
    creation = created(version, creator=ANN, additional_creators=[BOB])
    assert Powers.read(creation, {"users": {BOB: 50}}).of(ANN) == 0
    alone = Powers.read(creation, None)
    assert (alone.of(ANN), alone.of(BOB)) == (100, 0)
    assert alone.to_send("m.room.power_levels", state=True) == 0


def test_defaults_are_those_of_the_specification() -> None:
    powers = Powers.read(created("11"), {})
    assert [powers.to(action) for action in ("ban", "kick", "redact", "invite")] == [50, 50, 50, 0]
    assert powers.to_send("m.room.message") == 0
    assert powers.to_send("m.room.name", state=True) == 50


def test_a_kind_of_event_may_take_more_than_others() -> None:
    powers = Powers.read(created("11"), {"events": {"m.reaction": 10}, "events_default": 1})
    assert (powers.to_send("m.reaction"), powers.to_send("m.room.message")) == (10, 1)


def test_levels_of_old_rooms_may_be_texts() -> None:
    powers = Powers.read(created("6"), {"users": {ANN: " 50 ", BOB: "many", BOT: True}, "ban": "60"})
    assert (powers.of(ANN), powers.of(BOB), powers.of(BOT), powers.to("ban")) == (50, 0, 0, 60)


def test_what_the_bot_lacks_is_told_by_name() -> None:
    content = {"users": {BOT: 50}, "events": {"m.room.power_levels": 100}, "events_default": 60}
    powers = Powers.read(created("11"), content)
    assert powers.missing(BOT) == ["m.room.message", "m.reaction", "m.room.redaction", "m.room.power_levels"]
    assert powers.missing("@nobody:x")[-4:] == ["redact", "kick", "ban", "m.room.power_levels"]
    assert Powers.read(created("12"), content).missing(ANN) == []


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside, max_size=3),
    max_leaves=9,
)
names = st.sampled_from(
    ["users", "users_default", "events", "events_default", "state_default", "ban", "kick"]
)


@given(json, st.none() | st.dictionaries(names, json | st.dictionaries(st.just(ANN), json)))
def test_no_state_is_too_wrong_to_be_read(inside: object, content: dict[str, object] | None) -> None:
    creation: dict[str, object] = {"sender": ANN, "content": inside}
    powers = Powers.read(creation, content)
    assert powers.of(ANN) == powers.of(ANN)
    assert isinstance(powers.missing(BOT), list)
