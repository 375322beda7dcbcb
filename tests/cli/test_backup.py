"""`llmos backup FILE`: a copy, and the words an operator needs with it."""

import os

import pytest

from tests.cli.keeping import CONFIG, live, place
from tests.cli.operator import Operator

pytestmark = pytest.mark.drives("cli:backup")


def test_a_backup_is_made_and_the_key_is_mentioned(operator: Operator) -> None:
    live(operator)
    outcome = operator.types("backup", "copy.db")
    assert (outcome.code, outcome.err) == (0, "")
    assert "The database is copied to copy.db (" in outcome.out
    assert str(place(operator).key) in outcome.out
    assert (operator.folder / "copy.db").read_bytes().startswith(b"SQLite format 3\0")


def test_without_a_database_it_says_so(operator: Operator) -> None:
    operator.writes(CONFIG)
    outcome = operator.types("backup", "copy.db")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("llmos: There is no database at ")
    assert not (operator.folder / "copy.db").exists()


def test_the_key_is_never_overwritten(operator: Operator) -> None:
    live(operator)
    key = place(operator).key.read_bytes()
    outcome = operator.types("backup", str(place(operator).key))
    assert outcome.code == 1
    assert "is no backup" in outcome.err
    assert place(operator).key.read_bytes() == key


def test_a_damaged_database_is_a_sentence_and_exit_code_1(operator: Operator) -> None:
    live(operator)
    place(operator).file.write_bytes(os.urandom(50_000))
    outcome = operator.types("backup", "copy.db")
    assert (outcome.code, outcome.out) == (1, "")
    assert "damaged" in outcome.err
    assert "llmos restore FILE" in outcome.err
    assert not (operator.folder / "copy.db").exists()


def test_a_server_has_tools_of_its_own(operator: Operator) -> None:
    operator.writes('[storage]\nurl = "postgresql://llmos@db.example/llmos"\n')
    outcome = operator.types("backup", "copy.db")
    assert outcome.code == 1
    assert "pg_dump" in outcome.err


@pytest.mark.parametrize("words", [["backup"], ["backup", "a", "b"], ["backup", "a", "--fast"]])
def test_wrong_usage_is_exit_code_2(operator: Operator, words: list[str]) -> None:
    operator.writes(CONFIG)
    assert operator.types(*words).code == 2


def test_a_wrong_configuration_is_exit_code_2(operator: Operator) -> None:
    operator.writes("[storage]\nurl = 3\n")
    outcome = operator.types("backup", "copy.db")
    assert outcome.code == 2
    assert "storage" in outcome.err
