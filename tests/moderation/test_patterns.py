"""Moderators' patterns: told apart from nonsense, and harmless however evil they are."""

import random
import string
from collections import defaultdict
from contextlib import suppress
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import UserError
from bot.moderation.examined import Hit
from bot.moderation.normalize import normalize
from bot.moderation.patterns import MAX_PATTERNS, Patterns, compiled
from bot.moderation.rulebook import rule_from
from bot.moderation.ruleset import Ruleset
from tests.messages import message

EVIL = (
    r"^(a+)+$",
    r"(a|aa)+$",
    r"(a|a?)+b",
    r"(.*a){20}",
    r"(a*)*b",
    r"([a-zA-Z]+)*$x",
    r"(x+x+)+y",
    r"(.*)*z!",
    r"(a|b)*a(a|b){20}c",
    r"(a|b)*a(a|b){10}$c",
    r"([ab]{1,50}){1,10}c",
    r"(\w+\s?)*\d!",
    r"(a?){100}a{100}b",
    r".*.*.*.*.*=.*x",
    r"(\d+)*[^\d]x",
    r"([^a]*a){30}q",
    r"(?:a.?){100}z",
    r"[ab]*a[ab]{200}q",
    r"(.*b.*a.*){5}k",
    r"(\p{L}+)+9",
    r"(ab|ba)*(a|b){100}9",
    r"\b(\w*)*\bq",
    r"(a.*b|b.*a)*7q",
    r"(a|ab|b)*8",
    r"([a-z]*[A-Z]*)*6",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(.+)+\d{3}x",
    r"((a+)+)+b",
    r"(a|a|a|a|a)*c",
    r"^(\s*\w+\s*)+:$",
)


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r"foo(?=bar)", "Look-ahead"),
        (r"(?<!x)y", "Look-ahead"),
        (r"(a)\1", "write out the repetitions"),
        (r"a++b", "Possessive"),
        (r"(?>ab)c", "Possessive"),
        (r"(unclosed", "write \\ before it"),
        (r"*start", "write \\ before it"),
        (r"(.{1,100}){1,9}zz", "Repeat less"),
        (r"(a{1000}){1000}", "at most 1,000 times"),
        ("x" * 513, "at most 512"),
        ("a*", "matches an empty text"),
    ],
)
def test_what_is_no_pattern_is_refused_with_a_reason_and_a_way_out(pattern: str, instead: str) -> None:
    with pytest.raises(UserError, match=r"\w{3}") as refused:
        compiled(pattern)
    assert instead in str(refused.value)
    with pytest.raises(UserError):
        rule_from("patterns", "x", {"patterns": [pattern]})


def test_a_community_has_at_most_five_hundred_patterns() -> None:
    half = MAX_PATTERNS // 2
    rules = [
        rule_from("patterns", f"p{n}", {"patterns": [f"{n}q{k}" for k in range(half)]}) for n in range(2)
    ]
    own = [rule_from("invites", "invites", {}), rule_from("personal_data", "private", {})]
    Ruleset([*rules, *own])
    with pytest.raises(UserError, match="at most 500 patterns"):
        Ruleset([*rules, rule_from("patterns", "one-more", {"patterns": ["z"]})])


def test_thirty_evil_patterns_hold_up_a_message_of_4000_characters_for_less_than_10_ms() -> None:
    assert len(EVIL) == 30
    rules = Ruleset([rule_from("patterns", "evil", {"patterns": EVIL})])
    chance = random.Random(1)
    alphabets = ("a", "ab", "ab c1", "x", string.ascii_letters + " ", "abcdefgh \n", "骗子 ab")
    texts = ["".join(chance.choices(chance.choice(alphabets), k=4_000)) for _n in range(300)]
    took_s = []
    for text in texts:
        seen = rules.examine(message(text))
        copy = seen.normalized  # folding is not what is measured
        began = thread_time()
        rules.search(copy)
        took_s.append(thread_time() - began)
    assert sorted(took_s)[int(len(took_s) * 0.99)] < 0.010


def test_simple_patterns_are_found_beside_evil_ones() -> None:
    rules = Ruleset(
        [
            rule_from("patterns", "evil", {"patterns": EVIL}),
            rule_from("patterns", "plain", {"patterns": [r"free\s+robux"]}),
        ]
    )
    seen = rules.examine(message("ab" * 1_900 + " FREE  robux"))
    assert [seen.message.text[hit.start : hit.end] for hit in seen.hits("plain")] == ["FREE  robux"]


def test_patterns_left_out_for_lack_of_time_come_first_in_the_next_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.moderation.patterns.BUDGET_S", 0.0)
    patterns = Patterns([("rule", rf"word{n}.{{0,20}}end") for n in range(3)])
    text = normalize("word0 end, word1 end, word2 end")
    found: dict[str, list[Hit]] = defaultdict(list)
    for _message in range(3):
        patterns.search(text, found)
    assert sorted(hit.start for hit in found["rule"]) == [0, 11, 22]


def test_the_same_patterns_are_put_together_once_however_often_they_are_read() -> None:
    first, second = (Patterns([("rule", "free robux"), ("rule", "free nitro")]) for _reading in range(2))
    assert first._set is not None
    assert first._set is second._set
    assert Patterns([("rule", "free nitro")])._set is not first._set


@given(st.text(max_size=60))
def test_any_text_is_a_pattern_or_refused_in_words(pattern: str) -> None:
    with suppress(UserError):
        compiled(pattern)
        Patterns([("rule", pattern)]).search(normalize(pattern), defaultdict(list))
