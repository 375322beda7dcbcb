"""What a digest says: each thread with its link and why it is there, no member's name, nobody called."""

import pytest

from bot.core.text import speaking
from bot.recommend.card import TITLE_CHARS, Linked, because, card, plain
from bot.recommend.reason import Reason
from tests.messages import CHANNEL
from tests.recommend.shelf import worth


def test_every_thread_has_its_link_and_why_it_is_there() -> None:
    with speaking("en"):
        post = card(
            CHANNEL, [Linked(worth("t1", "Soup"), "https://x.example/1"), Linked(worth("t2"), None)], "k"
        )
    assert post.title == "2 threads worth reading"
    assert post.text.splitlines() == [
        "1. [**Soup**](https://x.example/1)",
        "   opened 3 hours ago; 4 members took part",
        "2. **a thread without a title**",
        "   opened 3 hours ago; 4 members took part",
    ]


def test_it_is_said_in_the_language_of_the_community() -> None:
    with speaking("zh-CN"):
        post = card(CHANNEL, [Linked(worth("t1", "汤"), None)], "k")
    assert "3小时前" in post.text
    assert "4" in post.text
    assert post.title is not None
    assert "帖" in post.title or "讨论" in post.title


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ((Reason("reactions", 1.0, members=1),), "1 member took part"),
        ((Reason("readers", 0.6, threads=("t9",)), Reason("recency", 0.4, age_s=60)), "read by those"),
        ((Reason("recency", 0.95, age_s=60), Reason("reactions", 0.05, members=9)), "opened 1 minute ago"),
    ],
)
def test_reasons_are_in_words_without_those_that_hardly_count(reasons: tuple[Reason, ...], said: str) -> None:
    with speaking("en"):
        text = because(reasons)
    assert text.startswith(said)
    assert "9" not in text, "no thread that a member touched is named"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("hello @everyone", "hello @\u200beveryone"),
        ("[free](https://evil.example) **now**", r"\[free\]\(https://evil.example\) \*\*now\*\*"),
        ("two\nlines\u202e and a turn", "two lines and a turn"),
        ("# big", r"\# big"),
    ],
)
def test_a_title_is_shown_as_plain_words(title: str, shown: str) -> None:
    assert plain(title) == shown


def test_a_long_title_is_cut() -> None:
    assert plain("x" * 500) == "x" * (TITLE_CHARS - 1) + "…"
