"""Thoughts of a reasoning model never reach a member."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import ModelEmpty
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Limits, Turn
from bot.llm.thinking import ThoughtFilter, Visible


def through(text: str, cuts: list[int]) -> str:
    thoughts = ThoughtFilter()
    borders = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(borders)]
    return "".join(thoughts.feed(piece) for piece in pieces) + thoughts.finish()


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(st.text("thinkg <>/\n"), st.text("abc <>/"), CUTS)
def test_a_thought_is_taken_out_however_the_text_is_cut(thought: str, answer: str, cuts: list[int]) -> None:
    assert "SECRET" not in through(f"<think>SECRET {thought}</think>{answer}", cuts)
    assert through(f"<think>{'x' * 9}</think>{answer}", cuts) == answer


def test_letters_that_grow_in_lower_case_shift_nothing() -> None:
    assert through("İİİ<THINK>SECRET</think>İ and more", []) == "İİİİ and more"


@given(st.text("abİ<>/thinkreasog \n"), CUTS)
def test_cuts_change_nothing(text: str, cuts: list[int]) -> None:
    assert through(text, cuts) == through(text, [])


@pytest.mark.parametrize(
    "text",
    ["1 < 2 and <b>bold</b>", "a <", "<thin", "List<think", "</", "if a <thinner> b", "if x<y: think"],
)
def test_other_angle_brackets_stay(text: str) -> None:
    for cut in range(len(text) + 1):
        assert through(text, [cut]) == text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<THINK>hm</Think>yes", "yes"),
        ("<reasoning>hm</reasoning>yes", "yes"),
        ("first <think>hm</think>last", "first last"),
        ("yes<think>never closed", "yes"),
        ("yes</think>", "yes"),
        ("<think><think>a</think></think>b", "b"),
    ],
)
def test_tags_of_all_kinds(text: str, answer: str) -> None:
    assert through(text, []) == answer


async def visible(text: str) -> str:
    model = Visible(EchoModel(Script(text)))
    return "".join([str(piece) async for piece in model.stream([Turn("user", "?")], Limits())])


async def test_an_answer_begins_with_its_first_visible_character() -> None:
    assert await visible("<think> hm </think>\n\n  Paris is\n the one. ") == "Paris is\n the one. "


@pytest.mark.parametrize("text", ["<think>so much to think about", "<think>hm</think> \n", " \n "])
async def test_only_thoughts_are_an_empty_answer(text: str) -> None:
    with pytest.raises(ModelEmpty):
        await visible(text)


async def test_an_answer_that_ends_in_half_a_tag_is_complete() -> None:
    assert await visible("a <think") == "a <think"
    assert await visible("<") == "<"
