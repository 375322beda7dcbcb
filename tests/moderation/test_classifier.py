"""The shipped classifiers: what they find, what they leave alone, and on which words."""

import random
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.llm.minilm import DIMENSIONS
from bot.moderation import data
from bot.moderation.classifier import FILE, Classifier, shipped
from bot.moderation.features import BUCKETS, prose, read
from bot.moderation.judge import Judge
from bot.moderation.normalize import normalize
from bot.moderation.rulebook import preset
from bot.moderation.signs import NAMES, signs
from tests.messages import message
from tests.moderation.evasions import UNDONE

ABUSE = (
    "you are a stupid worthless idiot",
    "shut the fuck up, bitch",
    "go kill yourself, nobody would miss you",
    "i will find you and kill you",
    "send me a picture of your tits",
    "all of them are filthy vermin and should be shot",
    "你们这群黑鬼滚出中国，都是垃圾",
    "你这个傻逼滚出去",
    "滚开，你这个废物",
)
HARMLESS = (
    "how do i kill a process that listens on port 8080",
    "The release is out, thanks to all who tested it.",
    "I disagree, the old design was easier to read on a phone.",
    "i am a proud gay man and my friends are muslim and jewish",
    "what is the capital of mongolia",
    "在车站见还是在电影院见？",
    "这个函数的返回值为什么是空的？",
    "杀了这个进程再试一次",
    "把垃圾邮件移到回收站",
)
REPEATED = (
    *(
        "ha ha ha ha ha ha ha",
        "ha " * 60,
        "haha haha haha haha",
        "hahaha, ha ha, hahaha",
        "no no no no",
        "no " * 60,
    ),
    *(
        "test test test test",
        "yes yes yes",
        "la la la la la",
        "lol lol lol lol",
        "wow wow wow",
        "omg omg omg",
    ),
    *(
        "hey hey hey",
        "bye bye bye",
        "boop boop boop",
        "hmm hmm",
        "aww",
        "哈哈哈哈哈哈哈",
        "哈 哈 哈 哈 哈 哈",
        "测试测试测试",
    ),
)
SPAM = (
    "FREE NITRO!!! claim your gift now, click https://dlscord.example.com/gift before it expires",
    "I earn $5000 a week from home with crypto trading, message me on telegram to learn how",
    "Check out my channel and subscribe please, free giveaway https://youtu.example.com/c",
)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return shipped()


def scores(classifier: Classifier, text: str) -> dict[str, float]:
    return classifier.score([normalize(text)])[0]


def action(classifier: Classifier, text: str) -> str:
    judgement = Judge(preset("standard"), scorer=classifier).judge(message(text))
    strongest = judgement.strongest
    return "none" if strongest is None else strongest.severity.name.lower()


@pytest.mark.parametrize("text", ABUSE)
def test_abuse_is_likelier_than_any_harmless_text(classifier: Classifier, text: str) -> None:
    harmless = max(scores(classifier, other)["toxicity"] for other in HARMLESS)
    assert scores(classifier, text)["toxicity"] > harmless


@pytest.mark.parametrize("text", HARMLESS)
def test_nothing_follows_from_harmless_texts(classifier: Classifier, text: str) -> None:
    assert action(classifier, text) in {"none", "log"}


@pytest.mark.parametrize("text", REPEATED)
def test_laughter_and_what_is_said_again_and_again_is_not_taken_for_abuse(
    classifier: Classifier, text: str
) -> None:
    assert scores(classifier, text)["toxicity"] < 0.5


def test_saying_an_insult_again_and_again_does_not_hide_it(classifier: Classifier) -> None:
    once, often = (scores(classifier, "you idiot " + "idiot " * times) for times in (0, 30))
    assert often["toxicity"] >= once["toxicity"] > 0.9


@pytest.mark.parametrize("text", SPAM)
def test_spam_is_found(classifier: Classifier, text: str) -> None:
    assert scores(classifier, text)["spam"] > max(scores(classifier, other)["spam"] for other in HARMLESS)


