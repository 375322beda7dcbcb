"""Events as anybody may write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.matrix.decoding import (
    NOTHING_KNOWN,
    Known,
    Malformed,
    attachments,
    decode,
    event_id,
    known,
    subject,
)
from bot.adapters.matrix.rooms import Room
from bot.adapters.reading import Json
from bot.core.events import Deletion, Edit, Join, Message, Reaction

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
US, ANNA = "@llmos:home.example", "@anna:home.example"
SENT_MS = int(datetime(2026, 5, 1, 11, tzinfo=UTC).timestamp() * 1000)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
ids = st.sampled_from(["$event", "$other", "@anna:home.example", "", "$" + "x" * 300])
relations = st.fixed_dictionaries(
    {},
    optional={
        "rel_type": st.sampled_from(["m.replace", "m.thread", "m.annotation"]) | anything,
        "event_id": ids | anything,
        "key": anything,
        "m.in_reply_to": anything,
    },
)
contents = st.fixed_dictionaries(
    {},
    optional={
        "msgtype": st.sampled_from(["m.text", "m.notice", "m.image"]) | anything,
        "body": anything,
        "formatted_body": anything,
        "m.relates_to": relations | anything,
        "m.new_content": anything,
        "m.mentions": anything,
        "membership": st.sampled_from(["join", "leave"]) | anything,
        "redacts": ids | anything,
        "info": anything,
        "url": anything,
    },
)
raws = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["m.room.message", "m.reaction", "m.room.redaction", "m.room.member"])
        | anything,
        "event_id": ids | anything,
        "sender": st.sampled_from([ANNA, US]) | anything,
        "state_key": anything,
        "origin_server_ts": anything,
        "content": contents | anything,
        "unsigned": anything,
        "redacts": ids | anything,
    },
)


def room() -> Room:
    return Room("!room:home.example", {US: "LLMOS", ANNA: "Anna", "@ben:home.example": "Ben"})


def raw(kind: str, content: Json, **more: object) -> Json:
    return {
        "type": kind,
        "event_id": "$event",
        "sender": ANNA,
        "origin_server_ts": SENT_MS,
        "content": content,
        **more,
    }


@given(raws)
def test_nothing_that_can_be_sent_breaks_anything(found: Json) -> None:
    try:
        event_id(found)
        about = known(found) if subject(found) is None else NOTHING_KNOWN
        decode(found, room(), US, about, NOW)
    except Malformed:
        return


def test_a_message_with_a_mention_and_a_thread() -> None:
    content: Json = {
        "msgtype": "m.text",
        "body": "LLMOS: what is a boat?",
        "m.mentions": {"user_ids": [US]},
        "m.relates_to": {"rel_type": "m.thread", "event_id": "$root", "is_falling_back": True},
    }
    event = decode(raw("m.room.message", content), room(), US, NOTHING_KNOWN, NOW)
    assert isinstance(event, Message)
    assert (event.addressed, event.ref.channel.thread, event.author.name) == (
        "what is a boat?",
        "$root",
        "Anna",
    )


def test_a_notice_is_marked_and_our_own_words_are_none() -> None:
    content: Json = {"msgtype": "m.notice", "body": "beep"}
    event = decode(raw("m.room.message", content), room(), US, NOTHING_KNOWN, NOW)
    assert isinstance(event, Message)
    assert event.notice
    assert decode(raw("m.room.message", content, sender=US), room(), US, NOTHING_KNOWN, NOW) is None


@pytest.mark.parametrize(("author", "edits"), [(ANNA, True), ("@ben:home.example", False), (None, False)])
def test_only_the_author_edits(author: str | None, edits: bool) -> None:
    content: Json = {
        "msgtype": "m.text",
        "body": "* new",
        "m.new_content": {"msgtype": "m.text", "body": "new"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$first"},
    }
    event = decode(raw("m.room.message", content), room(), US, Known(author), NOW)
    assert isinstance(event, Edit) is edits
    if isinstance(event, Edit):
        assert (event.message.text, event.message.ref.id) == ("new", "$first")


def test_reactions_come_and_go() -> None:
    content: Json = {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$first", "key": "👍"}}
    given_one = decode(raw("m.reaction", content), room(), US, NOTHING_KNOWN, NOW)
    assert isinstance(given_one, Reaction)
    assert (given_one.emoji, given_one.added, given_one.ref.id) == ("👍", True, "$first")
    gone = raw("m.room.redaction", {"redacts": "$reaction"})
    taken = decode(gone, room(), US, Known(ANNA, target="$first", emoji="👍"), NOW)
    assert isinstance(taken, Reaction)
    assert not taken.added


@pytest.mark.parametrize("place", ["content", "top"])
def test_a_redaction_is_a_deletion_in_old_and_new_rooms(place: str) -> None:
    found = raw("m.room.redaction", {"redacts": "$first"} if place == "content" else {})
    if place == "top":
        found["redacts"] = "$first"
    event = decode(found, room(), US, Known(ANNA), NOW)
    assert isinstance(event, Deletion)
    assert event.ref.id == "$first"


def test_who_comes_in_joins() -> None:
    event = decode(
        raw("m.room.member", {"membership": "join"}, state_key=ANNA), room(), US, NOTHING_KNOWN, NOW
    )
    assert isinstance(event, Join)


def test_a_clock_that_runs_ahead_is_not_believed() -> None:
    content: Json = {"msgtype": "m.text", "body": "from the future"}
    found = raw("m.room.message", content, origin_server_ts=99_999_999_999_999)
    event = decode(found, room(), US, NOTHING_KNOWN, NOW)
    assert isinstance(event, Message)
    assert (event.at - NOW).total_seconds() <= 300


@pytest.mark.parametrize(
    ("msgtype", "claimed", "kind"),
    [
        ("m.image", "image/png", "image/png"),
        ("m.image", None, "image/*"),
        ("m.image", "text/plain", "image/*"),
        ("m.file", None, "application/octet-stream"),
        ("m.file", "text/plain", "text/plain"),
    ],
)
def test_what_clients_show_as_a_picture_is_one_whatever_its_sender_says(
    msgtype: str, claimed: str | None, kind: str
) -> None:
    info = {} if claimed is None else {"mimetype": claimed}
    content = {"msgtype": msgtype, "body": "gift", "url": "mxc://home.example/gift", "info": info}
    (found,) = attachments({"event_id": "$1", "content": content})
    assert found.content_type == kind
