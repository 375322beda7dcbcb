"""`digest add, list, remove, now`: by moderators, in words, with a word about everything that is wrong."""

import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.commands.command import Commands
from bot.core.actions import Delete, Post, Reply
from bot.core.errors import PlatformError
from bot.core.events import Channel
from bot.core.text import speaking
from bot.storage.outbox import NewOutboxRow
from bot.storage.threads import Noted
from tests.commands.house import ALICE, CHANNEL, MODERATOR, House
from tests.recommend.shelf import worth

ADD = "digest add here every monday 9:00 Europe/Berlin"
HOME = CHANNEL.community_key


@pytest.fixture
def posted(house: House) -> list[NewOutboxRow]:
    rows: list[NewOutboxRow] = []
    house.services.digesting.hand_to(rows.append)
    return rows


async def test_a_digest_is_added_with_words_and_a_zone_at_their_end(house: House) -> None:
    told = await house.told("digest add general every monday 9:00 Europe/Berlin n=3 quiet=22-7", MODERATOR)
    assert "every Monday at 09:00 (Europe/Berlin) never from 22:00 to 07:00, 3 threads at most" in told
    assert "Next: Mon 2026-01-12 09:00" in told
    (digest,) = await house.store.digests.all()
    assert (digest.channel, digest.cron, digest.zone, digest.n) == (CHANNEL, "0 9 * * 1", "Europe/Berlin", 3)
    assert digest.quiet == "22:00-07:00"
    assert digest.actor == house.store.seal.pseudonym(MODERATOR.identity)
    assert (await house.audited())[0] == (
        "digest add",
        f"{digest.number} {CHANNEL.key} 0 9 * * 1 Europe/Berlin n=3",
    )


@pytest.mark.parametrize(
    ("line", "cron", "zone"),
    [
        ("digest add here 0 9 * * 1 UTC", "0 9 * * 1", "UTC"),
        ("digest add here daily 8am zone=america/new_york", "0 8 * * *", "America/New_York"),
        ("digest add 这里 每周一 9:00 Asia/Shanghai", "0 9 * * 1", "Asia/Shanghai"),
        ("digest add every monday 9:00 Europe/Berlin", "0 9 * * 1", "Europe/Berlin"),
        ("digest add 每周一 9:00 Asia/Shanghai", "0 9 * * 1", "Asia/Shanghai"),
    ],
)
async def test_a_plan_can_be_said_in_many_ways(house: House, line: str, cron: str, zone: str) -> None:
    await house.told(line, MODERATOR)
    (digest,) = await house.store.digests.all()
    assert (digest.cron, digest.zone) == (cron, zone)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("digest add here every monday 9:00", "In which time zone"),
        ("digest add here every monday 9:00 Europe/Berln", "Did you mean `Europe/Berlin`"),
        ("digest add here sometimes Europe/Berlin", "“sometimes”"),
        ("digest add here 0 9 * * 1", "In which time zone"),
        ("digest add here */5 * * * * UTC", "once an hour"),
        ("digest add nowhere daily 9:00 UTC", "“nowhere”"),
        ("digest add here daily 9:00 UTC n=99", "1 to 10"),
        ("digest add here daily 9:00 UTC quiet=night", "22-7"),
        ("digest add here", "`when` is missing"),
    ],
)
async def test_what_is_wrong_is_said(house: House, line: str, says: str) -> None:
    assert says in await house.told(line, MODERATOR)
    assert await house.store.digests.all() == []


@pytest.mark.parametrize("line", [ADD, "digest list", "digest remove 1", "digest now 1"])
async def test_members_are_refused_and_that_is_noted(house: House, line: str) -> None:
    assert "is for moderators" in await house.told(line, ALICE)
    assert (await house.audited())[0][0] == "refused"
    assert await house.store.digests.all() == []


async def test_a_private_conversation_gets_no_digest(house: House) -> None:
    private = Channel("memory", "home", "mia", private=True)
    assert "channel of your community" in await house.told(ADD, MODERATOR, private)


async def test_a_repeated_call_adds_no_second_digest(house: House) -> None:
    context = house.context(MODERATOR)
    for _time in range(2):
        await house.services.commands.run_line(context, ADD)
    assert len(await house.store.digests.all()) == 1


async def test_a_community_has_no_more_digests_than_anybody_reads(house: House) -> None:
    for number in range(20):
        await house.told(f"digest add here daily {number}:00 UTC", MODERATOR)
    assert "20 digests here already" in await house.told(ADD, MODERATOR)


