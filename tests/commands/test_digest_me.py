"""`digest me`: whoever asks gets threads privately, can look at that and stop it; nobody gets any unasked."""

import pytest

from bot.core.actions import Post, Reply
from bot.core.events import Channel
from bot.storage.digests import SlotTaken
from bot.storage.outbox import NewOutboxRow
from bot.storage.threads import Noted
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, House
from tests.recommend.shelf import worth

ASK = "digest me every monday 9:00 Europe/Berlin n=3 quiet=22-7"
ROOM = Channel("memory", "dm", "dm", private=True)
ELSEWHERE = Channel("memory", "elsewhere", "general")


async def test_who_asks_is_told_the_plan_and_greeted_where_it_will_come(house: House) -> None:
    reply, greeting = await house.do(ASK)
    assert isinstance(reply, Reply)
    assert isinstance(greeting, Post)
    assert "every Monday at 09:00 (Europe/Berlin) never from 22:00 to 07:00, 3 threads at most" in reply.text
    assert "Next: Mon 2026-01-12 09:00" in reply.text
    assert reply.private
    assert (greeting.reader, greeting.channel) == (ALICE, CHANNEL)
    assert "every Monday at 09:00" in greeting.text
    assert "/digest me stop" in greeting.text
    (digest,) = await house.store.digests.all()
    assert digest.reader is not None
    assert (digest.reader.author, digest.reader.locale) == (ALICE, "en")
    assert (digest.member, digest.actor) == (house.store.seal.pseudonym(ALICE.identity), "")
    assert await house.audited() == [], "what a member reads is nobody's business"


async def test_asking_again_takes_the_place_of_what_came_before(house: House) -> None:
    await house.do(ASK)
    await house.do("digest me daily 18:00 UTC")
    (digest,) = await house.store.digests.of_member(ALICE.identity)
    assert (digest.cron, digest.zone, digest.n) == ("0 18 * * *", "UTC", 5)


async def test_a_call_that_comes_again_changes_nothing(house: House) -> None:
    context = house.context(call="same")
    for _time in range(2):
        await house.services.commands.run_line(context, ASK)
    assert [digest.number for digest in await house.store.digests.all()] == [1]


async def test_what_comes_is_told_and_stopped_here_or_in_the_private_conversation(house: House) -> None:
    assert "Nothing comes to you by itself" in await house.told("digest me")
    await house.do(ASK)
    await house.do("digest me daily 18:00 UTC", channel=ELSEWHERE)
    here = await house.told("digest me")
    assert "every Monday at 09:00" in here
    assert "every day" not in here
    everything = await house.told("digest me", channel=ROOM)
    assert "every Monday at 09:00" in everything
    assert "every day at 18:00" in everything
    assert "Nothing comes to you" in await house.told("digest me", BOB, ROOM)
    assert "is stopped" in await house.told("digest me stop")
    assert [digest.channel for digest in await house.store.digests.all()] == [ELSEWHERE]
    assert "is stopped" in await house.told("digest me 停止", channel=ROOM)
    assert await house.store.digests.all() == []
    assert "Nothing comes to you" in await house.told("digest me stop", channel=ROOM)


@pytest.mark.parametrize(
    ("line", "channel", "says"),
    [
        ("digest me daily 9:00 UTC", ROOM, "in a channel of your community"),
        ("digest me sometimes UTC", CHANNEL, "“sometimes”"),
        ("digest me daily 9:00", CHANNEL, "In which time zone"),
        ("digest me daily 9:00 UTC n=11", CHANNEL, "1 to 10"),
    ],
)
async def test_what_is_wrong_is_said(house: House, line: str, channel: Channel, says: str) -> None:
    assert says in await house.told(line, channel=channel)
    assert await house.store.digests.all() == []


async def test_moderators_neither_see_nor_end_what_a_member_gets(house: House) -> None:
    await house.do(ASK)
    assert "There are no digests here" in await house.told("digest list", MODERATOR)
    assert "There are no digests here" in await house.told("digest stats", MODERATOR)
    for line in ("digest remove 1", "digest now 1"):
        assert "There is no digest 1" in await house.told(line, MODERATOR)
    assert len(await house.store.digests.all()) == 1


async def test_who_wants_nothing_remembered_gets_nothing_and_what_came_ends(house: House) -> None:
    await house.do(ASK)
    await house.do(ASK, BOB)
    await house.do("privacy optout")
    assert [digest.reader and digest.reader.author for digest in await house.store.digests.all()] == [BOB]
    assert "You opted out" in await house.told(ASK)
    await house.do("privacy forget yes", BOB)
    assert await house.store.digests.all() == []


async def test_privacy_names_what_a_member_gets_and_what_they_were_shown(house: House) -> None:
    post = await shown(house)
    told = await house.told("privacy show")
    assert "1 digest" in told
    assert "1 thread that a digest of your own showed you" in told
    kept = (await house.store.privacy.export(ALICE.identity))["kept"]
    assert isinstance(kept, dict)
    assert kept["digests"][0]["reader"] == [*ALICE.identity, ALICE.name, "en"]
    assert kept["shown"][0]["post"] == post
    await house.do("privacy forget yes")
    assert "digests" not in await house.store.privacy.show(ALICE.identity)
    assert "shown" not in await house.store.privacy.show(ALICE.identity)


async def test_below_it_a_member_says_what_they_think_and_stops_it_and_others_cannot(house: House) -> None:
    post = await shown(house)
    assert "do not remember that digest" in await house.told(f"digest feedback stop {post}", BOB, ROOM)
    assert "noted" in await house.told(f"digest feedback more {post}", channel=ROOM)
    touches = await house.store.threads.by(house.store.seal.pseudonym(ALICE.identity))
    assert [(touch.thread, touch.emoji) for touch in touches] == [("t1", "👍")]
    assert "nothing to hide" in await house.told(f"digest feedback hide {post}", channel=ROOM)
    assert "every Monday at 09:00" in await house.told(f"digest feedback stop {post}", channel=ROOM)
    assert await house.store.digests.all() == []


async def shown(house: House) -> str:
    """Alice asks, and is shown a thread of Bob's; the key of the post."""
    await house.do(ASK)
    (digest,) = await house.store.digests.all()
    thread = worth("t1", "Bees").thread
    await house.store.threads.write(Noted((thread,)))
    row = NewOutboxRow("ab12", CHANNEL, None, Post(CHANNEL, "Bees", to=ALICE, private=True))
    taken = SlotTaken(digest, "2026-01-12T09:00", house.clock(), "posted", (thread,), row)
    assert await house.store.digests.take(taken) == "taken"
    return row.key