@pytest.mark.parametrize(
    ("text", "mixed"), [("нужны люди, oт 220 в дeнь", True), ("нужны люди", False), ("мой iPhone 15", False)]
)
def test_words_of_two_scripts_are_a_sign(text: str, mixed: bool) -> None:
    assert (signs([normalize(text)])[0, NAMES.index("mixed scripts")] > 0) == mixed


def test_what_asks_for_nothing_precise_gets_a_hint(classifier: Classifier) -> None:
    assert action(classifier, "help pls, it doesn't work") == "hint"
    assert action(classifier, "急，报错了怎么办") == "hint"


@pytest.mark.parametrize("evasion", UNDONE)
def test_hiding_words_does_not_help(classifier: Classifier, evasion: str) -> None:
    hidden = UNDONE[evasion](ABUSE[1], random.Random(1))
    assert scores(classifier, hidden)["toxicity"] == pytest.approx(
        scores(classifier, ABUSE[1])["toxicity"], abs=0.1
    )


def test_evidence_is_the_abusive_part_as_posted(classifier: Classifier) -> None:
    posted = "Dear all, you f u c k i n g ïdiots, see you on Tuesday"
    (scored,) = classifier.examine([normalize(posted)])
    found = classifier.evidence(scored.message, "toxicity", "en")
    assert {part.text for part in found} >= {"f u c k i n g", "ïdiots"}
    assert all(posted[part.start : part.end] == part.text for part in found)
    assert "Tuesday" not in {part.text for part in found}


def test_a_message_scores_the_same_alone_and_among_others(classifier: Classifier) -> None:
    texts = [*ABUSE, *HARMLESS, *SPAM, "", "?", "🙂", "x" * 5000]
    together = classifier.score([normalize(text) for text in texts])
    alone = [classifier.score([normalize(text)])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    assert all(0 <= value <= 1 for each in together for value in each.values())
    assert classifier.score([]) == []


def test_the_embedding_stage_is_asked_about_english_alone() -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return np.zeros((len(texts), DIMENSIONS), np.float32)

    messages = [normalize(text) for text in ("you idiot", "你好，在吗", "see you at nine")]
    scored = shipped(embed).examine(messages)
    assert asked == ["you idiot", "see you at nine"]
    assert [one.judges["toxicity"] for one in scored] == ["embedding", "toxicity.zh", "embedding"]
    assert scored[0].scores["toxicity"] > scored[2].scores["toxicity"]
    assert scored[1].scores == shipped().score(messages)[1]


def test_weights_take_little_room(classifier: Classifier) -> None:
    assert files(data).joinpath(FILE).stat().st_size < 4_000_000  # type: ignore[attr-defined]


def test_features_of_a_text_do_not_depend_on_its_neighbors() -> None:
    texts = ["you idiot, don't", "", "操你妈 hi x", "a"]
    together = read(texts)
    for row, text in enumerate(texts):
        alone = read([text])
        for many, one in ((together.words, alone.words), (together.characters, alone.characters)):
            mine = many.rows == row
            assert sorted(many.buckets[mine]) == sorted(one.buckets)
            assert sorted(many.starts[mine]) == sorted(one.starts)
            assert one.counts[0] == many.counts[row]


def test_a_word_is_read_three_times_running_at_most_and_the_rest_stays_where_it_is() -> None:
    text = "well, no no no, no! no and no"
    assert prose(text) == "well, no no no         and no"
    assert len(prose(text)) == len(text)
    assert prose("no non no nono no") == "no non no nono no"


def test_words_and_pairs_of_words_are_read() -> None:
    words = read(["don't you dare"]).words
    assert {(int(start), int(end)) for start, end in zip(words.starts, words.ends, strict=True)} == {
        (0, 5),
        (6, 9),
        (10, 14),
        (0, 9),
        (6, 14),
    }
    assert words.buckets.max() < BUCKETS
