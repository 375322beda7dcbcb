"""What the bot says in its own words is in the asker's language, and never comes back as a model's."""

import asyncio
from datetime import timedelta
from typing import get_args

import pytest

from bot.conversation import sentences
from bot.conversation.own_words import answer_in
from bot.conversation.quota import Level, Refused
from bot.conversation.sentences import Voice
from bot.core.errors import (
    ModelBroken,
    ModelBusy,
    ModelEmpty,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    StorageError,
)
from bot.core.text import LOCALES, current_locale, set_locale
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Capabilities
from bot.storage.store import Store
from tests.conversation.house import Clock, talk

ERRORS = (
    ModelUnavailable("x"),
    ModelBusy("x"),
    ModelTimeout("x"),
    ModelEmpty("x"),
    ModelBroken("x"),
    ModelError("x"),
)


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


@pytest.mark.parametrize("half_way", [False, True])
def test_each_failure_has_words_of_its_own_in_each_language(half_way: bool) -> None:
    for tag in LOCALES:
        told = Voice(tag)(lambda: {sentences.failure(error, half_way) for error in ERRORS[:5]})
        assert len(told) == 5
        assert all(is_chinese(text) == (tag == "zh-CN") for text in told)


def test_a_voice_does_not_change_the_language_of_who_uses_it() -> None:
    set_locale("en")
    assert is_chinese(Voice("zh-TW")(sentences.stopped))
    assert current_locale() == "en"
    assert Voice(None)(sentences.stopped) == Voice("fr")(sentences.stopped) == "stopped"
    set_locale("zh-CN")
    assert is_chinese(Voice(None)(sentences.stopped))
    assert Voice("en-GB")(sentences.stopped) == "stopped"


@pytest.mark.parametrize(
    ("share", "percent"), [(0.001, None), (0.5, "50"), (1, "100"), (2.5, "100"), (-1, None)]
)
def test_loading_tells_how_far_it_is_when_that_is_known(share: float, percent: str | None) -> None:
    assert (percent or "") in sentences.loading(share)
    assert ("%" in sentences.loading(share)) == (percent is not None)


def test_the_queue_is_counted_in_whole_questions() -> None:
    assert [sentences.waiting(place) for place in (0, 1, 2)] == [
        "It is your turn …",
        "1 question before yours …",
        "2 questions before yours …",
    ]


@pytest.mark.parametrize("tag", LOCALES)
def test_what_stands_instead_of_an_answer_is_known_as_the_bots_own(tag: str) -> None:
    voice = Voice(tag)

    def told() -> list[str]:
        waits = [timedelta(minutes=minutes) for minutes in (1, 17, 89, 90, 600, 1440)]
        return [
            *(sentences.failure(error, half_way=False) for error in ERRORS),
            *(sentences.wrong_language(other) for other in (None, "qwen3-1.7b", "a (b) [c]")),
            *(Refused(level, wait, None).text for level in get_args(Level) for wait in waits),
            sentences.no_such_model(),
            sentences.nothing_asked(),
        ]

    assert {answer_in(sentence) for sentence in voice(told)} == {""}
    remark = sentences.note(voice(sentences.small_model))
    assert answer_in(f"Paris.\n\n{remark}") == "Paris."


@pytest.mark.parametrize(
    "text",
    [
        "Paris.",
        "You have used up your questions for today.",
        "I think (really)",
        "(a)\nb",
        "One.\n\n(two) three",
        "Too many questions are waiting at the moment. Please ask again in a minute. Or not.",
    ],
)
def test_what_a_model_wrote_is_kept(text: str) -> None:
    assert answer_in(text) == text


async def test_who_asks_in_chinese_is_told_in_chinese(store: Store, clock: Clock) -> None:
    set_locale("en")
    house = talk(store, clock, EchoModel(Script("", error=ModelBusy("x"))))
    text, _handle = await house.answer(await house.hear("法国的首都是哪里？", to_us=True))
    assert is_chinese(text)
    english_only = EchoModel(capabilities=Capabilities(languages=frozenset({"en"})))
    text, handle = await talk(store, clock, english_only).answer(
        await house.hear("法国的首都是哪里？", to_us=True)
    )
    assert is_chinese(text)
    assert "qwen3-1.7b" in text
    assert handle.outcome == "refused:language"


async def test_languages_do_not_mix_when_questions_are_answered_at_once(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("", error=ModelBusy("x"))))
    asked = ["法国的首都是哪里？", "What is the capital of France?"] * 10
    questions = [await house.hear(text, to_us=True) for text in asked]
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(house.answer(question)) for question in questions]
    assert [is_chinese(answer.result()[0]) for answer in answers] == [True, False] * 10


async def test_a_failed_answer_is_no_turn_of_the_model(store: Store, clock: Clock) -> None:
    model = EchoModel(Script("", error=ModelBusy("x")))
    house = talk(store, clock, model)
    answer = await house.ask("Where is Paris?")
    await house.ask("Again, please?", reply_to=answer)
    assert house.dialogue == [("user", "Where is Paris?\nAgain, please?")]


async def test_a_broken_database_is_no_matter_of_the_models(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("Fine.")))
    question = await house.hear("Hi?", to_us=True)
    await store.close()
    with pytest.raises(StorageError):
        await house.answer(question)
