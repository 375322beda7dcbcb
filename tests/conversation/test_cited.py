"""Only sentences that name a source which says so pass, however the text arrives."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.cited import Cited, supported
from bot.knowledge.answering import Source

AT = datetime(2026, 1, 1, tzinfo=UTC)
SOURCES = (
    Source("a", "Backup", "", "", "The backup runs every night at 03:00. Mia has the restic password.", AT),
    Source("b", "备份", "", "", "备份每天凌晨三点运行，密码找米娅要。", AT),
    Source("c", "Tools", "", "", "Use restic 0.16 from https://restic.example/get and check the hash.", AT),
)


def passed(text: str) -> str:
    gate = Cited(SOURCES)
    return gate.feed(text) + gate.finish()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The backup runs at night [1].", "The backup runs at night [1]."),
        ("The backup runs at night. [1]", "The backup runs at night. [1]"),
        ("The backup runs at night [1]. It is great.", "The backup runs at night [1]."),
        ("It is great. The backup runs at night [1].", "The backup runs at night [1]."),
        ("The backup runs at night [1]. Mia has the password. [1]", None),
        ("1. The backup runs at night [1].\n2. Mia has the password [1].", None),
        ("- Ask Mia [1]\n- Bananas [1]\n- At night [1]", "- Ask Mia [1]\n- At night [1]"),
        ("备份每天凌晨运行。[2]密码找米娅要[2]。", None),
        ("备份每天凌晨运行[2]。香蕉是黄色的水果[2]。", "备份每天凌晨运行[2]。"),
        ("The backup runs at night [1, 3].", None),
        ("The backup runs at night [1][7].", ""),
        ("The backup runs at night [0].", ""),
        ("The backup runs at 04:00 [1].", ""),
        ("The backup runs at 03:00 [1].", None),
        ("Get restic from https://restic.example/get [3].", None),
        ("Get restic from https://evil.example/get [3].", ""),
        ("Get restic from evil.example/get [3].", ""),
        ("Get restic from www.evil.example [3].", ""),
        ("Get restic from ftp://restic.example/get [3].", ""),
        ("Mail restic at get@evil.example about restic [3].", ""),
        ("Get restic from restic.example/get [3].", None),
        ("备份每天凌晨运行 [1]。", None),  # another language: no word of it can stand there
        ("[1][2][3]", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_stands_or_falls_with_its_source(text: str, expected: str | None) -> None:
    assert passed(text) == (text if expected is None else expected)


def test_what_was_cited_is_known() -> None:
    gate = Cited(SOURCES)
    assert gate.feed("The backup runs at night [1]. Bananas [1]. Use restic 0.16 [3]. And") != ""
    assert gate.cited == {1, 3}


PIECES = [
    "The backup runs at night",
    "Mia has the password",
    "Bananas",
    "备份每天凌晨运行",
    " [1]",
    "[2]",
    "[9]",
]
MARKS = [". ", "。", "\n", "!", " ", "1. ", "e.g. ", "“", "[", "] "]
_TEXTS = st.lists(st.sampled_from(PIECES + MARKS), max_size=12).map("".join)


@given(_TEXTS, st.lists(st.integers(1, 20), max_size=20))
def test_how_a_text_is_cut_into_pieces_changes_nothing(text: str, cuts: list[int]) -> None:
    gate, at, shown = Cited(SOURCES), 0, ""
    for size in cuts:
        shown += gate.feed(text[at : at + size])
        at += size
    shown += gate.feed(text[at:]) + gate.finish()
    assert shown == passed(text)


@given(st.text(), st.text())
def test_nothing_hostile_breaks_the_comparison(sentence: str, text: str) -> None:
    assert supported(sentence, f"{text} {sentence}")
    assert supported(sentence, sentence)
