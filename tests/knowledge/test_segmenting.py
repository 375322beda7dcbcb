"""Texts are cut into words the same way when they are stored and when they are asked for."""

from hypothesis import given
from hypothesis import strategies as st

from bot.knowledge.segmenting import characters, content_words, words
from bot.knowledge.synonyms import related


def test_english_words_are_stems_and_chinese_ones_pairs() -> None:
    assert words("Deployments, DEPLOYED!") == ["deploy", "deploy"]
    assert words("改昵称") == ["改昵", "昵称"]
    assert words("用 A卡") == ["用", "a", "卡"]


def test_wide_letters_are_letters() -> None:
    assert words("ＧＰＵ１２") == words("gpu12")


def test_a_question_keeps_what_it_is_about() -> None:
    assert content_words("How do I restart the server?") == ["restart", "server"]
    assert content_words("怎么预约显卡？") == ["预约", "约显", "显卡"]


def test_a_question_of_small_words_keeps_them() -> None:
    assert content_words("who are you?") == ["who", "are", "you"]


def test_grammar_is_no_character_of_a_question() -> None:
    assert characters("密码的事吗") == frozenset("密码事")


def test_words_have_relatives_in_the_other_language() -> None:
    assert "备份" in related("where is my backup?")
    assert "gpu" in related("显卡怎么预约")
    assert related("zanzibar") == ()


def test_a_phrase_is_related_only_where_its_words_stand_together() -> None:
    assert "显卡" in related("which graphics card?")
    assert "显卡" not in related("graphics of the playing card")


@given(st.text())
def test_any_text_is_cut(text: str) -> None:
    assert all(word and not word.isspace() for word in words(text))
    assert set(content_words(text)) <= set(words(text))
