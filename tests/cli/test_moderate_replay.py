"""`llmos moderate replay`: per rule matches, actions and precision; wrong lines are named."""

import json
from pathlib import Path

import pytest

from tests.cli.operator import Operator, Outcome

RULES = """\
[[rule]]
kind = "words"
name = "insults"
action = "hide"
words = ["idiot"]

[[rule]]
kind = "flood"
name = "flood"
action = "timeout"
member_messages = 3

[[rule]]
kind = "caps"
name = "caps"
"""

MESSAGES = [
    {"id": "a", "text": "you idiot", "author": "anna", "channel": "help", "label": "toxic"},
    {"id": "b", "text": "the idiot is a novel", "label": 0},
    {"id": "c", "text": "WHY DOES NOBODY ANSWER ME, YOU IDIOT", "label": True},
    {"id": "d", "text": "fine", "label": "ham"},
    *({"id": f"f{n}", "text": "x", "author": "ben", "at": 1_800_000_000 + n} for n in range(4)),
    {"text": "later", "author": "ben", "at": "2030-01-01T00:00:00Z"},
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    rules, messages = tmp_path / "rules.toml", tmp_path / "messages.jsonl"
    rules.write_text(RULES, encoding="utf-8")
    messages.write_text("\n".join(map(json.dumps, MESSAGES)) + "\n\n", encoding="utf-8")
    return rules, messages


def replayed(operator: Operator, rules: Path | str, messages: Path, *more: str) -> Outcome:
    return operator.types("moderate", "replay", "--rules", str(rules), "--messages", str(messages), *more)


def test_it_says_that_there_are_no_pictures_to_look_at(operator: Operator, files: tuple[Path, Path]) -> None:
    rules, messages = files
    assert "no pictures" not in replayed(operator, rules, messages).out
    rules.write_text('[[rule]]\nkind = "images"\nname = "memes"\n', encoding="utf-8")
    assert "Lines hold no pictures, so memes found nothing." in replayed(operator, rules, messages).out


@pytest.mark.drives("cli:moderate replay")
def test_each_rule_is_told_with_matches_actions_and_precision(
    operator: Operator, files: tuple[Path, Path]
) -> None:
    rules, messages = files
    outcome = operator.types(
        "moderate", "replay", "--rules", str(rules), "--messages", str(messages), "--json"
    )
    report = json.loads(outcome.out)
    assert outcome.code == 0
    assert (report["messages"], report["violations"], report["errors"]) == (9, 2, [])
    assert report["actions"] == {"hide": 3, "timeout": 2}
    assert report["rules"]["insults"] == {
        "kind": "words",
        "matches": 3,
        "actions": {"hide": 3},
        "labeled": 3,
        "right": 2,
        "precision": 0.6667,
        "ids": ["a", "b", "c"],
    }
    assert report["rules"]["flood"]["ids"] == ["f2", "f3"]
    assert report["rules"]["flood"]["precision"] is None
    assert report["rules"]["caps"]["matches"] == 1
    assert report["rules"]["caps"]["actions"] == {}


def test_people_read_a_table(operator: Operator, files: tuple[Path, Path]) -> None:
    rules, messages = files
    outcome = replayed(operator, rules, messages)
    line = next(line for line in outcome.out.splitlines() if line.startswith("insults"))
    assert line.split() == ["insults", "words", "3", "hide", "3", "67%", "(3)"]
    assert "9 messages" in outcome.out


def test_a_preset_can_stand_for_the_file(operator: Operator, files: tuple[Path, Path]) -> None:
    outcome = replayed(operator, "strict", files[1], "--json")
    assert "phishing" in json.loads(outcome.out)["rules"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{not json", "not JSON"),
        ("[1]", "no JSON object"),
        ('{"id": "x"}', "`text` is missing"),
        ('{"text": 3}', "`text` is missing"),
        ('{"text": "a", "at": "yesterday"}', "`at` is no time"),
        ('{"text": "a", "at": 1e99}', "`at` is no time"),
        ('{"text": "a", "author": []}', "`author` is no text"),
        ('{"text": "a", "label": {}}', "`label` is neither"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_judged(
    operator: Operator, files: tuple[Path, Path], line: str, why: str
) -> None:
    rules, messages = files
    messages.write_text(f'{{"text": "you idiot"}}\n{line}\n{{"text": "idiot"}}\n', encoding="utf-8")
    outcome = operator.types(
        "moderate", "replay", "--rules", str(rules), "--messages", str(messages), "--json"
    )
    report = json.loads(outcome.out)
    assert report["rules"]["insults"]["matches"] == 2
    assert [error["line"] for error in report["errors"]] == [2]
    assert why in report["errors"][0]["why"]
    assert "line 2" in outcome.err


def test_wrong_rules_and_missing_files_are_wrong_usage(
    operator: Operator, files: tuple[Path, Path], tmp_path: Path
) -> None:
    rules, messages = files
    rules.write_text(RULES.replace('"hide"', '"explode"'), encoding="utf-8")
    for file, told in (
        (str(rules), "line 4"),
        (str(tmp_path / "none.toml"), "cannot be read"),
        ("x", "read"),
    ):
        outcome = replayed(operator, file, messages)
        assert outcome.code == 2
        assert told in outcome.err
    outcome = replayed(operator, "strict", tmp_path / "none")
    assert outcome.code == 2
