"""What asks for help, and what is talk."""

import pytest

from bot.knowledge.questions import asking, asks_for_help


@pytest.mark.parametrize(
    "text",
    [
        "How do I mount the share?",
        "how to mount the share",
        "Does anyone know where the backup server keeps its logs",
        "I can't get the proxy to start after the update",
        "hi all, any idea why the container restarts",
        "The container restarts every minute. Where do I find its logs?",
        "请问容器的日志在哪里",
        "群晖怎么挂载网络硬盘",
    ],
)
def test_a_request_for_help_is_one_with_and_without_a_question_mark(text: str) -> None:
    assert asks_for_help("", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "what?",
        "Good morning!",
        "How are you?",
        "anyone up for a game tonight?",
        "The proxy is updated, have fun.",
        "What a day",
        "thanks, that worked",
        "大家早上好",
        "你好吗？",
    ],
)
def test_talk_is_none(text: str) -> None:
    assert not asks_for_help("", text)


def test_a_title_asks_for_its_post() -> None:
    assert asks_for_help("How do I mount the share?", "It says permission denied.")


def test_an_announcement_that_ends_in_a_question_asks_nothing() -> None:
    news = "Version 2 is out. " + "It is faster than ever, and smaller too. " * 12
    assert not asks_for_help("Version 2", f"{news} Which part of the release do you like?")


def test_the_sentences_that_ask_are_found_among_the_others() -> None:
    said = "The share is gone. How do I mount the share? I use Linux. Is the file server offline?"
    assert asking(said) == ["How do I mount the share?", "Is the file server offline?"]
