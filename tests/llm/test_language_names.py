"""Languages are found by what people call them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.language_names import language_named, names_like


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("German", "de", "German"),
        (" german ", "de", "German"),
        ("德语", "de", "German"),
        ("德文", "de", "German"),
        ("de", "de", "German"),
        ("ｄｅ", "de", "German"),
        ("中文", "zh", "Chinese"),
        ("simplified chinese", "zh", "Simplified Chinese"),
        ("zh-CN", "zh", "Chinese (Simplified, China)"),
        ("zh_Hant", "zh", "Traditional Chinese"),
        ("zh-TW", "zh", "Chinese (Traditional, Taiwan)"),
        ("pt-BR", "pt", "Brazilian Portuguese"),
        ("en-US", "en", "American English"),
        ("Klingon", "tlh", "Klingon"),
    ],
)
def test_a_language_is_found_by_name_and_tag(text: str, code: str, name: str) -> None:
    found = language_named(text)
    assert found is not None
    assert (found.code, found.name) == (code, name)


@pytest.mark.parametrize(
    "text", ["", " ", "Gremlin", "xx", "und", "mul", "zh-", "-", "文", "a" * 5000, "de fr", "pt-br one"]
)
def test_what_is_no_language_is_none(text: str) -> None:
    assert language_named(text) is None


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_language_or_none_and_what_is_offered_is_one(text: str) -> None:
    language_named(text)
    for name in names_like(text, 25):
        assert language_named(name) is not None


def test_what_is_offered_begins_with_what_was_typed() -> None:
    assert names_like("ger", 25) == ["German"]
    assert names_like("德", 25)[0] == "德语"
    assert names_like("fr", 2)[0] == "French"
    assert names_like("", 3) == ["English", "Chinese", "Spanish"]
