"""`llmos restore FILE`: the backup in place, the old database beside it, the forgotten still forgotten."""

import pytest

from tests.cli.keeping import MEMBER, kept, live, place
from tests.cli.operator import Operator
from tests.storage.house import held

pytestmark = pytest.mark.drives("cli:restore")


def test_a_backup_is_put_in_place_and_the_old_database_kept(operator: Operator) -> None:
    live(operator)
    before = kept(operator)
    assert operator.types("backup", "copy.db").code == 0
    place(operator).ask("DELETE FROM messages")
    outcome = operator.types("restore", "copy.db")
    assert (outcome.code, outcome.err) == (0, "")
    assert "copy.db is now the database" in outcome.out
    assert "llmos.db.replaced-" in outcome.out
    assert kept(operator) == before


def test_whoever_was_erased_since_stays_erased(operator: Operator) -> None:
    live(operator)
    operator.types("backup", "copy.db")
    operator.types("privacy", "erase", "--platform", "discord", "--user", MEMBER.id)
    outcome = operator.types("restore", "copy.db")
    assert outcome.code == 0
    assert "erased again" in outcome.out
    assert kept(operator) == {"outbox": 1, "strikes": 1}


def test_a_file_that_is_no_backup_changes_nothing(operator: Operator) -> None:
    live(operator)
    before = kept(operator)
    operator.writes("hello", name="copy.db")
    outcome = operator.types("restore", "copy.db")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("llmos: ")
    assert kept(operator) == before


def test_while_the_bot_runs_nothing_is_replaced(operator: Operator) -> None:
    live(operator)
    operator.types("backup", "copy.db")
    with held(place(operator), "BEGIN IMMEDIATE"):
        outcome = operator.types("restore", "copy.db")
    assert outcome.code == 1
    assert "in use by another program" in outcome.err
    assert not list(place(operator).folder.glob("*.replaced-*"))
