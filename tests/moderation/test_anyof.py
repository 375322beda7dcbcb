"""Alternatives that hold nothing but Chinese are not looked for in a text that has none."""

import pytest

from bot.moderation.anyof import AnyOf

WORDS = AnyOf(["help", "求助", "(?:请)?fix", "什么|what", "急{0,1}now"], r"(?<![a-z]){}(?![a-z])")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("please help", ["help"]),
        ("helpless", []),
        ("求助 help", ["求助", "help"]),
        ("fix it, 请fix it", ["fix", "请fix"]),
        ("fix it", ["fix"]),
        ("what now", ["what", "now"]),
        ("nothing", []),
    ],
)
def test_it_finds_in_every_text_what_all_alternatives_find(text: str, found: list[str]) -> None:
    assert WORDS.of(text).findall(text) == found


def test_an_alternative_in_chinese_alone_is_left_out_for_ascii() -> None:
    assert "求助" not in WORDS.of("ascii").pattern
    assert "(?:请)?fix" in WORDS.of("ascii").pattern
    assert "求助" in WORDS.of("帮").pattern


def test_chinese_alone_is_found_in_no_ascii_text() -> None:
    assert AnyOf(["求助"]).of("ascii").search("ascii") is None
    assert AnyOf(["求助"]).of("求助").search("求助")
