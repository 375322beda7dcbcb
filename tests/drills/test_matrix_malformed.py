"""Events as they are found in the wild, put into what a real homeserver says: each is logged once, at most.

A homeserver refuses most of them from its own members; other servers, bridges and old rooms bring them.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.adapters.matrix.house import House
from tests.labs.people import Json
from tests.labs.relay import Relay

AT_ONCE = 1 if os.environ.get("LLMOS_DRILLS") == "long" else 10

pytestmark = pytest.mark.drill

TEXT = {"msgtype": "m.text", "body": "hello"}
DEEP: Json = {}
for _level in range(200):
    DEEP = {"deeper": DEEP}


def text(**content: object) -> Json:
    """An event with a message, some of it as given."""
    return {"type": "m.room.message", "content": {**TEXT, **content}}


def event(kind: object, content: object, **more: object) -> Json:
    return {"type": kind, "content": content, **more}


def edit(**content: object) -> Json:
    relation = {"rel_type": "m.replace", "event_id": "$nobody-knows"}
    return text(**{"m.relates_to": relation, **content})


UNREADABLE: dict[str, object] = {
    "no content": {"type": "m.room.message"},
    "null content": event("m.room.message", None),
    "a list as content": event("m.room.message", ["m.text", "hello"]),
    "a text as content": event("m.room.message", "hello"),
    "empty content": event("m.room.message", {}),
    "no body": event("m.room.message", {"msgtype": "m.text"}),
    "null body": text(body=None),
    "a number as body": text(body=7),
    "no msgtype": event("m.room.message", {"body": "hello"}),
    "a table as msgtype": text(msgtype={}),
    "a thread of nothing": text(**{"m.relates_to": {"rel_type": "m.thread"}}),
    "a thread of a number": text(**{"m.relates_to": {"rel_type": "m.thread", "event_id": 7}}),
    "an edit of nothing": text(**{"m.relates_to": {"rel_type": "m.replace"}}),
    "an edit of null": text(**{"m.relates_to": {"rel_type": "m.replace", "event_id": None}}),
    "a reaction to nothing": event("m.reaction", {}),
    "a reaction without emoji": event(
        "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x"}}
    ),
    "a novel as reaction": event(
        "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "x" * 5000}}
    ),
    "a redaction of nothing": event("m.room.redaction", {}),
    "a redaction of a list": event("m.room.redaction", {"redacts": ["$x"]}, redacts=None),
    "nobody comes in": event("m.room.member", {"membership": "join"}, state_key=None),
    "a number comes in": event("m.room.member", {"membership": "join"}, state_key=7),
    "no sender": {**text(), "sender": None},
    "a table as sender": {**text(), "sender": {"name": "anna"}},
    "a word as sender": {**text(), "sender": "anna"},
    "an endless sender": {**text(), "sender": "@" + "x" * 300 + ":lab.test"},
    "no id": {**text(), "event_id": None},
    "a number as id": {**text(), "event_id": 12},
    "an endless id": {**text(), "event_id": "$" + "x" * 300},
    "null instead of an event": None,
    "a list instead of an event": [],
    "a text instead of an event": "hello",
}
"""What has to be left out, and told to the operator."""

HARMLESS: dict[str, object] = {
    "64 kB": text(body="x" * 64_000, formatted_body="<b>" * 20_000, format="org.matrix.custom.html"),
    "half a character": text(body="half \ud83d a character"),
    "a NUL": text(body="a\0b"),
    "deeply nested": text(deep=DEEP),
    "a number as relation": text(**{"m.relates_to": 7}),
    "a reply to null": text(**{"m.relates_to": {"m.in_reply_to": None}}),
    "a reply to a number": text(**{"m.relates_to": {"m.in_reply_to": {"event_id": 7}}}),
    "a list as mentions": text(**{"m.mentions": ["@llmos:lab.test"]}),
    "a word as mentions": text(**{"m.mentions": {"user_ids": "@llmos:lab.test"}}),
    "mentions of null": text(**{"m.mentions": {"user_ids": [None, 7, {}]}}),
    "a number as HTML": text(format=7, formatted_body=7),
    "an edit of what nobody knows": edit(**{"m.new_content": TEXT}),
    "an edit without a new text": edit(),
    "an edit with null": edit(**{"m.new_content": None}),
    "a redaction of what nobody knows": event("m.room.redaction", {"redacts": "$nobody-knows"}),
    "an image without address": text(msgtype="m.image", url=None, info=None),
    "an image with odd facts": text(msgtype="m.image", url="mxc://a/b", info={"size": -1, "mimetype": 7}),
    "a file that is encrypted by nobody": text(msgtype="m.file", file={}),
    "no time": {**text(), "origin_server_ts": None},
    "a word as time": {**text(), "origin_server_ts": "now"},
    "a time before all times": {**text(), "origin_server_ts": -(10**15)},
    "a time after all times": {**text(), "origin_server_ts": 10**30},
    "true as time": {**text(), "origin_server_ts": True},
    "null beside it": {**text(), "unsigned": None},
    "odd things beside it": {**text(), "unsigned": {"prev_content": "x", "m.relations": []}},
    "no type": event(None, TEXT),
    "a number as type": event(7, TEXT),
    "a type from the future": event("org.example.hologram", {"body": None}),
    "somebody who is a number": event("m.room.member", {"membership": 7, "displayname": 7}, state_key="@x:y"),
    "a room that moves to nowhere": event("m.room.tombstone", {"replacement_room": 7}, state_key=""),
    "a room that moves to null": event("m.room.tombstone", None, state_key=""),
}
"""What is odd, and can be lived with."""

ANSWERS: dict[str, Json] = {
    "version 12: an invitation without state": {"invite": {"!without-domain": {}}},
    "version 12: a departure without state": {"leave": {"!without-domain": {}}},
    "an invitation of null": {"invite": {"!x": None, "!y": {"invite_state": None}}},
    "an invitation of odd events": {"invite": {"!z": {"invite_state": {"events": [None, 7, {}]}}}},
    "a departure of null": {"leave": {"!x": None}},
    "a departure of odd events": {"leave": {"!x": {"timeline": {"events": [None]}, "state": 7}}},
    "rooms of null": {"join": {"!x": None}},
    "a room with null everywhere": {"join": {"!x": {"timeline": None, "state": None, "summary": None}}},
    "a room with numbers everywhere": {"join": {"!x": {"timeline": {"events": 7, "limited": 7}, "state": 7}}},
    "knocks from the future": {"knock": {"!x": None}, "hologram": {"!x": 7}},
}
"""What is said about other rooms."""

UNDERSTOOD = "cannot be understood"


@contextmanager
def saying(relay: Relay, room: str, founds: Mapping[str, object], sender: str) -> Iterator[None]:
    """Put events before what is said in a room next."""

    def change(answer: Json) -> None:
        for name, found in founds.items():
            usual = {"event_id": f"$odd {name}", "sender": sender, "origin_server_ts": 1_700_000_000_000}
            whole = {**usual, **found} if isinstance(found, dict) else found
            answer["rooms"]["join"][room]["timeline"]["events"].insert(0, whole)

    with once(relay, room, change):
        yield


@contextmanager
def answering(relay: Relay, room: str, rooms: Json) -> Iterator[None]:
    """Say something about other rooms together with what is said in this one next."""

    def change(answer: Json) -> None:
        for kind, found in rooms.items():
            if isinstance(found, dict):
                answer["rooms"].setdefault(kind, {}).update(found)
            else:
                answer["rooms"][kind] = found

    with once(relay, room, change):
        yield


@contextmanager
def once(relay: Relay, room: str, change: Callable[[Json], None]) -> Iterator[None]:
    """Change the next answer that says something of this room."""
    changed = False

    def pass_on(path: str, answer: Json) -> Json:
        nonlocal changed
        if path.endswith("/sync") and room in answer.get("rooms", {}).get("join", {}) and not changed:
            change(answer)
            changed = True
        return answer

    relay.change = pass_on
    yield
    assert changed


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What operators were told since the last time."""
    found = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    caplog.clear()
    return found


