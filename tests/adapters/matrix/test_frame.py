"""Our events say what they have to, notify once, and fit into the platform's limit."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.matrix.frame import (
    EVENT_BYTES,
    KEY,
    MESSAGE_BYTES,
    Frame,
    reaction,
    replacement,
    sendable,
    size,
    text_length,
)
from bot.adapters.reading import Json
from bot.adapters.splitting import split

ANSWER = Frame("m.text", "$question", None, "@ann:x")
IN_THREAD = Frame("m.text", "$question", "$root", "@ann:x")


def test_the_first_message_answers_and_tells_the_asker() -> None:
    assert ANSWER.new("Hi", 0, "k.0") == {
        "msgtype": "m.text",
        "body": "Hi",
        "m.mentions": {"user_ids": ["@ann:x"]},
        "m.relates_to": {"m.in_reply_to": {"event_id": "$question"}},
        KEY: "k.0",
    }


def test_further_messages_tell_nobody() -> None:
    assert ANSWER.new("Hi", 1, "k.1") == {"msgtype": "m.text", "body": "Hi", "m.mentions": {}, KEY: "k.1"}


def test_in_a_thread_every_message_stands_in_it() -> None:
    for part in (0, 1):
        assert IN_THREAD.new("Hi", part, "k")["m.relates_to"] == {
            "rel_type": "m.thread",
            "event_id": "$root",
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": "$question"},
        }
    post = Frame("m.notice", thread="$root").new("News", 0, "k")
    assert post["msgtype"] == "m.notice"
    assert post["m.mentions"] == {}
    relation = post["m.relates_to"]
    assert isinstance(relation, dict)
    assert relation["m.in_reply_to"] == {"event_id": "$root"}


def test_an_edit_notifies_nobody_and_keeps_what_the_whole_message_mentions() -> None:
    original: Json = {"msgtype": "m.text", "body": "H", "m.mentions": {"user_ids": ["@ann:x"]}}
    assert replacement("*Hi*", "$answer", original) == {
        "msgtype": "m.text",
        "body": "* *Hi*",
        "m.mentions": {},
        "m.new_content": {
            "msgtype": "m.text",
            "body": "*Hi*",
            "format": "org.matrix.custom.html",
            "formatted_body": "<p><em>Hi</em></p>",
            "m.mentions": {"user_ids": ["@ann:x"]},
        },
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$answer"},
    }


def test_markup_that_makes_an_event_too_big_is_left_to_the_plain_body() -> None:
    text = "|a" * 60 + "\n" + "|-" * 60 + "\n" + ("|a" * 60 + "\n") * 100
    content = ANSWER.new(text, 0, "k")
    assert content["body"] == text
    assert "formatted_body" not in content
    assert "format" not in content


@given(st.text(st.characters(exclude_categories=()), max_size=60), st.integers(1, 400))
def test_every_part_of_every_text_fits(piece: str, times: int) -> None:
    for part in split(piece * times, MESSAGE_BYTES, text_length):
        assert size(IN_THREAD.new(part.text, 0, "k" * 25)) <= EVENT_BYTES
        assert size(replacement(part.text, "$" + "x" * 43, IN_THREAD.new("", 0, "k"))) <= EVENT_BYTES


@given(st.text(st.characters(exclude_categories=()), max_size=60), st.text(max_size=60))
def test_lengths_add_up_and_are_those_on_the_wire(one: str, other: str) -> None:
    assert text_length(one + other) == text_length(one) + text_length(other) >= len(one + other)
    assert text_length(sendable(one)) <= text_length(one)
    assert size({"": sendable(one)}) == text_length(sendable(one)) + len('{"":""}')


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_what_is_sent_is_text_for_everybody(text: str) -> None:
    sent = sendable(text)
    assert json.loads(json.dumps(sent).encode()) == sent
    sent.encode()
    assert len(sent) <= len(text)
    assert sendable(sent) == sent


def test_whole_characters_are_sent_as_they_are() -> None:
    assert sendable("😀 a\0b 你好") == "😀 a\0b 你好"
    assert sendable("half \ud83d a") == "half � a"


def test_a_reaction_annotates() -> None:
    assert reaction("$a", "👍") == {
        "m.relates_to": {"rel_type": "m.annotation", "event_id": "$a", "key": "👍"}
    }