async def test_the_list_tells_what_comes_what_came_and_why_it_did_not(house: House) -> None:
    assert "There are no digests here" in await house.told("digest list", MODERATOR)
    await house.told(ADD, MODERATOR)
    assert "Last:" not in await house.told("digest list", MODERATOR)
    house.clock.later(days=7)
    await house.services.digesting.look()
    listed = await house.told("digest list", MODERATOR)
    assert "**1** every Monday at 09:00 (Europe/Berlin), 5 threads at most, in this channel" in listed
    assert (
        "Last: Mon 2026-01-12 13:00, nothing posted: no thread that everybody here may read was new" in listed
    )
    assert "Next: Mon 2026-01-19 09:00" in listed
    house.platform.broken = True
    house.clock.later(days=7)
    await house.services.digesting.look()
    house.platform.broken = False
    assert "It is late, because of this: the platform is down" in await house.told("digest list", MODERATOR)
    with speaking("zh-CN"):
        context = replace(house.context(MODERATOR), locale="zh-CN")
        (reply,) = await house.services.commands.run_line(context, "digest list")  # type: ignore[misc]
        assert "每星期一" in reply.text  # type: ignore[union-attr]


async def test_a_digest_is_removed_and_others_are_not_seen(house: House) -> None:
    await house.told(ADD, MODERATOR)
    elsewhere = Channel("memory", "away", "general")
    theirs = await house.store.digests.add(
        elsewhere, cron="0 9 * * *", zone="UTC", n=5, quiet="", actor="x", call="theirs"
    )
    assert f"no digest {theirs.number}" in await house.told(f"digest remove {theirs.number}", MODERATOR)
    assert "is removed" in await house.told("digest remove 1", MODERATOR)
    assert await house.store.digests.all() == [theirs]
    assert (await house.audited())[0] == ("digest remove", "1")
    assert "no digest 1" in await house.told("digest now 1", MODERATOR)


async def test_one_can_be_posted_at_once_and_the_same_call_posts_once(
    house: House, posted: list[NewOutboxRow]
) -> None:
    house.shelf.put(worth("t1", "Soup"))
    await house.told(ADD, MODERATOR)
    context = house.context(MODERATOR)
    for _time in range(2):
        (reply,) = await house.services.commands.run_line(context, "digest now 1")  # type: ignore[misc]
        assert "Digest 1: posted" in reply.text  # type: ignore[union-attr]
    ((row,), action) = posted, posted[0].action
    assert isinstance(action, Post)
    assert "Soup" in action.text
    assert "nothing posted" in await house.told("digest now 1", MODERATOR)
    assert [verb for verb, _detail in await house.audited()].count("digest now") == 2
    assert row.channel == CHANNEL


async def test_a_digest_that_is_the_only_one_needs_no_number(
    house: House, posted: list[NewOutboxRow]
) -> None:
    assert "There are no digests here" in await house.told("digest now", MODERATOR)
    await house.told(ADD, MODERATOR)
    assert "nothing posted" in await house.told("digest now", MODERATOR)
    await house.told(ADD, MODERATOR)
    assert "Which one?" in await house.told("digest now", MODERATOR)
    assert posted == []


async def test_when_the_platform_is_down_nothing_is_posted_and_the_moderator_is_told(
    house: House, posted: list[NewOutboxRow]
) -> None:
    await house.told(ADD, MODERATOR)

    async def down(channel: Channel) -> Sequence[Channel]:
        raise PlatformError("the platform is down")

    house.shelf.put(worth("bees", "Bees"))
    house.platform.forbids = "it takes “Embed Links” in #general"
    assert "I may not post there: it takes “Embed Links”" in await house.told("digest now 1", MODERATOR)
    house.platform.shared_with = down  # type: ignore[method-assign]
    assert "who may read what" in await house.told("digest now 1", MODERATOR)
    assert posted == []


async def test_zones_and_times_are_suggested_while_one_types(house: House) -> None:
    offered = {spec.path: spec for spec in Commands.discover().offered(house.services)}
    parameters = {each.name: each for each in offered["digest", "add"].parameters}
    zone, when = parameters["zone"].complete, parameters["when"].complete
    assert zone is not None
    assert when is not None
    assert (await zone("berl", MODERATOR, CHANNEL))[0] == "Europe/Berlin"
    assert len(await zone("", MODERATOR, CHANNEL)) <= 25
    assert await when("mon", MODERATOR, CHANNEL) == ["every monday 9:00", "monthly 9:00"]


