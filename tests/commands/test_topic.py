"""`topic ...`: moderators name what threads are about, everybody sees what they may read of it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.commands.command import OwnWords
from bot.commands.topic import EXAMPLE_CHARS, MOST, NAME_CHARS
from bot.core.actions import Chunk, Post, Reply, Status
from bot.core.errors import PlatformError
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, House, Platform, growing
from tests.knowledge.shelves import Shelves
from tests.recommend.shelf import worth

HOME = CHANNEL.community_key
SECRET = Channel(CHANNEL.platform, CHANNEL.community, "moderators")
ADD = "topic add backup How do I restore a backup?; The nightly backup snapshot failed"


class Town(Platform):
    """Where ALICE reads one channel and the moderator and BOB two."""

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        if self.broken:
            raise PlatformError("the platform is down")
        return (CHANNEL,) if author == ALICE else (CHANNEL, SECRET)


@pytest.fixture
def town(house: House) -> House:
    platform = Town()
    return replace(house, platform=platform, services=replace(house.services, directory=platform))


@pytest.fixture
def shelves(town: House) -> Shelves:
    assert town.services.search is not None
    return Shelves(town.store, town.services.search.index)


async def names(house: House) -> list[str]:
    return [each.name for each in await house.store.topics.of(HOME)]


async def suggested(house: House, caller: Author = MODERATOR) -> tuple[str, list[str]]:
    """What `topic suggest` says in the end, and what it showed meanwhile."""
    outcome = await house.services.commands.run_line(house.context(caller), "topic suggest")
    assert isinstance(outcome, OwnWords)
    chunks: list[Chunk] = [each async for each in growing(outcome)]
    return (
        "".join(each for each in chunks if isinstance(each, str)),
        [each.text for each in chunks if isinstance(each, Status)],
    )


async def test_a_topic_is_named_listed_shown_changed_and_removed(town: House, shelves: Shelves) -> None:
    assert "no topics here yet" in await town.told("topic list")
    await shelves.thread("t1", "how do I restore the backup of last night?", title="Help with restoring")
    told = await town.told(ADD, MODERATOR)
    assert told == (
        "“backup” is a topic now. 1 archived thread that you may read is about it. "
        "`/topic show backup` lists them."
    )
    assert (await town.told("topic list")).startswith(
        "• **backup** (1 thread): How do I restore a backup?; The nightly backup snapshot failed\n"
    )
    assert await town.told("topic show Backup:") == (
        "1 thread that you may read is about “backup”:\n[1] Help with restoring\n"
        "> how do I restore the backup of last night?"
    )
    assert "is changed. 0 archived" in await town.told("topic add BACKUP a; b", MODERATOR)
    assert await names(town) == ["BACKUP"]
    assert "No thread that you may read" in await town.told("topic show backup")
    assert "is removed" in await town.told("topic remove backup", MODERATOR)
    assert await names(town) == []
    assert [verb for verb, _detail in await town.audited()] == ["topic remove", "topic add", "topic add"]


async def test_no_example_is_written_into_the_log(town: House) -> None:
    await town.told(ADD, MODERATOR)
    assert (await town.audited())[0] == ("topic add", "backup (2 examples)")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("topic add backup only one example", "I need 2 to 20 different examples"),
        ("topic add backup same; same ;; same", "and these are 1"),
        (f"topic add backup {'; '.join(map(str, range(21)))}", "and these are 21"),
        (f"topic add backup a; {'x' * (EXAMPLE_CHARS + 1)}", "at most 200 characters"),
        (f"topic add {'x' * (NAME_CHARS + 1)} a; b", "is no name for a topic"),
        ("topic add @everyone a; b", "is no name for a topic"),
        ("topic add [x](http://y) a; b", "is no name for a topic"),
        ("topic add : a; b", "is no name for a topic"),
        ("topic add backup", "`examples` is missing"),
        ("topic remove nothing", "There is no topic “nothing” here"),
        ("topic accept 1", "There is no suggestion 1 now"),
    ],
)
async def test_what_is_wrong_is_said(town: House, line: str, says: str) -> None:
    assert says in await town.told(line, MODERATOR)
    assert await names(town) == []


@pytest.mark.parametrize(
    ("line", "name", "examples"),
    [
        ("topic add backup: one; two", "backup", ("one", "two")),
        ('topic add "getting started" one；two\nthree', "getting started", ("one", "two", "three")),
        ("topic add 备份： 怎么恢复；快照失败", "备份", ("怎么恢复", "快照失败")),
        ("topic add c++  a  b ; c", "c++", ("a b", "c")),
    ],
)
async def test_it_is_read_as_it_is_meant(
    town: House, line: str, name: str, examples: tuple[str, ...]
) -> None:
    await town.told(line, MODERATOR)
    (topic,) = await town.store.topics.of(HOME)
    assert (topic.name, topic.examples) == (name, examples)


async def test_there_is_an_end_to_topics(town: House) -> None:
    for n in range(MOST):
        await town.store.topics.put(HOME, f"topic {n}", ("a", "b"), actor="mia", most=MOST)
    assert f"There are {MOST} topics here already" in await town.told(ADD, MODERATOR)
    assert "is changed" in await town.told('topic add "topic 3" c; d', MODERATOR)


async def test_a_name_that_is_nearly_right_is_offered(town: House) -> None:
    await town.told(ADD, MODERATOR)
    for line in (
        "topic show backups",
        "search x topic:backups",
        "digest add here daily 9:00 UTC topic=bakcup",
    ):
        assert "Did you mean `backup`?" in await town.told(line, MODERATOR)
    assert await town.store.digests.all() == []


async def test_everybody_sees_only_what_they_may_read(town: House, shelves: Shelves) -> None:
    await town.told(ADD, MODERATOR)
    await shelves.say("how do I restore a backup?")
    await shelves.say("restore a backup of the secrets", SECRET)
    assert "**backup** (1 thread)" in await town.told("topic list")
    assert "**backup** (2 threads)" in await town.told("topic list", BOB)
    for line in ("topic show backup", "search restore topic:backup", "search topic:backup"):
        (reply,) = await town.do(line)
        assert isinstance(reply, Reply)
        assert "restore a backup" in reply.text
        assert "secrets" not in reply.text
        assert (reply.private, reply.personal) == (True, False)
        (reply,) = await town.do(line, BOB)
        assert isinstance(reply, Reply)
        assert "secrets" in reply.text
        assert reply.personal, "others here may not read all of it"
    town.platform.broken = True
    assert "No thread that you may read" in await town.told("topic show backup", BOB)
    assert "**backup** (0 threads)" in await town.told("topic list", BOB)


async def test_search_looks_among_the_threads_of_a_topic_only(town: House, shelves: Shelves) -> None:
    await town.told(ADD, MODERATOR)
    await town.told('topic add "garden work" Where do roses grow?; The garden needs water', MODERATOR)
    await shelves.thread("t1", "how do I restore a backup?", "use the snapshot of Monday")
    await shelves.thread("t2", "where do roses grow in the garden?", "by the wall, Monday is best")
    told = await town.told("search monday topic:backup")
    assert "snapshot of Monday" in told
    assert "wall" not in told
    assert "by the wall" in await town.told("search topic:Garden-Work monday")
    assert "roses" not in await town.told("search topic:garden-work monday before:2000-01-01")
    assert "I found nothing" in await town.told("search roses topic:backup")


async def test_what_is_gone_is_shown_nowhere(town: House, shelves: Shelves) -> None:
    await town.told(ADD, MODERATOR)
    ref = await shelves.say("how do I restore a backup?")
    await town.store.settle(Settlement(removed=(ref,)))
    assert "(0 threads)" in await town.told("topic list")
    assert "No thread" in await town.told("topic show backup")
    assert "I found nothing" in await town.told("search topic:backup restore")


async def test_members_may_look_and_not_change(town: House) -> None:
    for line in (ADD, "topic remove backup", "topic suggest", "topic accept 1"):
        assert "is for moderators" in await town.told(line)
    assert await names(town) == []


async def fill(shelves: Shelves, place: Channel = CHANNEL, *, count: int = 12) -> None:
    """Two things that members talk about, in words that differ."""
    verbs = ("burnt", "sank", "rose", "cracked", "dried", "failed", "worked", "smelled", "grew", "fell")
    for n in range(count):
        verb = verbs[n % len(verbs)]
        thread = Channel(place.platform, place.community, place.id, f"{place.id}{n}")
        await shelves.say(f"my sourdough bread {verb} in the oven", thread, (ALICE, BOB)[n % 2])
        other = Channel(place.platform, place.community, place.id, f"{place.id}x{n}")
        await shelves.say(f"the printer driver {verb} after the update", other, (BOB, ALICE)[n % 2])


async def test_suggestions_become_topics_only_when_they_are_accepted(town: House, shelves: Shelves) -> None:
    await fill(shelves)
    told, meanwhile = await suggested(town)
    assert "I compared 24 threads without a topic" in told
    assert "Comparing 24 threads" in meanwhile[-1]
    assert await names(town) == []
    lines = [line for line in told.splitlines() if line.startswith("•")]
    bread = next(line for line in lines if "sourdough" in line)
    number = bread.removeprefix("• ").partition(":")[0]
    told = await town.told(f"topic accept {number} baking", MODERATOR)
    assert "“baking” is a topic now. 12 archived threads" in told
    assert "There is a topic “baking” already" in await town.told(f"topic accept {number} baking", MODERATOR)
    other = next(line for line in lines if "printer" in line)
    await town.told(f"topic accept {other.removeprefix('• ').partition(':')[0]}", MODERATOR)
    assert "baking" in await names(town)
    assert len(await names(town)) == 2
    told, _meanwhile = await suggested(town)
    assert "0 archived threads" in told, "what has a topic is suggested no more"


async def test_a_number_means_nothing_else_when_another_suggests(town: House, shelves: Shelves) -> None:
    await fill(shelves)
    await suggested(town)
    await suggested(town)
    assert "There is no suggestion 1 now" in await town.told("topic accept 1", MODERATOR)
    assert await names(town) == []


async def test_nothing_is_suggested_of_what_others_here_may_not_read(town: House, shelves: Shelves) -> None:
    await fill(shelves, SECRET)
    told, _meanwhile = await suggested(town)
    assert "0 archived threads that everybody here may read" in told
    assert "sourdough" not in told


async def test_it_can_be_stopped(town: House, shelves: Shelves) -> None:
    await fill(shelves)
    context = town.context(MODERATOR)
    handle = town.services.running.begin(context.to, MODERATOR.identity)
    context = replace(context, begin=lambda _to, _caller: handle)
    outcome = await town.services.commands.run_line(context, "topic suggest")
    said = []
    async for chunk in growing(outcome):
        handle.stop("stopped")
        said.append(chunk)
    assert said[-1] == "You stopped it, so I suggest nothing."
    assert "no suggestion 1" in await town.told("topic accept 1", MODERATOR)


async def test_a_moderator_who_is_none_any_more_accepts_nothing(town: House, shelves: Shelves) -> None:
    await fill(shelves)
    await suggested(town)
    town.platform.roles[MODERATOR.id] = Role.MEMBER
    assert "is for moderators" in await town.told("topic accept 1", MODERATOR)
    assert await names(town) == []


def text_of(row: NewOutboxRow) -> str:
    assert isinstance(row.action, Post)
    return row.action.text


async def test_a_digest_is_about_one_topic_and_names_those_of_all(house: House) -> None:
    assert house.services.search is not None
    shelves = Shelves(house.store, house.services.search.index)
    rows: list[NewOutboxRow] = []
    house.services.digesting.hand_to(rows.append)
    await house.told(ADD, MODERATOR)
    await shelves.thread("t1", "how do I restore a backup?")
    await shelves.thread("t2", "where do roses grow?")
    house.shelf.put(worth("t2", "Roses"), worth("t1", "Restoring"))
    told = await house.told("digest add here daily 9:00 UTC topic=Backup", MODERATOR)
    assert "It is only about “backup”" in told
    assert "It is only about “backup”" in await house.told("digest list", MODERATOR)
    assert "Digest 1: posted" in await house.told("digest now 1", MODERATOR)
    assert "Restoring" in text_of(rows[0])
    assert "Roses" not in text_of(rows[0])
    assert "· backup\n" in text_of(rows[0])
    assert "digest 1 is about it" in await house.told("topic remove backup", MODERATOR)
    await house.told("digest remove 1", MODERATOR)
    await house.told("topic remove backup", MODERATOR)
    await house.told("digest add here daily 9:00 UTC", MODERATOR)
    assert "posted" in await house.told("digest now 2", MODERATOR)
    assert "· backup" not in text_of(rows[1])
    assert "Roses" in text_of(rows[1])
