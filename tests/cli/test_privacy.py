"""`llmos privacy`: the same rights as in the chat, for operators who are asked by other ways."""

import json

import pytest

from tests.cli.keeping import CONFIG, MEMBER, kept, live, place
from tests.cli.operator import Operator

ABOUT = ("--platform", "discord", "--user", MEMBER.id)


@pytest.mark.drives("cli:privacy export")
def test_an_export_as_json_is_one_document_with_the_texts(operator: Operator) -> None:
    live(operator)
    outcome = operator.types("privacy", "export", *ABOUT, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    assert (found["platform"], found["user"]) == MEMBER.identity
    assert [row["body"] for row in found["kept"]["messages"]] == ["where is my umbrella?", "behind the door"]


def test_an_export_for_reading_shows_every_table_and_the_texts(operator: Operator) -> None:
    live(operator)
    outcome = operator.types("privacy", "export", *ABOUT)
    assert outcome.code == 0
    for heading in ("messages (2)", "inbox (1)", "outbox (3)", "usage (1)", "audit (2)"):
        assert heading in outcome.out
    assert "body=behind the door" in outcome.out


def test_a_stranger_has_nothing_and_the_id_is_questioned(operator: Operator) -> None:
    live(operator)
    outcome = operator.types("privacy", "export", "--platform", "discord", "--user", "Ada")
    assert outcome.code == 0
    assert "Nothing is stored about Ada on discord" in outcome.out
    assert "names do not work" in outcome.out


@pytest.mark.drives("cli:privacy erase")
def test_erasing_erases_and_says_how_much(operator: Operator) -> None:
    live(operator)
    outcome = operator.types("privacy", "erase", *ABOUT)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"19 entries about {MEMBER.id} are erased." in outcome.out
    assert kept(operator) == {"outbox": 1, "strikes": 1}
    assert "Nothing is stored" in operator.types("privacy", "erase", *ABOUT).out


def test_erasing_as_json_is_one_document(operator: Operator) -> None:
    live(operator)
    outcome = operator.types("privacy", "erase", *ABOUT, "--json")
    assert json.loads(outcome.out) == {"platform": "discord", "user": MEMBER.id, "erased": 19}


def test_without_a_database_none_is_made(operator: Operator) -> None:
    operator.writes(CONFIG)
    outcome = operator.types("privacy", "export", *ABOUT)
    assert (outcome.code, outcome.out) == (1, "")
    assert "There is no database at" in outcome.err
    assert not place(operator).folder.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("export", "--platform", "discord"),
        ("export", "--user", "1"),
        ("erase", "--platform", "telegram", "--user", "1"),
        ("show", *ABOUT),
    ],
)
def test_wrong_usage_is_exit_code_2(operator: Operator, words: tuple[str, ...]) -> None:
    live(operator)
    assert operator.types("privacy", *words).code == 2
    assert kept(operator)["messages"] == 2
