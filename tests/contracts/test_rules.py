"""What every kind of rule keeps to, ours and those of others; the examples of a rule are its tests."""

import random
from dataclasses import replace

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.actions import Severity
from bot.core.events import Attachment, Author, Channel, Message, MessageRef
from bot.core.text import _, set_locale
from bot.moderation.examples import Scripted, play, rule_for
from bot.moderation.kinds import kinds
from bot.moderation.past import Past
from bot.moderation.rule import Example, Rule
from bot.moderation.rulebook import json_schema, preset, read, write
from bot.moderation.ruleset import Ruleset
from tests.messages import EPOCH, message
from tests.moderation.evasions import UNDONE

KINDS = tuple(kinds().values())

VIOLATIONS = [(kind, example) for kind in KINDS for example in kind.violations]
HARMLESS = [(kind, example) for kind in KINDS for example in kind.harmless]

NAMES = st.text("abcdefghijklmnopqrstuvwxyzäß0123456789_-", min_size=1, max_size=40).filter(
    lambda name: name[0] != "-"
)


def named(value: object) -> str:
    return (
        value.kind if isinstance(value, type) and issubclass(value, Rule) else getattr(value, "text", "")[:30]
    )


def everything() -> list[Rule]:
    """A rule for every example there is."""
    examples = [(kind, example) for kind, example in VIOLATIONS + HARMLESS]
    return [
        rule_for(kind, example).model_copy(update={"name": f"{kind.kind}-{number}"})
        for number, (kind, example) in enumerate(examples)
    ]


def test_there_are_rules_of_all_promised_kinds() -> None:
    assert set(kinds()) == {
        "attachments",
        "caps",
        "duplicates",
        "flood",
        "images",
        "invites",
        "language",
        "links",
        "low_effort",
        "mentions",
        "off_topic",
        "patterns",
        "personal_data",
        "policy",
        "repetition",
        "spam",
        "toxicity",
        "words",
        "wrong_channel",
    }


@pytest.mark.parametrize(("kind", "example"), VIOLATIONS, ids=named)
def test_a_violation_is_found_with_evidence_inside_the_text(kind: type[Rule], example: Example) -> None:
    _seen, finding = play(kind, example)
    assert finding is not None
    assert 0 < finding.score <= 1
    assert finding.evidence
    for evidence in finding.evidence:
        assert 0 <= evidence.start <= evidence.end <= len(example.text)
        assert evidence.text == example.text[evidence.start : evidence.end]
        assert evidence.end > evidence.start or example.attachments
        assert evidence.why


@pytest.mark.parametrize(("kind", "example"), HARMLESS, ids=named)
def test_what_is_harmless_is_left_alone(kind: type[Rule], example: Example) -> None:
    assert play(kind, example)[1] is None


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_rule_says_what_it_is_with_examples_of_both_sorts(kind: type[Rule]) -> None:
    assert kind.violations
    assert kind.harmless
    assert kind.kind == kind.__module__.rpartition(".")[2] or not kind.__module__.startswith("bot.")
    for locale in ("en", "zh-CN"):
        set_locale(locale)
        texts = [kind.summary, *(field.description for field in kind.model_fields.values())]
        assert all(text and _(text) for text in texts)
    translated = [_(kind.summary), *(_(field.description or "") for field in kind.model_fields.values())]
    set_locale("en")
    if kind.__module__.startswith("bot."):
        assert all(any("\u4e00" <= letter <= "\u9fff" for letter in text) for text in translated)


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_its_settings_are_bounded_and_frozen(kind: type[Rule]) -> None:
    rule = rule_for(kind, kind.violations[0])
    with pytest.raises(ValidationError):
        kind.model_validate({**rule.model_dump(), "no_such_setting": 1})
    with pytest.raises(ValidationError):
        rule.name = "other"  # type: ignore[misc]
    for name, shape in kind.model_json_schema()["properties"].items():
        if shape.get("type") in ("integer", "number"):
            assert {"minimum", "exclusiveMinimum"} & shape.keys(), name
            assert {"maximum", "exclusiveMaximum"} & shape.keys(), name
        if shape.get("type") == "array":
            assert "maxItems" in shape or "items" not in shape or "enum" in shape["items"], name


