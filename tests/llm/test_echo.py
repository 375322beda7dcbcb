"""The echo engine does what its script says."""

from contextlib import aclosing

import pytest

from bot.core.errors import ModelBroken, ModelEmpty
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Limits, Turn
from tests.llm.virtual_time import now, run

ASK = [Turn("system", "Be kind."), Turn("user", "one"), Turn("assistant", "1"), Turn("user", "say  this\n")]


async def said(model: EchoModel, max_new_tokens: int = 512) -> list[object]:
    return [piece async for piece in model.stream(ASK, Limits(max_new_tokens))]


async def test_the_last_question_is_repeated_word_for_word() -> None:
    model = EchoModel()
    assert await said(model) == ["say", "  this", "\n"]
    assert model.asked == [tuple(ASK)]
    assert (model.running, model.cut_off) == (0, 0)


async def test_no_more_words_than_allowed() -> None:
    assert await said(EchoModel(Script("a b c d")), 2) == ["a", " b"]


async def test_a_behavior_can_depend_on_the_turns() -> None:
    assert await said(EchoModel(lambda turns: Script(f"{len(turns)} turns"))) == ["4", " turns"]


async def test_an_error_comes_after_the_text() -> None:
    stream = EchoModel(Script("half an", error=ModelBroken("gone"))).stream(ASK, Limits())
    assert [await anext(stream), await anext(stream)] == ["half", " an"]
    with pytest.raises(ModelBroken):
        await anext(stream)


async def test_nothing_said_is_an_empty_answer() -> None:
    for text in ("", " \n"):
        with pytest.raises(ModelEmpty):
            await said(EchoModel(Script(text)))


async def test_closing_an_endless_stream_is_noticed() -> None:
    model = EchoModel(Script("on ", forever=True))
    async with aclosing(model.stream(ASK, Limits())) as pieces:
        for _ in range(2000):
            assert await anext(pieces)
        assert model.running == 1
    assert (model.running, model.cut_off) == (0, 1)


def test_words_come_at_the_pace_of_the_script() -> None:
    async def main() -> float:
        await said(EchoModel(Script("a b c", delay_s=2)))
        return now()

    assert run(main()) == pytest.approx(6)


def test_four_characters_are_a_token() -> None:
    assert EchoModel().count_tokens([Turn("user", "12345"), Turn("user", "")]) == 2
