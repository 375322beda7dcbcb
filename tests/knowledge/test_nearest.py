"""A text gets its nearest topic, or none if none is near: in English by meaning, else by words."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from bot.knowledge.nearest import Nearest
from bot.storage.topics import Topic
from tests.knowledge.conftest import Topics


def topic(key: str, *examples: str) -> Topic:
    return Topic(key, key, examples, datetime(2026, 1, 1, tzinfo=UTC))


CATS = topic("cats", "my cat sleeps", "a kitten of two weeks")
DOGS = topic("dogs", "the dog barks", "walking a puppy")
BACKUP = topic("备份", "怎么恢复昨晚的备份？", "备份快照失败了")


def read(topics: Sequence[Topic], *texts: str) -> list[str | None]:
    """With a model that knows animals."""
    embedder = Topics()
    return Nearest(topics, embedder).of(texts, list(embedder.embed(texts)))


def heard(topics: Sequence[Topic], *texts: str) -> list[str | None]:
    """Without a model."""
    return Nearest(topics, None).of(texts, [None] * len(texts))


def test_what_means_the_same_in_other_words_is_about_it() -> None:
    assert read([CATS, DOGS], "a feline friend", "the hound ran off", "a boat") == ["cats", "dogs", None]


def test_without_a_model_words_decide() -> None:
    texts = ("why does my cat sleep so long?", "a feline friend", "walking the dog", "good morning")
    assert heard([CATS, DOGS], *texts) == ["cats", None, "dogs", None]


def test_chinese_is_compared_by_words_model_or_not() -> None:
    texts = ("昨晚的备份怎么恢复", "今天天气很好", "a kitten")
    assert read([CATS, BACKUP], *texts) == ["备份", None, "cats"]
    assert heard([CATS, BACKUP], *texts) == ["备份", None, "cats"]


def test_a_text_without_a_vector_yet_is_compared_by_words() -> None:
    nearest = Nearest([CATS, DOGS], Topics())
    assert nearest.of(["the cat sleeps", "the cat sleeps"], [None, None]) == ["cats", "cats"]


def test_topics_in_chinese_alone_leave_english_without_one_and_fail_nothing() -> None:
    assert read([BACKUP], "restore the backup of last night", "") == [None, None]


def test_a_word_of_every_topic_tells_less_than_a_word_of_one() -> None:
    one, two = topic("one", "server crash", "server reboot"), topic("two", "server price", "server order")
    assert heard([one, two], "the server reboots", "what does a server cost, and its price?") == [
        "one",
        "two",
    ]


@pytest.mark.parametrize("length", [20, 60])
def test_a_long_text_that_begins_with_it_is_still_about_it(length: int) -> None:
    others = " ".join(f"other{n}" for n in range(length))
    assert heard([CATS, DOGS], f"my cat sleeps, a kitten of two weeks {others}") == ["cats"]


def test_no_topics_find_nothing() -> None:
    assert read([], "a cat") == [None]
    assert Nearest([], None).of([], []) == []


def test_a_vector_of_nothing_divides_nothing_by_nothing() -> None:
    class Blank:
        def embed(self, texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
            return np.zeros((len(texts), 4), np.float32)

    assert Nearest([CATS], Blank()).of(["a cat"], [np.zeros(4, np.float32)]) == [None]
