"""What a model writes is harmless on every platform, however it arrives."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.conversation.output import WINDOW, OutputFilter, StopStrings, clean

MARKS = (
    *"`~[]()!<>@:\\|\"' \n\t*_-1aZ",
    "```",
    "``",
    "~~~",
    "    ",
    "> ",
    "- ",
    "everyone",
    "here",
    "room",
    "@everyone",
    "<@1",
    "<@&2>",
    "http://e.example",
    "![x](http://e.example/i.png)",
    "[free](http://e.example)",
    "[x]: http://e.example",
    "<img src=http://e.example/i.png alt=cat>",
    "<a href='http://e.example'>",
    "</a>",
    "python",
    "\u202e",
    "\x00",
)
texts = st.lists(st.sampled_from(MARKS), max_size=40).map("".join)
cuts = st.lists(st.integers(min_value=1, max_value=7), min_size=1, max_size=60)


def streamed(text: str, sizes: list[int]) -> str:
    """The text filtered in pieces of these sizes, again and again."""
    output, at, said = OutputFilter(), 0, ""
    while at < len(text):
        for size in sizes:
            said += output.feed(text[at : at + size])
            at += size
    return said + output.finish()


@given(texts, cuts)
def test_pieces_do_not_change_the_result(text: str, sizes: list[int]) -> None:
    assert streamed(text, sizes) == clean(text)


@given(texts)
def test_nobody_is_called(text: str) -> None:
    assert not re.search(r"@(everyone|here|room)|<@[!&]?\d", clean(text))


def flat(tokens: list[Token]) -> list[Token]:
    return [each for token in tokens for each in (token, *flat(token.children or []))]


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u2060", "\u2063", "\U000e0062\U000e0061\U000e006e"])
def test_nothing_is_turned_around_or_hidden(hidden: str) -> None:
    assert clean(f"a{hidden}b `c{hidden}d`") == "ab `cd`"


@given(texts)
def test_no_picture_is_fetched_and_no_link_hides_where_it_leads(text: str) -> None:
    tokens = flat(MarkdownIt("commonmark").parse(clean(text)))
    assert [token for token in tokens if token.type == "image"] == []
    for at, token in enumerate(tokens):
        if token.type == "link_open":  # only <http://…>, which shows what it is
            assert token.markup == "autolink"
            assert unquote(str(token.attrs["href"])) == tokens[at + 1].content
        if token.type in ("html_inline", "html_block"):
            assert not re.search(r"<\s*(img|a)\b", token.content, re.IGNORECASE)


@given(texts)
def test_fences_are_closed(text: str) -> None:
    fences = [line for line in clean(text).split("\n") if re.match("```[^`]*$", line)]
    assert len(fences) % 2 == 0


@given(texts)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@given(st.text(st.characters(exclude_categories=[]), max_size=200), cuts)
def test_any_text_can_be_sent(text: str, sizes: list[int]) -> None:
    streamed(text, sizes).encode("utf-8")  # raises for half a character


@pytest.mark.parametrize(
    "text",
    [
        "Paris is the capital of France.",
        "Use `ls -l`, then **wait**: 2 < 3, a@b.example, [not a link], f(x)[0].",
        "```python\nprint('<a href>', xs[0](1))\n```\nThat is all.",
        "See https://example.org/a_(b)?c=d&e=[f] for more.",
        "1. one\n2. two\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |",
        "法国的首都是巴黎。👍🏽",
    ],
)
def test_ordinary_answers_are_left_alone(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[free](http://e.example)", "free (http://e.example)"),
        ("[http://e.example](http://e.example)", "http://e.example"),
        ("![cat](http://e.example/i.png)", "cat (http://e.example/i.png)"),
        ('<img src="http://e.example/i.png" alt="cat">', "cat (http://e.example/i.png) "),
        ("<a href=http://e.example>free</a>", "http://e.example free "),
        ("[](http://e.example)", "http://e.example"),
        ("@everyone!", "@\u200beveryone!"),
        ("<@123> and <@&9>", "<@\u200b123> and <@\u200b&9>"),
        ("`@here`", "`@\u200bhere`"),
        ("```\ncode", "```\ncode\n```"),
        ("bad\u202etxt.exe", "badtxt.exe"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_harm_is_taken_out_and_the_words_stay(written: str, shown: str) -> None:
    assert clean(written) == shown


def test_ten_thousand_fences_and_brackets_take_no_time_that_matters() -> None:
    for piece in ("```", "[", "![", "<a ", "`", "@", "~~~\n", "](", "\\"):
        assert len(clean(piece * 10_000)) < 40 * 10_000


def test_a_link_longer_than_the_window_is_taken_apart() -> None:
    shown = clean(f"[free](http://e.example/{'x' * WINDOW})")
    assert "](" not in shown
    assert "http://e.example/" in shown


@given(st.text("ab\nU", max_size=30), cuts)
def test_a_stop_string_ends_the_text_wherever_it_is_cut(text: str, sizes: list[int]) -> None:
    stops = StopStrings(("\nU", "bbb"))
    said, at = "", 0
    while at < len(text):
        for size in sizes:
            said += stops.feed(text[at : at + size])
            at += size
    said += stops.finish()
    found = re.search(r"\nU|bbb", text)
    assert said == (text[: found.start()] if found else text)
    assert stops.hit == (found is not None)