async def posted_key(house: House, posted: list[NewOutboxRow], *titles: str) -> str:
    """The key of a post of these threads."""
    house.shelf.put(*(worth(title, title) for title in titles))
    await house.told(ADD, MODERATOR)
    assert "posted" in await house.told("digest now 1", MODERATOR)
    return posted[-1].key


async def votes(house: House, title: str) -> list[tuple[str, str]]:
    found = await house.store.threads.by(house.store.seal.pseudonym(ALICE.identity))
    return [(each.kind, each.emoji) for each in found if each.thread == title]


async def test_more_and_less_are_votes_on_what_was_shown_and_the_last_one_counts(
    house: House, posted: list[NewOutboxRow]
) -> None:
    key = await posted_key(house, posted, "bees", "hives")
    assert "Thank you" in await house.told(f"digest feedback more {key}", ALICE)
    assert await votes(house, "bees") == await votes(house, "hives") == [("reaction", "👍")]
    for _time in range(2):
        await house.told(f"digest feedback less {key}", ALICE)
    assert await votes(house, "bees") == [("reaction", "👎")]
    assert "👍 0 · 👎 1" in await house.told("digest stats", MODERATOR)
    await house.store.privacy.forget(ALICE.identity)
    assert await votes(house, "bees") == []


async def test_nobody_votes_for_their_own_thread(house: House, posted: list[NewOutboxRow]) -> None:
    key = await posted_key(house, posted, "bees", "hives")
    who = house.store.seal.pseudonym(ALICE.identity)
    mine = replace(worth("bees").thread, author=who)
    await house.store.threads.write(Noted(threads=(mine,)))
    await house.told(f"digest feedback more {key}", ALICE)
    assert await votes(house, "bees") == []
    assert await votes(house, "hives") == [("reaction", "👍")]


async def test_who_opted_out_has_no_opinion_kept(house: House, posted: list[NewOutboxRow]) -> None:
    key = await posted_key(house, posted, "bees")
    await house.store.privacy.opt_out(ALICE.identity)
    assert "opted out" in await house.told(f"digest feedback more {key}", ALICE)
    assert await votes(house, "bees") == []


async def test_only_a_moderator_hides_or_stops_a_digest(house: House, posted: list[NewOutboxRow]) -> None:
    key = await posted_key(house, posted, "bees")
    for verdict in ("hide", "stop"):
        assert "Only moderators" in await house.told(f"digest feedback {verdict} {key}", ALICE)
    assert (await house.audited())[0] == ("refused", "digest stop")
    (hidden,) = await house.do(f"digest feedback hide {key}", MODERATOR, target="card")
    assert isinstance(hidden, Delete)
    assert hidden.ref.id == "card"
    assert "🙈" in await house.told(f"digest feedback hide {key}", MODERATOR)
    assert "is removed" in await house.told(f"digest feedback stop {key}", MODERATOR)
    assert await house.store.digests.all() == []
    assert "do not remember" in await house.told(f"digest feedback more {key}", ALICE)


async def test_stats_tell_what_digests_led_to(house: House, posted: list[NewOutboxRow]) -> None:
    assert "There are no digests here" in await house.told("digest stats", MODERATOR)
    await posted_key(house, posted, "bees", "hives")
    await house.told("digest now 1", MODERATOR)
    told = await house.told("digest stats", MODERATOR)
    assert "Digest 1, every Monday at 09:00" in told
    assert "1 post, 2 threads shown; 1 time without anything new" in told
    assert "afterwards 0 members took part in 0 of them" in told
    assert "is for moderators" in await house.told("digest stats", ALICE)


async def test_stats_are_also_a_picture_with_the_same_in_words(
    house: House, posted: list[NewOutboxRow]
) -> None:
    key = await posted_key(house, posted, "bees", "hives")
    await house.told(f"digest feedback more {key}", ALICE)
    (reply,) = await house.do("digest stats", MODERATOR)
    assert isinstance(reply, Reply)
    assert reply.file is not None
    assert (reply.file.name, reply.file.media_type) == ("digests.png", "image/png")
    assert reply.file.content.startswith(b"\x89PNG")
    assert "2 threads shown, 0 taken up; 👍 1 · 👎 0" in reply.file.alt
    assert reply.file.alt in reply.text, "who sees no picture misses nothing"


async def test_without_matplotlib_stats_are_words(
    house: House, posted: list[NewOutboxRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    await posted_key(house, posted, "bees")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    (reply,) = await house.do("digest stats", MODERATOR)
    assert isinstance(reply, Reply)
    assert reply.file is None
    assert "1 thread shown, 0 taken up" in reply.text
