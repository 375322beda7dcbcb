"""What goes into a payload comes out equal."""

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.actions import Action, Receipt, StreamedReply
from bot.core.controls import Value
from bot.core.errors import ValueUnreadable
from bot.core.events import Channel, Event
from bot.storage.codec import (
    Work,
    decode_event,
    decode_receipt,
    decode_work,
    encode_event,
    encode_receipt,
    encode_work,
)
from tests.messages import message

_text = st.text(st.characters() | st.sampled_from("\0\ud800\udfff"), max_size=10)
_times = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _text
_VALUES: dict[object, st.SearchStrategy[object]] = {
    str: _text,
    bool: st.booleans(),
    int: st.integers(0, 2**53),
    float: st.floats(0, 1e9),
    datetime: _times,
    Mapping[str, object]: st.dictionaries(_text, _plain, max_size=2),
    Mapping[str, Value]: st.dictionaries(
        _text, st.booleans() | st.integers(-(2**53), 2**53) | st.floats(0, 1e9) | _text, max_size=2
    ),
}


@cache
def _made(kind: type[object]) -> st.SearchStrategy[object]:
    """Any value of a type of the vocabulary; unlike `st.from_type`, also texts that no UTF-8 can hold."""
    if kind in _VALUES:
        return _VALUES[kind]
    if is_dataclass(kind):
        return st.builds(kind, **{name: _made(field) for name, field in get_type_hints(kind).items()})
    options = get_args(kind)
    if get_origin(kind) is tuple:
        return st.lists(_made(options[0]), max_size=2).map(tuple)
    return st.one_of(*(st.none() if option is type(None) else _made(option) for option in options))


_events = st.one_of(*map(_made, get_args(Event)))
_actions = st.one_of(*(_made(kind) for kind in get_args(Action) if kind is not StreamedReply))


@given(_events)
def test_an_event_comes_back_equal(event: Event) -> None:
    assert decode_event(encode_event(event)) == event


@given(_made(Channel), st.none() | _events, st.none() | _actions)
def test_work_comes_back_equal(channel: Channel, event: Event | None, action: Action | None) -> None:
    work = Work(channel, event, action)
    assert decode_work(encode_work(work)) == work


@given(_made(Receipt))
def test_a_receipt_comes_back_equal_channel_included(receipt: Receipt) -> None:
    assert decode_receipt(encode_receipt(receipt)) == receipt


def test_a_receipt_of_an_older_version_is_a_list_of_ids() -> None:
    assert decode_receipt('["1", "2"]') == Receipt(("1", "2"))


@pytest.mark.parametrize(
    "broken",
    ['["Telegram", {}]', '["Message", {"text": 1}]', '["Message", {}]'],
)
def test_an_event_this_version_does_not_know_is_named_as_such(broken: str) -> None:
    with pytest.raises(ValueUnreadable, match=r"Telegram|Message"):
        decode_event(broken)


def test_work_with_a_broken_channel_is_unreadable() -> None:
    with pytest.raises(ValueUnreadable, match="Channel"):
        decode_work('[{"platform": 3}, null, null]')


def test_a_field_that_a_newer_version_added_has_its_default_in_old_rows() -> None:
    old = json.loads(encode_event(message("hello")))
    del old[1]["locale"], old[1]["attachments"], old[1]["quoted"]
    assert decode_event(json.dumps(old)) == message("hello")
