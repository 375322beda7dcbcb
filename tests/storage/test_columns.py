"""Columns give back what they were given."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy.pool import StaticPool

from bot.storage.columns import AnyText, Instant

_table = Table(
    "t",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("text", AnyText),
    Column("at", Instant),
)
_engine = create_engine("sqlite://", poolclass=StaticPool)
_table.create(_engine)
_anything = st.text(st.characters() | st.sampled_from("\0\ud800\udfff\ufdd0ab"))
_instants = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def _through(text: str | None, at: datetime | None) -> tuple[str | None, datetime | None]:
    with _engine.begin() as connection:
        key = connection.execute(insert(_table).values(text=text, at=at)).inserted_primary_key
        assert key is not None
        row = connection.execute(select(_table.c.text, _table.c.at).where(_table.c.id == key[0])).one()
    return row[0], row[1]


@given(_anything, _instants)
def test_any_text_and_any_time_come_back_as_they_were(text: str, at: datetime) -> None:
    assert _through(text, at) == (text, at)


@pytest.fixture(scope="module", autouse=True)
def _ended() -> object:
    yield
    _engine.dispose()


def test_nothing_stays_nothing() -> None:
    assert _through(None, None) == (None, None)


@given(_anything, _anything)
def test_different_texts_stay_different_in_the_database(one: str, other: str) -> None:
    bind = AnyText().bind_processor(_engine.dialect)
    assert (bind(one) == bind(other)) == (one == other)


@given(_anything)
def test_what_is_stored_is_valid_utf8_without_nul(text: str) -> None:
    stored = AnyText().bind_processor(_engine.dialect)(text)
    assert stored is not None
    assert "\0" not in stored
    stored.encode("utf-8")


@given(_instants, _instants)
def test_times_keep_their_order(one: datetime, other: datetime) -> None:
    bind = Instant().bind_processor(_engine.dialect)
    first, second = bind(one), bind(other)
    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)
