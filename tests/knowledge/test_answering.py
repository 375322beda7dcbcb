"""Answers quote their sources, or say that nothing was found."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.core.text import set_locale
from bot.knowledge.answering import Answer, Source, ask
from bot.knowledge.chunking import weight
from bot.knowledge.cite import QUOTE_WEIGHT
from bot.knowledge.document import Document, Section
from bot.knowledge.evaluation import Question, evaluate
from bot.knowledge.index import Index
from bot.knowledge.search import Search
from bot.knowledge.similar import duplicate, duplicates
from bot.storage.passages import COMMON
from bot.storage.store import Store
from tests.knowledge.conftest import Topics, document
from tests.knowledge.library import Remembering, library
from tests.knowledge.questions import golden
from tests.messages import EPOCH

HOME = "discord/1"
MAIL = document(
    "mail",
    "My mail lands in spam, what is wrong?\n\n"
    "Set a PTR record for the address. Then publish DMARC for the domain.\n\nThank you!",
    title="Mail lands in spam",
)


async def asked(index: Index, question: str) -> Answer:
    return await ask(Search(index), question, HOME, EPOCH)


async def test_the_answer_and_not_the_question_is_quoted(index: Index) -> None:
    await index.add(HOME, [MAIL, document("tea", "Tea is hot water.")])
    given = await asked(index, "why does mail land in spam?")
    assert not given.abstained
    assert given.text == "Set a PTR record for the address. Then publish DMARC for the domain. [1]"
    assert [(source.id, source.link) for source in given.sources] == [("mail", "https://example.org/mail")]


async def test_a_source_leads_to_the_message_that_is_quoted(index: Index) -> None:
    asked_in = Section("Why does my mail land in spam?", EPOCH, "https://example.org/1", "ann")
    said = Section("Set a PTR record for the mail's address.", EPOCH, "https://example.org/2", "ben")
    thanks = Section("Thank you, that helped.", EPOCH, "https://example.org/3", "ann")
    await index.add(HOME, [Document("run", "", (asked_in, said, thanks))])
    given = await asked(index, "why does mail land in spam?")
    assert given.text == "Set a PTR record for the mail's address. [1]"
    assert [source.link for source in given.sources] == ["https://example.org/2"]


async def test_what_is_not_known_is_said_with_what_came_nearest(index: Index) -> None:
    await index.add(HOME, [MAIL])
    given = await asked(index, "How do I bake spam into a Zanzibar cake?")
    assert given.abstained
    assert given.text == "I could not find this in what I know. Nearest to it are:\n[1] Mail lands in spam"
    assert [source.id for source in given.sources] == ["mail"]


async def test_an_empty_index_knows_nothing(index: Index) -> None:
    given = await asked(index, "why?")
    assert (given.abstained, given.confidence, given.sources) == (True, 0.0, ())
    assert given.text == "I could not find this in what I know."


async def test_that_nothing_was_found_is_said_in_chinese(index: Index) -> None:
    set_locale("zh-CN")
    assert (await asked(index, "昵称？")).text == "在我知道的内容里没有找到这个。"
    set_locale("en")


@pytest.mark.parametrize("question", ["", " ", "?", "a" * 100_000, "🦊", '" OR NEAR( *', "的"])
async def test_strange_questions_are_declined(index: Index, question: str) -> None:
    await index.add(HOME, [MAIL])
    assert (await asked(index, question)).abstained


async def test_long_paragraphs_are_quoted_in_part(index: Index) -> None:
    long = " ".join(f"Sentence {n} is about kettles." for n in range(12)) + " The umbrella is red."
    await index.add(HOME, [document("a", long, title="umbrella")])
    given = await asked(index, "which umbrella is red")
    assert "The umbrella is red." in given.text
    assert all(weight(source.quote) <= QUOTE_WEIGHT + 10 for source in given.sources)


async def test_meaning_finds_what_no_word_does(store: Store) -> None:
    index = Index(store.passages, store.privacy, Topics())
    await index.add(HOME, [document("cats", "A kitten sleeps all day."), document("boats", "The ship sank.")])
    given = await asked(index, "how much rest for a feline")
    assert given.ranked[0] == "cats"
    assert not given.abstained


def _answer(*ranked: str, abstained: bool = False) -> Answer:

    sources = tuple(Source(id, "", "", "", "", EPOCH) for id in ranked[:3])
    return Answer("", abstained, 0.5, sources, ranked)


def test_scores_are_what_they_are_called() -> None:
    questions = [
        Question("first", ("a", "b")),
        Question("fourth", ("d",)),
        Question("declined", ("a",)),
        Question("unanswerable, declined", ()),
        Question("unanswerable, answered", ()),
    ]
    answers = [
        _answer("a", "x", "y", "z", "w", "b"),
        _answer("x", "y", "z", "d"),
        _answer("a", abstained=True),
        _answer("a", abstained=True),
        _answer("a"),
    ]
    scores = evaluate(questions, answers)
    assert scores.recall == pytest.approx((0.5 + 1 + 1) / 3)
    assert scores.mrr == pytest.approx((1 + 0.25 + 1) / 3)
    assert scores.supported == pytest.approx(1 / 3)
    assert scores.abstention_precision == pytest.approx(1 / 2)
    assert scores.abstention_recall == pytest.approx(1 / 2)


def test_nothing_to_measure_is_not_zero() -> None:
    scores = evaluate([], [])
    assert (scores.recall, scores.abstention_recall) == (None, None)


def test_the_same_question_in_other_words_is_a_duplicate() -> None:
    same = duplicate("How do I restart the server?", "how to restart a server", 0.95)
    other = duplicate("How do I restart the server?", "Who pays for the server?", 0.55)
    assert same > 0.8 > 0.2 > other


def test_other_numbers_and_names_ask_something_else() -> None:
    plain = duplicate("How do I upgrade to version 9?", "how to upgrade to version 9", 0.9)
    assert duplicate("How do I upgrade to version 9?", "how to upgrade to version 10", 0.9) < plain
    named = duplicate("How do I get to Ghent by train?", "a train to Ghent, how?", 0.9)
    assert duplicate("How do I get to Ghent by train?", "a train to Lisbon, how?", 0.9) < named


def test_details_that_only_one_text_gives_do_not_matter() -> None:
    told = "My server runs Debian 12 with 64 GB. How do I restart the server?"
    assert duplicate("How do I restart the server?", told, 0.8) > 0.6


def test_chinese_pairs_are_compared_by_their_characters() -> None:
    pairs = [("怎么重置密码", "密码怎么重置"), ("怎么重置密码", "周日读书会几点")]
    same, other = duplicates(pairs, None)
    assert same > 0.5 > other
    assert not math.isnan(next(duplicates([("", "")], None)))


class Counting(Topics):
    """Remembers what it was asked to embed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return super().embed(texts)


