"""`recommend` shows threads with links and true reasons, to the asker alone, and names nobody."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands.reasons import because
from bot.core.actions import Reply
from bot.core.events import Author
from bot.core.text import speaking
from bot.recommend.worth import Reason, ThreadRef, Worth
from bot.storage.threads import Noted, Touch
from tests.commands.house import ALICE, BOB, CHANNEL, House

CLEO = Author("memory", "cleo", "Cleo")


async def opened(house: House, id: str, title: str, *readers: Author, **age: float) -> ThreadRef:
    """A thread in the channel that some members reacted to an hour ago."""
    at = house.clock() - timedelta(**(age or {"hours": 2}))
    thread = ThreadRef(CHANNEL.community_key, CHANNEL.key, id, at, f"m{id}", title, "somebody")
    touches = tuple(
        Touch(CHANNEL.key, id, house.store.seal.pseudonym(who.identity), "reaction", at, f"m{id}", "👍")
        for who in readers
    )
    await house.store.threads.write(Noted((thread,), touches))
    return thread


async def test_each_thread_has_its_link_and_why(house: House) -> None:
    await opened(house, "1", "Bees", BOB, CLEO)
    await opened(house, "2", "Old news", days=3)
    (reply,) = await house.do("recommend")
    assert isinstance(reply, Reply)
    assert reply.private
    assert reply.personal
    assert reply.text == (
        "Worth reading for you:\n"
        f"1. “Bees” <https://chat.example/{CHANNEL.key}/1/m1>\n"
        "   new today · 2 people reacted or answered\n"
        f"2. “Old news” <https://chat.example/{CHANNEL.key}/2/m2>\n"
        "   3 days old"
    )


async def test_threads_are_named_that_share_readers(house: House) -> None:
    for id, title in (("1", "Bees"), ("2", "Hives")):
        await opened(house, id, title, BOB, CLEO, days=5)
    await house.store.threads.write(
        Noted(
            touched=(
                Touch(
                    CHANNEL.key,
                    "1",
                    house.store.seal.pseudonym(ALICE.identity),
                    "reaction",
                    house.clock() - timedelta(days=4),
                    "m1",
                    "👍",
                ),
            )
        )
    )
    text = await house.told("recommend")
    assert "shares readers with “Bees”" in text
    assert "“Hives”" in text.splitlines()[1]


async def test_nothing_to_recommend_is_said(house: House) -> None:
    await opened(house, "1", "Bees", ALICE)
    assert "nothing to recommend to you yet" in await house.told("recommend")


async def test_so_many_as_are_asked_for(house: House) -> None:
    for number in range(8):
        await opened(house, str(number), f"Thread {number}", hours=number + 1)
    for line, count in (("recommend", 5), ("recommend 2", 2), ("recommend 20", 8)):
        assert (await house.told(line)).count("<https://") == count
    assert "1 to 20" in await house.told("recommend 21")


async def test_who_opted_out_is_told_that_it_is_for_anybody(house: House) -> None:
    await opened(house, "1", "Bees", ALICE, BOB)
    await house.store.privacy.opt_out(ALICE.identity)
    text = await house.told("recommend")
    assert "“Bees”" in text
    assert "You opted out" in text


async def test_in_a_private_conversation_it_says_where_to_ask(house: House) -> None:
    private = replace(CHANNEL, id="dm", private=True)
    assert "in a channel of your community" in await house.told("recommend", channel=private)


async def test_a_platform_that_does_not_tell_what_may_be_read_shows_nothing(house: House) -> None:
    await opened(house, "1", "Secret")
    house.platform.unreadable = True
    text = await house.told("recommend")
    assert "which channels you may read" in text
    assert "Secret" not in text


async def test_a_title_calls_nobody_and_stays_in_its_line(house: House) -> None:
    await opened(house, "1", "@everyone\n2. [look](https://evil.example)")
    text = await house.told("recommend")
    assert "@everyone" not in text
    assert len(text.splitlines()) == 3


async def test_without_links_a_thread_is_named_by_title_and_channel(house: House) -> None:
    house.platform.has_links = False
    await opened(house, "1", "Bees")
    await opened(house, "2", "")
    text = await house.told("recommend")
    assert "“Bees” (in #general)" in text
    assert "thread 2 in #general" in text


@pytest.mark.parametrize(
    ("reason", "words", "chinese"),
    [
        (Reason("recency", 1, age_s=60), "new this hour", "刚刚发布"),
        (Reason("recency", 1, age_s=80_000), "new today", "今天发布"),
        (Reason("recency", 1, age_s=2 * 86_400), "2 days old", "2 天前发布"),
        (Reason("recency", 1, age_s=40 * 86_400), "", ""),
        (Reason("reactions", 1, members=1), "1 person reacted or answered", "1 人回应或回复"),
        (Reason("reactions", 1, members=0), "", ""),
        (Reason("readers", 1), "shares readers with threads you touched", "与你参与过的帖子有共同读者"),
    ],
)
def test_reasons_are_words_in_both_languages(house: House, reason: Reason, words: str, chinese: str) -> None:
    thread = ThreadRef("memory/home", "memory/home/general", "1", house.clock())
    worth = Worth(thread, (reason,))
    assert because(worth, []) == words
    with speaking("zh-CN"):
        assert because(worth, []) == chinese