@pytest.mark.parametrize(("kind", "example"), VIOLATIONS + HARMLESS, ids=named)
def test_settings_go_through_a_file_and_come_back_the_same(kind: type[Rule], example: Example) -> None:
    rule = rule_for(kind, example)
    assert read(write((rule,))) == (rule,)


@given(
    name=NAMES,
    action=st.sampled_from([Severity.NONE, Severity.LOG, Severity.HINT, Severity.QUEUE]),
    channels=st.lists(st.text(min_size=1, max_size=20), max_size=3),
    minutes=st.floats(0.5, 40_000),
    hint=st.text(max_size=100),
    strikes=st.lists(st.floats(0.5, 100), unique=True, max_size=3),
)
def test_any_settings_of_any_kind_come_back_from_a_file(
    name: str, action: Severity, channels: list[str], minutes: float, hint: str, strikes: list[float]
) -> None:
    for kind in KINDS:
        common = {
            "name": name,
            "action": action,
            "channels": channels,
            "timeout_minutes": minutes,
            "hint": hint,
            "escalation": [{"strikes": each, "action": "queue"} for each in sorted(strikes)],
        }
        rule = kind.model_validate({**kind.violations[0].settings, **common})
        assert read(write((rule,))) == (rule,)


def test_the_schema_takes_what_is_written_and_refuses_what_is_not() -> None:
    validator = jsonschema_rs.validator_for(json_schema())
    import tomllib

    for rule in everything():
        validator.validate(tomllib.loads(write((rule,))))
    for name in ("relaxed", "standard", "strict"):
        validator.validate(tomllib.loads(write(preset(name))))
    assert not validator.is_valid({"version": 1, "rule": [{"kind": "caps", "name": "x", "share": 7}]})
    assert not validator.is_valid({"version": 1, "rule": [{"kind": "nothing", "name": "x"}]})


@pytest.mark.parametrize("disguise", UNDONE)
@pytest.mark.parametrize("word", ["idiot", "grobnik", "worthless", "spamlord"])
def test_a_listed_word_is_found_in_every_disguise(word: str, disguise: str) -> None:
    kind = kinds()["words"]
    for sentence in (word, f"you are a {word} indeed"):
        text = UNDONE[disguise](sentence, random.Random(7))
        _seen, finding = play(kind, Example(text, {"words": [word]}))
        assert finding is not None, text
        assert all(e.text == text[e.start : e.end] for e in finding.evidence)


@given(
    st.text(max_size=300) | st.text("a@.:/\\[]()<>#!*|0O\u0301\u200b\u202e。 \nhttps", max_size=300),
    st.booleans(),
    st.sampled_from(["x.exe", "", "a\u202e.", "ÿ" * 50]),
)
def test_no_text_makes_a_rule_raise(text: str, edited: bool, file: str) -> None:
    rules = RULES
    past = Past(now=lambda: EPOCH)
    odd = replace(message(text), attachments=(Attachment("1", file, file, 10, "https://x.example/"),))
    scorer = Scripted(Example(text, scores={"toxicity": 0.99, "spam": 0.99, "quality": 0.99}))
    seen = rules.examine(odd, is_edit=edited, scorer=scorer)
    past.said(odd)
    for rule in rules.concerned(seen):
        finding = rule.check(seen, past)
        for evidence in finding.evidence if finding else ():
            assert evidence.text == text[evidence.start : evidence.end]


RULES = Ruleset(everything())


def test_the_past_stays_bounded_however_many_people_write() -> None:
    rules = Ruleset(tuple(preset("strict")))
    past = Past(now=lambda: EPOCH)
    sizes = []
    for number in range(12_000):
        author = Author("memory", f"member{number}", "x")
        place = Channel("memory", "home", f"channel{number}")
        said = Message(
            MessageRef(place, str(number)), author, f"{number * 7919:x} words that differ {number}", EPOCH
        )
        seen = rules.examine(said)
        past.said(said)
        for rule in rules.concerned(seen):
            rule.check(seen, past)
        if number in (8_000, 11_999):
            sizes.append((len(past), len(past.copies), past.copies.pieces))
    assert sizes[0][:2] == sizes[1][:2] == (4_096 + 512, 2_048)
    assert sizes[1][2] < 2_048 * 30
