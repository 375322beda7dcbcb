"""A digest for one member: once for each slot, and nothing that they may not read at that moment."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.core.actions import Post
from bot.core.events import Author, Channel
from bot.storage.digests import Digest, Reader
from tests.messages import ALICE, BOB, CHANNEL
from tests.recommend.shelf import worth
from tests.recommend.test_digest import MONDAY, OTHER, SECRET, Desk, desk

__all__ = ["desk"]

WEEK = timedelta(days=7)


async def asked(desk: Desk, who: Author = ALICE, quiet: str = "", locale: str = "en") -> Digest:
    return await desk.store.digests.add_own(
        CHANNEL,
        Reader(who, locale),
        cron="0 9 * * 1",
        zone="Europe/Berlin",
        n=2,
        quiet=quiet,
        call=f"{who.id}{locale}",
    )


def posts(desk: Desk) -> list[Post]:
    return [row.action for row in desk.posted if isinstance(row.action, Post)]


@pytest.fixture(autouse=True)
def readable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, Sequence[Channel]]:
    """What each member may read now, besides the usual channel."""
    desk.shelf.threads.clear()
    channels: dict[str, Sequence[Channel]] = {}

    async def readable_channels(author: Author, community: str) -> Sequence[Channel]:
        return channels.get(author.id, (CHANNEL,))

    monkeypatch.setattr(desk.town, "readable_channels", readable_channels)
    return channels


async def test_it_comes_once_for_each_slot_to_who_asked_and_is_theirs_to_stop(desk: Desk) -> None:
    await asked(desk)
    desk.shelf.put(worth("t1", "Bees"))
    assert await desk.at(MONDAY - timedelta(seconds=1)) == 0
    assert await desk.at(MONDAY) == 1
    assert await desk.at(MONDAY + timedelta(hours=1)) == 1
    (post,) = posts(desk)
    assert (post.reader, post.title) == (ALICE, "A thread for you")
    assert [control.label for control in post.controls] == ["More like this", "Less like this", "Stop"]
    assert "Bees" in post.text


async def test_two_processes_and_a_clock_that_is_set_back_send_it_once(desk: Desk) -> None:
    await asked(desk)
    desk.shelf.put(worth("t1"))
    other = desk.made()
    assert await desk.at(MONDAY) == 1
    await other.look()
    await desk.at(MONDAY - timedelta(hours=2))
    assert await desk.at(MONDAY + timedelta(minutes=1)) == 1


async def test_each_member_is_shown_what_they_may_read_at_that_moment(
    desk: Desk, readable: dict[str, Sequence[Channel]]
) -> None:
    await asked(desk)
    await asked(desk, BOB)
    desk.shelf.put(worth("t1", "Bees"), worth("t2", "Plans", channel=SECRET))
    readable[ALICE.id] = (CHANNEL, SECRET)
    await desk.at(MONDAY)
    assert {post.to: "Plans" in post.text for post in posts(desk)} == {ALICE: True, BOB: False}
    readable[ALICE.id] = (CHANNEL,)
    desk.shelf.put(worth("t3", "More plans", channel=SECRET))
    assert await desk.at(MONDAY + WEEK) == 2, "she may not read that any more"
    readable[BOB.id] = ()
    desk.shelf.put(worth("t4", "Wasps"))
    await desk.at(MONDAY + 2 * WEEK)
    assert [post.to for post in posts(desk)[2:]] == [ALICE], "he is not there any more"


async def test_a_private_thread_is_not_shown(desk: Desk) -> None:
    await asked(desk)
    hidden = worth("t1", "Surprise party")
    desk.shelf.put(hidden)
    desk.town.closed.add(hidden.thread.place.key)
    assert await desk.at(MONDAY) == 0


async def test_nothing_is_shown_twice_to_a_member_also_when_they_asked_anew(desk: Desk) -> None:
    await asked(desk)
    await desk.add()
    desk.shelf.put(worth("t1"), worth("t2"))
    assert await desk.at(MONDAY) == 2, "what a channel was shown is new to her"
    await asked(desk, locale="zh-CN")
    assert await desk.at(MONDAY + WEEK) == 2
    desk.shelf.put(worth("t3"))
    await desk.at(MONDAY + 2 * WEEK)
    (post,) = [post for post in posts(desk)[2:] if post.private]
    assert post.title is not None
    assert post.title == "给你的 1 个讨论"


async def test_quiet_hours_hold(desk: Desk) -> None:
    await asked(desk, quiet="08:00-10:00")
    desk.shelf.put(worth("t1"))
    assert await desk.at(MONDAY) == 0
    assert await desk.at(MONDAY + timedelta(minutes=59)) == 0
    assert await desk.at(MONDAY + timedelta(minutes=60)) == 1


async def test_who_takes_no_private_messages_is_not_written_to_again_until_they_ask(desk: Desk) -> None:
    await asked(desk)
    desk.shelf.put(worth("t1"))
    shut = await desk.store.digests.shut(CHANNEL.community_key, ALICE.identity)
    assert shut is not None
    assert shut.fate == "shut"
    assert await desk.at(MONDAY) == 0
    await asked(desk, locale="zh-CN")
    assert await desk.at(MONDAY + timedelta(seconds=1)) == 0, "the slot was over when they asked"
    assert await desk.at(MONDAY + WEEK) == 1


async def test_missing_rights_in_the_channel_do_not_matter(desk: Desk) -> None:
    await asked(desk)
    desk.shelf.put(worth("t1", channel=OTHER))
    assert await desk.at(MONDAY) == 0
