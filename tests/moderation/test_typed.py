"""Settings as people type them: spaces, commas, quotes and brackets are read as they are meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import UserError
from bot.moderation.kinds import kinds
from bot.moderation.rulebook import rule_from
from bot.moderation.typed import MOST_CHARACTERS, settings_in

WORDS, PATTERNS = kinds()["words"], kinds()["patterns"]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("words=fool", {"words": ["fool"]}),
        ("words=fool, you twit ,cad action=queue", {"words": ["fool", "you twit", "cad"], "action": "queue"}),
        ("words＝傻瓜，白痴、笨蛋 action=hide", {"words": ["傻瓜", "白痴", "笨蛋"], "action": "hide"}),
        ("Words = fool  ACTION= hide", {"words": ["fool"], "action": "hide"}),
        ('hint="be kind, action=hide is no setting here" words=x y', {
            "hint": "be kind, action=hide is no setting here", "words": ["x y"]}),
        ("hint=“be kind” action=log", {"hint": "be kind", "action": "log"}),
        ("hint=it's fine action=log", {"hint": "it's fine", "action": "log"}),
        ('words="fool, you","idiot"', {"words": ["fool, you", "idiot"]}),
        ('words=["a = b", "c"] action=log', {"words": ["a = b", "c"], "action": "log"}),
        ("words=2024", {"words": ["2024"]}),
        ("timeout_minutes=5", {"timeout_minutes": "5"}),
        ("action=default words=默认", {"action": None, "words": None}),
        ('escalation=[{strikes=3, action="ban"}] action=log', {
            "escalation": [{"strikes": 3, "action": "ban"}], "action": "log"}),
    ],
)  # fmt: skip
def test_settings_are_read_as_they_are_meant(text: str, settings: dict[str, object]) -> None:
    assert settings_in(WORDS, text) == settings


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        (r"patterns=\b[a-z]{2}-\d{4}\b", [r"\b[a-z]{2}-\d{4}\b"]),
        (r"patterns=a{2,3}, (b,c) x", ["a{2,3}", "(b,c) x"]),
        ("patterns=[0-9]{2,3}", ["[0-9]{2,3}"]),
        (r"patterns=\(a,b", [r"\(a", "b"]),
        ("patterns=key=value", ["key=value"]),
    ],
)
def test_patterns_are_cut_only_between_them(text: str, patterns: list[str]) -> None:
    assert settings_in(PATTERNS, text) == {"patterns": patterns}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("fool action=hide", "“fool”"),
        ("=3", "“=3”"),
        ("action=log action=hide", "`action` is set twice"),
        ("x" * (MOST_CHARACTERS + 1), "`rules import`"),
    ],
)
def test_what_has_another_form_is_told(text: str, part: str) -> None:
    with pytest.raises(UserError) as refused:
        settings_in(WORDS, text)
    assert part in str(refused.value)


def made_of(text: str) -> str:
    """What a member reads who types this: the rule's words, or what is wrong."""
    try:
        settings = settings_in(WORDS, text)
        made = rule_from("words", "x", {key: value for key, value in settings.items() if value is not None})
    except UserError as error:
        return str(error)
    return made.model_dump_json()


@given(st.text(alphabet=" =,\"'[]{}()abw\\“”＝，\n", max_size=60))
def test_anything_is_read_or_refused_and_never_breaks(text: str) -> None:
    assert made_of(f"words={text}")


@given(st.lists(st.text(alphabet="ab cde", min_size=2, max_size=9).filter(str.strip), min_size=1, max_size=5))
def test_a_list_comes_out_as_it_was_typed(words: list[str]) -> None:
    clean = [word.strip() for word in words]
    assert settings_in(WORDS, f"words={','.join(words)} action=hide")["words"] == clean


def test_hostile_brackets_take_no_time() -> None:
    for text in ("[" * 7_000, "words=" + "[{" * 3_000, "a=" + " b=" * 2_000, 'hint="' + "x=" * 3_000):
        with pytest.raises(UserError):
            rule_from("words", "x", settings_in(WORDS, text))
