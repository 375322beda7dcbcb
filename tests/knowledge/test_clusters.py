"""What several texts are about is found, and named by words of several of them; the rest is left alone."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from bot.knowledge.clustering import proposed
from bot.knowledge.clusters import LEAST, proposals
from tests.knowledge.conftest import Scattered, Topics

VERBS = ("eats", "plays", "runs", "hides", "jumps", "sings")
CATS = [f"my cat {verb} and the kitten {verb} too" for verb in VERBS]
DOGS = [f"the dog {verb} while a puppy {verb} again" for verb in VERBS]
BACKUPS = [f"{who}的备份恢复失败了" for who in ("小明", "小红", "小刚", "老王", "老李", "老张")]
PRINTERS = [f"打印机又卡纸，{when}修好" for when in ("周一", "周二", "周三", "周四", "周五", "周六")]


def people(texts: Sequence[str]) -> list[str]:
    """Three who take turns."""
    return [f"who{n % 3}" for n in range(len(texts))]


def unlike(count: int) -> list[str]:
    return [f"alone{n} single{n} apart{n} lonely{n}" for n in range(count)]


def test_clusters_of_vectors_are_named_by_their_words() -> None:
    texts = [*CATS, *DOGS, *CATS, *DOGS]
    found = proposals(texts, people(texts), list(Topics().embed(texts)), 8)
    assert {each.size for each in found} == {12}
    assert {frozenset(each.words) & {"cat", "kitten", "dog", "puppy"} for each in found} == {
        frozenset({"cat", "kitten"}),
        frozenset({"dog", "puppy"}),
    }


def test_chinese_is_clustered_by_words_and_named_by_whole_ones() -> None:
    texts = [*BACKUPS, *PRINTERS]
    found = proposals(texts, people(texts), list(Scattered().embed(texts)), 8)
    named = {word for each in found for word in each.words}
    assert {"备份恢复失败", "打印机"} <= named, named
    assert not any("小明" in word for word in named), "what one of them says names nothing"


def test_without_vectors_words_are_enough() -> None:
    food, travel = (
        ("bread", "flour", "oven", "yeast", "dough"),
        ("train", "ticket", "station", "delay", "platform"),
    )
    texts = [" ".join(some) for pool in (food, travel) for some in combinations(pool, 3)]
    found = proposals(texts, people(texts), [None] * len(texts), 8)
    assert {frozenset(each.words) for each in found} == {frozenset(food), frozenset(travel)}


def test_what_is_said_once_is_no_topic() -> None:
    texts = unlike(30)
    assert proposals(texts, people(texts), list(Scattered().embed(texts)), 8) == []
    assert proposals(texts, people(texts), [None] * 30, 8) == []


def test_a_word_that_fewer_than_three_use_names_nothing() -> None:
    texts = [*CATS, "the cat of Zoe", "a kitten of Zoe"]
    found = proposals(texts, people(texts), list(Topics().embed(texts)), 8)
    assert all("zoe" not in each.words for each in found)


def test_what_one_member_says_however_often_names_nothing() -> None:
    texts = [*(f"{text} says zoe" for text in CATS), *DOGS]
    authors = [*(["zoe"] * len(CATS)), *people(DOGS)]
    found = proposals(texts, authors, list(Topics().embed(texts)), 8)
    assert found
    assert not {"zoe", "says", "cat", "kitten"} & {word for each in found for word in each.words}


def test_few_or_equal_or_empty_texts_fail_nothing() -> None:
    assert proposals([], [], [], 8) == []
    for count in (1, LEAST - 1, LEAST, 9):
        for text in ("", "cat", "猫", "!!"):
            texts = [text] * count
            proposals(texts, people(texts), [None] * count, 8)
            proposals(texts, people(texts), [np.ones(3, np.float32)] * count, 8)


def test_the_largest_come_first_and_no_more_than_wanted() -> None:
    texts = [*CATS, *DOGS, *DOGS]
    found = proposals(texts, people(texts), [None] * len(texts), 8)
    assert [each.size for each in found] == sorted((each.size for each in found), reverse=True)
    assert len(proposals(texts, people(texts), [None] * len(texts), 1)) <= 1


def test_a_proposal_has_examples_enough_for_a_topic() -> None:
    texts = [*CATS, *DOGS, *CATS, *DOGS]
    for each in proposals(texts, people(texts), list(Topics().embed(texts)), 8):
        assert each.name
        assert each.examples[0] == " ".join(each.words)


async def test_a_process_of_its_own_finds_the_same() -> None:
    texts = [*CATS, *DOGS, *CATS, *DOGS, *BACKUPS, *PRINTERS, "alone"]
    vectors = [*Topics().embed(texts[:24]), *([None] * 13)]
    assert (
        await proposed(texts, people(texts), vectors, 8) == proposals(texts, people(texts), vectors, 8) != []
    )


async def test_a_process_that_takes_too_long_is_ended_and_suggests_nothing() -> None:
    assert await proposed([*CATS, *DOGS], people(CATS) * 2, [None] * 12, 8, within_s=0.0) is None