def test_a_text_that_stands_in_many_pairs_is_read_once() -> None:
    embedder = Counting()
    chances = list(
        duplicates([("a kitten", "a puppy"), ("a kitten", "a cat"), ("a cat", "a kitten")], embedder)
    )
    assert embedder.texts == ["a kitten", "a puppy", "a cat"]
    assert chances[1] == chances[2] > chances[0]


def test_pages_are_compared_by_how_they_begin_in_no_time() -> None:
    began = time.process_time()
    one, two = "how to mend a kettle " * 50_000, "why is the sea salt " * 50_000
    same, other = duplicates([(one, f"{one} please"), (one, two)], None)
    assert time.process_time() - began < 1.0
    assert same > 0.8 > 0.2 > other


@pytest.mark.parametrize("strange", ["", " ", "🦊", "\0", "?!", "a" * 10_000, "的"])
def test_strange_texts_are_like_themselves_more_than_like_others(strange: str) -> None:
    itself, other = duplicates([(strange, strange), (strange, "how to mend a kettle")], None)
    assert 1 >= itself > other >= 0


@pytest.mark.model
async def test_the_golden_questions_are_answered(tmp_path: Path, minilm: Remembering) -> None:
    questions = golden()
    assert len(questions) >= 80
    assert sum(not each.relevant for each in questions) * 4 >= len(questions)
    async with library(tmp_path, minilm) as search:
        answers = [await ask(search, each.question, COMMON, EPOCH) for each in questions]
    scores = evaluate(questions, answers)
    assert scores.recall is not None
    assert scores.supported is not None
    assert scores.abstention_recall is not None
    assert scores.recall >= 0.90
    assert scores.supported >= 0.75
    assert scores.abstention_recall >= 0.70


async def test_without_the_model_words_alone_find_most(tmp_path: Path) -> None:
    questions = golden()
    async with library(tmp_path, None) as search:
        answers = [await ask(search, each.question, COMMON, EPOCH) for each in questions]
    scores = evaluate(questions, answers)
    assert scores.recall is not None
    assert scores.recall >= 0.75
