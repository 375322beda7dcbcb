"""Whatever the gateway sends is an event, nothing, or malformed: never another error."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.discord.decoding import (
    Malformed,
    Ourselves,
    deletions,
    edit,
    focused,
    invocation,
    message,
    quote,
    reaction,
    thread_opened,
)
from bot.adapters.discord.gaps import Cursors, gaps
from bot.adapters.discord.places import place_of
from bot.adapters.discord.snowflakes import first_at, newest, snowflake, time_of
from bot.adapters.reading import Json
from bot.core.events import Author, Channel, Message, Quote

US, PLACE = "42", Channel("discord", "7", "8")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = """
id type content author member user mentions mention_roles message_reference message_id emoji name attachments
url size filename nick username global_name bot webhook_id edited_timestamp ids user_id owner_id data options
value focused target_id locale channels threads last_message_id roles tags
referenced_message resolved messages target_id custom_id components component
"""
KEYS = st.sampled_from(NAMES.split())
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.integers(0, 2**70).map(str), st.sampled_from([US, "0", "19", 0, 1, 2, 3, 19, "²", "١٢", "-1"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6))
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=12)


def whole(**more: object) -> Json:
    """A message as Discord sends it."""
    author = {"id": "100", "username": "anna", "global_name": "Anna"}
    return {"id": first_at(NOW), "type": 0, "content": "hello", "author": author, **more}


@given(raw=OBJECTS, more=OBJECTS)
def test_no_event_breaks_the_decoder(raw: Json, more: Json) -> None:
    us = Ourselves(US)
    for each in (raw, whole() | raw, whole(author=more), whole(data=more) | {"type": 2}):
        decoders = (
            lambda raw: message(raw, PLACE, us),
            lambda raw: edit(raw, PLACE, us),
            lambda raw: deletions(raw, PLACE, NOW),
            lambda raw: reaction(raw, PLACE, added=True, now=NOW),
            lambda raw: thread_opened(raw, PLACE),
            lambda raw: invocation(raw, PLACE, {"Why?": ("why",)}),
        )
        for decode in decoders:
            with suppress(Malformed):
                repr(decode(each)).encode("utf-8")  # no half characters: it can be stored


@given(raw=OBJECTS)
def test_no_guild_breaks_the_learning_of_places_or_the_search_for_gaps(raw: Json) -> None:
    cursors = Cursors({"start": "5"})
    for gap in gaps(raw, cursors):
        assert int(gap.after) >= 4
    for about in (raw, {"id": "9", **raw}):
        place = place_of(about, "7")
        assert place is None or place.platform == "discord"
    assert focused([raw]) is None or isinstance(focused([raw]), tuple)


@given(said=st.text(max_size=50), before=st.text(max_size=5))
def test_what_is_said_to_us_comes_without_the_mention_and_unchanged(said: str, before: str) -> None:
    text = f"{before}<@{US}> {said}"
    found = message(whole(content=text, mentions=[{"id": US}]), PLACE, Ourselves(US))
    assert found is not None
    assert found.text == text.replace("\0", "\ufffd")
    assert found.addressed is not None
    assert f"<@{US}>" not in found.addressed


@pytest.mark.parametrize(
    ("raw", "addressed"),
    [
        (whole(), None),
        (whole(content=f"<@{US}>: hi", mentions=[{"id": US}]), "hi"),
        (whole(content=f"<@!{US}>, hi", mentions=[{"id": US}]), "hi"),
        (whole(content=f"hi <@{US}>", mentions=[{"id": US}]), "hi"),
        (whole(content=f"<@{US}> hi"), None),
        (whole(content="<@&5> hi", mention_roles=["5"]), "hi"),
        (whole(content="<@&6> hi", mention_roles=["6"]), None),
        (whole(content="hi", mentions=[{"id": US}], type=19), "hi"),
    ],
)
def test_who_is_addressed(raw: Json, addressed: str | None) -> None:
    us = Ourselves(US)
    us.roles.add("5")
    found = message(raw, PLACE, us)
    assert found is not None
    assert found.addressed == addressed


def test_webhooks_and_bots_are_bots_and_our_own_messages_are_nothing() -> None:
    def by(**more: object) -> Message | None:
        return message(whole(**more), PLACE, Ourselves(US))

    person, bot, hook = by(), by(author={"id": "9", "bot": True}), by(webhook_id="3")
    assert person is not None
    assert bot is not None
    assert hook is not None
    assert [person.author.is_bot, bot.author.is_bot, hook.author.is_bot] == [False, True, True]
    assert by(author={"id": US}) is None
    assert by(type=24) is None, "an alert of AutoMod"


@given(at=st.datetimes(datetime(2015, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_ids_are_times(at: datetime) -> None:
    first = first_at(at)
    assert abs((time_of(first) - at).total_seconds()) < 0.001
    assert newest(first, "1") == max(first, "1", key=int)
    assert snowflake(json.loads(json.dumps({"id": first})), "id") == first


def test_a_message_that_came_along_is_quoted_only_if_it_has_an_author_and_words() -> None:
    assert quote(whole()) == Quote(Author("discord", "100", "Anna"), "hello", time_of(first_at(NOW)))
    nobody: Json = {"content": "hello"}
    for broken in ({}, whole(content=""), whole(author={}), whole(id="x"), nobody):
        assert quote(broken) is None