def heaps(kinds: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """The kinds in heaps that come at once."""
    names = list(kinds)
    for start in range(0, len(names), AT_ONCE):
        yield {name: kinds[name] for name in names[start : start + AT_ONCE]}


async def test_no_event_in_the_wild_stops_the_bot_or_floods_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"member{number}" for number in range(12)]  # somebody who asked too often would be a machine
    room = await house.room("anna", *names)
    anna, members = await house.person("anna"), [await house.person(name) for name in names]
    texts: list[str] = []

    async def is_there(after: object) -> None:
        texts.append(f"after {after}?")
        await house.ask(members[len(texts) % len(members)], room, texts[-1])
        await house.stands(anna, room, *texts)

    async with Relay(house.synapse.url).open() as relay:
        house.homeserver = relay.url
        async with house.living():
            await house.lives_in(room)
            await is_there("nothing")
            caplog.clear()
            for heap in heaps(HARMLESS):
                with saying(relay, room, heap, anna.id):
                    await is_there(list(heap))
                assert warnings(caplog) == [], heap
            for heap in heaps(UNREADABLE):
                with saying(relay, room, heap, anna.id):
                    await is_there(list(heap))
                told = warnings(caplog)
                objects = [found for found in heap.values() if isinstance(found, dict)]
                assert len(told) == len(objects) + (len(objects) < len(heap)), (told, heap)
                assert all(UNDERSTOOD in line for line in told), (told, heap)
            for name, rooms in ANSWERS.items():
                with answering(relay, room, rooms):
                    await is_there(name)
            others = [other for rooms in ANSWERS.values() for part in rooms.values() for other in part]
            assert len(warnings(caplog)) <= len(others)
