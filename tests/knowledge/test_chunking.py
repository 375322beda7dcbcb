"""Passages are small, complete, in order, and never hold the words of two authors."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.knowledge.chunking import WEIGHT, chunks, sentences, weight
from bot.knowledge.document import Document, Section
from tests.messages import EPOCH


def said(*messages: tuple[str, str, float]) -> Document:
    """Messages as (author, text, minutes)."""
    sections = (Section(text, EPOCH + timedelta(minutes=at), author=author) for author, text, at in messages)
    return Document("thread", "Title", tuple(sections))


def test_what_one_person_writes_in_a_row_is_one_passage() -> None:
    thread = said(("a", "one", 0), ("a", "two", 1), ("b", "three", 2), ("a", "four", 3), ("a", "five", 60))
    assert [(chunk.section.author, chunk.text) for chunk in chunks(thread)] == [
        ("a", "one\n\ntwo"),
        ("b", "three"),
        ("a", "four"),
        ("a", "five"),
    ]


def test_headings_are_the_path_to_a_passage() -> None:
    text = "intro\n# Setup\nfirst\n## Proxy\nsecond\n# Use\nthird"
    found = [(chunk.heading, chunk.text) for chunk in chunks(said(("", text, 0)))]
    assert found == [("", "intro"), ("Setup", "first"), ("Setup > Proxy", "second"), ("Use", "third")]


def test_a_comment_in_code_is_no_heading() -> None:
    text = "# Setup\n```\n# not a heading\nmake\n```\nafter"
    assert [chunk.heading for chunk in chunks(said(("", text, 0)))] == ["Setup"]


def test_long_paragraphs_are_cut_at_sentences() -> None:
    text = " ".join(f"This is sentence number {n} of a long paragraph." for n in range(60))
    found = [chunk.text for chunk in chunks(said(("", text, 0)))]
    assert len(found) > 3
    assert all(weight(piece) <= WEIGHT and piece.endswith(".") for piece in found)
    assert " ".join(found) == text


def test_chinese_sentences_end_without_a_space() -> None:
    assert sentences("先改密码。再看日志！好吗？") == ["先改密码。", "再看日志！", "好吗？"]


@given(st.text(max_size=3000))
def test_nothing_but_white_space_and_headings_is_lost(text: str) -> None:
    found = list(chunks(said(("", text.replace("#", "x"), 0))))
    told = "".join("".join(chunk.text.split()) for chunk in found)
    assert told == "".join(text.replace("#", "x").split())
    assert all(weight(chunk.text) <= 3 * WEIGHT for chunk in found)
