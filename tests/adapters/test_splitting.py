"""Splitting loses nothing, breaks nothing and leaves no fence open."""

import re
import time

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from bot.adapters.splitting import MIN_LIMIT, Length, Part, join, split, utf8_length

LINES = st.lists(
    st.sampled_from(
        [
            "```",
            "```python",
            "~~~",
            "~~~ text",
            "````",
            "> ```",
            "> code",
            ">",
            ">>",
            "> > ```",
            "- ```js",
            "  ```",
            "    ```",
            "",
            "A sentence. Another one! And a third?",
            "中文句子。第二句！第三句？",
            "e\u0301a\u0308o\u0302" * 9,
            "👩‍👩‍👧‍👦🇩🇪👍🏽",
            "x = 1",
            "words and words and words",
            "a" * 50,
            "`code` ``two``",
            "```inline```",
            "> a quote",
            "\ud800",
            "\0",
            "text ```not a fence",
            "a\r",
            "1. item",
            "   indented",
        ]
    ),
    max_size=60,
)
TEXTS = st.one_of(LINES.map("\n".join), st.text(max_size=400), st.text("`~> \na-", max_size=400))
LENGTHS = st.sampled_from([len, utf8_length])


def is_balanced(message: str) -> bool:
    """CommonMark's rule read line by line, written apart from the product's scanner."""
    fence, depth = None, 0
    for line in message.split("\n"):
        content = re.sub(r"^[ \t]*((>|([-*+]|\d+[.)])(?=[ \t]))[ \t]*)*", "", line)
        margin = line[: len(line) - len(content)]
        if fence is not None and margin.count(">") < depth:
            fence = None
        run = re.match(r"(`{3,}|~{3,})(.*)", content)
        if run is None:
            continue
        if fence is None:
            if run[1][0] == "~" or "`" not in run[2]:
                fence, depth = run[1], margin.count(">")
        elif (
            run[1].startswith(fence)
            and not run[2].strip()
            and margin.count(">") == depth
            and not re.search(r"[-*+.)\d]", margin)
        ):
            fence = None
    return fence is None


@given(TEXTS, st.integers(MIN_LIMIT, 300), LENGTHS)
@example("```" + "a" * 300 + "```", 40, len)
@example("`" * 500, 32, len)
@example("> ```\n" + "> code line\n" * 30, 60, len)
def test_every_part_is_within_the_limit_and_nothing_is_lost(text: str, limit: int, length: Length) -> None:
    parts = split(text, limit, length)
    assert all(length(part.text) <= limit for part in parts)
    assert join(parts) == text
    assert all(part.body for part in parts)


@given(LINES.map("\n".join), st.integers(60, 300), LENGTHS)
def test_fences_are_balanced_in_every_part(text: str, limit: int, length: Length) -> None:
    for part in split(text, limit, length):
        assert is_balanced(part.text), part.text


@given(TEXTS, st.integers(MIN_LIMIT, 300))
def test_a_grapheme_that_fits_is_never_cut(text: str, limit: int) -> None:
    borders = {0, *(found.end() for found in regex.finditer(r"\X", text))}
    longest = max((found.end() - found.start() for found in regex.finditer(r"\X", text)), default=0)
    position = 0
    for part in split(text, limit):
        position += len(part.body)
        assert position in borders or longest > limit // 4 - 1


@given(st.text("ab .\n`", max_size=300), st.integers(MIN_LIMIT, 100))
def test_added_lines_are_only_fences_and_quotes(text: str, limit: int) -> None:
    for part in split(text, limit):
        assert set(part.opened + part.closed) <= set("`~> \nab.")
        assert part.text == part.opened + part.body + part.closed


def test_a_text_within_the_limit_stays_one_message() -> None:
    assert split("Hello", 2000) == [Part("Hello")]
    assert split("", 2000) == []


def test_a_code_block_is_closed_and_opened_again_with_its_language() -> None:
    code = "".join(f"print({n})\n" for n in range(30))
    first, *_, last = split(f"Look:\n```python\n{code}```\nDone.", 120)
    assert first.text.endswith("\n```")
    assert last.text.startswith("```python\nprint(")
    assert last.text.endswith("```\nDone.")


def test_a_block_in_a_quote_is_reopened_inside_the_quote() -> None:
    parts = split("> ```sh\n" + "> make test\n" * 20, 100)
    assert all(part.text.startswith("> ```sh\n> make") for part in parts)
    assert all(part.text.endswith("\n> ```") for part in parts)


def test_a_block_in_a_list_is_reopened_without_a_second_bullet() -> None:
    parts = split("- ```sh\n" + "  make test\n" * 20 + "  ```\n", 100)
    assert all(part.opened == "  ```sh\n" for part in parts[1:])


def test_a_longer_fence_may_hold_a_shorter_one() -> None:
    parts = split("````md\n" + "```py\nx = 1\n```\n" * 20 + "````", 100)
    assert all(part.text.startswith("````md\n") and part.text.endswith("````") for part in parts)


def test_a_fence_that_is_still_being_written_is_closed_for_now() -> None:
    assert split("```python\nprint(", 2000)[0].text == "```python\nprint(\n```"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("one " * 10 + "\n\n" + "two " * 20, "one " * 10 + "\n\n"),
        ("one " * 10 + "\n" + "two " * 20, "one " * 10 + "\n"),
        ("one " * 10 + "end. " + "two " * 20, "one " * 10 + "end. "),
        ("一" * 40 + "。" + "二" * 60, "一" * 40 + "。"),
        ("one " * 30, "one " * 15),
    ],
)
def test_the_cut_prefers_paragraph_line_sentence_space(text: str, first: str) -> None:
    assert split(text, 60)[0].body == first


def test_a_block_that_fits_into_the_next_message_is_not_torn() -> None:
    text = "word " * 14 + "\n```\n" + "code\n" * 8 + "```\n"
    assert split(text, 100)[1].text.startswith("```\ncode")


def test_a_limit_without_room_for_fences_is_refused() -> None:
    with pytest.raises(ValueError, match="31 is below 32"):
        split("text", 31)


@pytest.mark.parametrize(
    "text",
    [
        "```\n" * 10_000,
        "".join("`" * (3 + n % 400) + "\n" for n in range(5_000)),
        "> " * 10_000 + "```\n" + "code " * 10_000,
        "> ```\n> a\n" * 20_000,
        "\n" * 1_000_000,
        "`" * 1_000_000,
        "a" * 1_000_000,
        "e" + "\u0301" * 1_000_000,
        "```py\n" + "x = 1\n" * 160_000,
    ],
    ids=["fences", "rising", "quotes", "quoted", "newlines", "ticks", "letters", "marks", "code"],
)
def test_a_megabyte_and_ten_thousand_fences_are_cut_in_seconds(text: str) -> None:
    start = time.process_time()
    parts = split(text, 2000)
    assert time.process_time() - start < 10
    assert join(parts) == text
