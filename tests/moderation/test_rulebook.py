"""Rules as files: what is wrong is told with its place and changes nothing."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.actions import Severity
from bot.core.errors import UserError
from bot.moderation.rulebook import MAX_RULES, PRESETS, json_schema, preset, read, rule_from, write
from bot.moderation.ruleset import Ruleset

GOOD = """\
version = 1

[[rule]]
kind = "words"
name = "insults"  # from last year
action = "hide"
words = ["idiot", "moron*"]
escalation = [{ strikes = 2.0, action = "timeout", minutes = 30.0 }]

[[rule]]
kind = "caps"
name = "caps"
"""


def refused(text: str) -> str:
    with pytest.raises(UserError) as error:
        read(text)
    return str(error.value)


def test_a_file_of_rules_is_read_in_its_order() -> None:
    rules = read(GOOD)
    assert [(rule.kind, rule.name, rule.action) for rule in rules] == [
        ("words", "insults", Severity.HIDE),
        ("caps", "caps", Severity.HINT),
    ]
    assert read(write(rules)) == rules
    assert read("") == ()
    assert read(write(())) == ()


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        (
            'kind = "words"',
            'kind = "word"',
            "line 4, rule insults, key kind: There is no kind of rule 'word'.",
        ),
        ('kind = "words"', "", "line 3, rule insults, key kind: This key is missing."),
        ('kind = "words"', "kind = 7", "line 4, rule insults, key kind: It must be a text in quotes."),
        (
            'action = "hide"',
            'action = "explode"',
            "line 6, rule insults, key action: Choose one of none, log",
        ),
        (
            'action = "hide"',
            'actoin = "hide"',
            "line 6, rule insults, key actoin: There is no such setting. Did",
        ),
        ('words = ["idiot", "moron*"]', "words = 3", "line 7, rule insults, key words: It must be a list in"),
        ('words = ["idiot", "moron*"]', "words = []", "line 7, rule insults, key words: It needs at least 1"),
        ('words = ["idiot", "moron*"]', 'words = ["ok", 3]', "key words.2: It must be a text in quotes."),
        (
            'words = ["idiot", "moron*"]',
            'words = ["**"]',
            "line 7, rule insults, key words.1: It has the wrong",
        ),
        (
            "strikes = 2.0",
            'strikes = "2"',
            "line 8, rule insults, key escalation.1.strikes: It must be a number.",
        ),
        ("strikes = 2.0", "strikes = -1", "key escalation.1.strikes: It must be more than 0"),
        ("strikes = 2.0", "strikes = nan", "key escalation.1.strikes"),
        ('name = "caps"', 'name = "insults"', "Two rules have this name."),
        ('name = "caps"', 'name = "a b"', "A name has letters, digits, _ and -"),
        ('name = "caps"', "", "line 10, rule 2, key name: This key is missing."),
        ("version = 1", "version = 2", "not version 1"),
        ("version = 1", "rules = 1", "line 1, key rules: Here only `version` and [[rule]] can stand."),
        ("version = 1", "version = ", "not valid TOML"),
        ("version = 1", f"version = {'9' * 5000}", "too large"),
        ("[[rule]]", "[rule]", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_told_with_line_rule_and_key(wrong: str, right: str, told: str) -> None:
    assert wrong in GOOD
    assert told in refused(GOOD.replace(wrong, right, 1 if wrong != '"caps"' else 2))


def test_all_mistakes_are_told_at_once() -> None:
    text = refused(GOOD.replace('"hide"', '"explode"').replace('kind = "caps"', 'kind = "capz"'))
    assert len(text.splitlines()) == 3
    assert "so nothing changed" in text


@pytest.mark.parametrize(
    ("hostile", "told"),
    [
        ("#" * 100_000, "too long"),
        ('[[rule]]\nkind="caps"\nname="a"\n' * 1_500, "at most 500 rules"),
        ("\n".join("[[rule]]" for _n in range(6_000)), "at most 500 rules"),
        ("a = " + "[" * 30_000, "nested too deeply"),
        ("a = " + "{b=" * 15_000, "nested too deeply"),
        (".".join("a" * 30_000) + " = 1", "nested too deeply"),
        ("[" + ".".join("a" * 30_000) + "]", "nested too deeply"),
        ("rule = 3", "Each rule begins"),
        ("rule = [1, 2]", "Each rule begins"),
        ("\x00", "not valid TOML"),
        ("[[rule]]\nkind='caps'\nname='x'\nchannels=" + "[" * 200 + "]" * 200, "channels"),
        ("[[rule]]\nkind='caps'\nname='x'\nhint='" + "h" * 600 + "'", "at most 500 characters"),
    ],
    ids=lambda value: value[:12],
)
def test_a_hostile_text_is_refused_in_a_sentence(hostile: str, told: str) -> None:
    text = refused(hostile)
    assert told in text
    assert len(text) < 3_000


@given(st.text(max_size=200) | st.text("[]{}=.\"'\nrulekindame1 ", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text)
    except UserError:
        return
    tomllib.loads(text)


def test_a_rule_is_made_of_its_kind_name_and_settings() -> None:
    rule = rule_from("links", "phishing", {"action": "delete", "deny": ["Example.ORG"]})
    assert rule.model_dump()["deny"] == ("example.org",)
    with pytest.raises(UserError, match="Did you mean links"):
        rule_from("link", "x", {})
    with pytest.raises(UserError, match=r"rule x, key deny\.1: .*no domain"):
        rule_from("links", "x", {"deny": ["no domain"]})


@pytest.mark.parametrize("kind", ["toxicity", "spam", "low_effort", "off_topic"])
def test_a_classifier_alone_never_does_more_than_queue(kind: str) -> None:
    assert rule_from(kind, "x", {"action": "queue"}).action is Severity.QUEUE
    for action in ("hide", "delete", "timeout", "kick", "ban"):
        with pytest.raises(UserError, match="at most queue"):
            rule_from(kind, "x", {"action": action})
        with pytest.raises(UserError, match="at most queue"):
            rule_from(kind, "x", {"escalation": [{"strikes": 1, "action": action}]})
        assert rule_from(kind, "x", {"action": action, "proven": True}).action > Severity.QUEUE


def test_steps_must_climb() -> None:
    steps = [{"strikes": 3, "action": "hide"}, {"strikes": 2, "action": "ban"}]
    with pytest.raises(UserError, match="go up in strikes"):
        rule_from("caps", "x", {"escalation": steps})


def test_presets_are_rules_that_work_together_and_get_stricter() -> None:
    found = {name: Ruleset(preset(name)) for name in PRESETS}
    names = [{rule.name for rule in found[name].rules} for name in PRESETS]
    assert names[0] < names[1] <= names[2]
    for milder, stricter in (("relaxed", "standard"), ("standard", "strict")):
        for rule in found[milder].rules:
            other = found[stricter].find(rule.name)
            assert other is not None
            assert other.action >= rule.action
    with pytest.raises(UserError, match="relaxed, standard, strict"):
        preset("harsh")
    assert MAX_RULES >= 200


def test_the_schema_for_editors_is_the_one_in_the_documents() -> None:
    path = Path(__file__).parents[2] / "docs/moderators/rules.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == json_schema(), "python -m bot.moderation.manual"
