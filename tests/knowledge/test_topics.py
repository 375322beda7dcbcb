"""Conversations have the topic that they are about now: what changes or goes changes that at once."""

from pathlib import Path

import pytest

from bot.core.events import Channel, MessageRef
from bot.knowledge.index import Index
from bot.knowledge.search import always
from bot.knowledge.topics import Sorting
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.storage.threads import ThreadRef
from tests.knowledge.conftest import Topics, document
from tests.knowledge.shelves import Shelves
from tests.knowledge.test_archiving import archiving, until_found
from tests.living import Life
from tests.messages import ALICE, BOB, CHANNEL, EPOCH
from tests.storage.house import Clock

HOME = CHANNEL.community_key
HERE = frozenset({CHANNEL.key})


@pytest.fixture
def shelves(store: Store) -> Shelves:
    return Shelves(store, Index(store.passages, store.privacy, Topics()))


@pytest.fixture
def sorting(shelves: Shelves) -> Sorting:
    return Sorting(shelves.index, shelves.store.topics, always)


async def name(store: Store, name: str, *examples: str, community: str = HOME) -> None:
    assert await store.topics.put(community, name, examples, actor="mia", most=50)


async def places(sorting: Sorting, key: str) -> list[str]:
    """The names of the threads about a topic, the newest first; channel talk as its first message."""
    found = await sorting.of(HOME, key)
    return [(each.place if each.is_thread else each.documents[0]).rpartition("/")[2] for each in found]


async def test_threads_have_the_topic_that_is_nearest_to_how_they_begin(
    shelves: Shelves, sorting: Sorting
) -> None:
    await name(shelves.store, "Cats", "my cat", "a kitten")
    await name(shelves.store, "Dogs", "my dog", "a puppy")
    await shelves.thread("t1", "a feline friend", "how nice")
    await shelves.thread("t2", "the hound ran off")
    await shelves.thread("t3", "what a day")
    await shelves.thread("t4", "this kitten is mine", "and now to boats", "a ship", "another vessel")
    await shelves.say("the puppy sleeps")
    assert await places(sorting, "cats") == ["t4", "t1"]
    assert await places(sorting, "dogs") == ["m8", "t2"]
    assert await sorting.counts(HOME, HERE) == {"cats": 2, "dogs": 2}
    assert await sorting.counts(HOME, {"memory/home/elsewhere"}) == {}


async def test_a_thread_of_many_messages_is_one_conversation(shelves: Shelves, sorting: Sorting) -> None:
    await name(shelves.store, "cats", "my cat", "a kitten")
    await shelves.thread("t1", *(f"a cat, number {n}" for n in range(30)))
    (conversation,) = await sorting.of(HOME, "cats")
    assert len(conversation.documents) == 2
    assert await sorting.documents(HOME, "cats") == frozenset(conversation.documents)


async def test_a_topic_that_changes_or_goes_or_comes_changes_it_at_once(
    shelves: Shelves, sorting: Sorting
) -> None:
    await shelves.thread("t1", "a feline friend")
    assert await places(sorting, "cats") == []
    await name(shelves.store, "cats", "my cat", "a kitten")
    assert await places(sorting, "cats") == ["t1"]
    await name(shelves.store, "cats", "my dog", "a puppy")
    assert await places(sorting, "cats") == []
    await name(shelves.store, "Felines", "my cat", "a kitten")
    assert await places(sorting, "felines") == ["t1"]
    await shelves.store.topics.remove(HOME, "felines")
    assert await places(sorting, "felines") == []


async def test_an_edit_of_how_it_begins_gives_it_another_topic(shelves: Shelves, sorting: Sorting) -> None:
    await name(shelves.store, "cats", "my cat", "a kitten")
    await name(shelves.store, "dogs", "my dog", "a puppy")
    ref = await shelves.say("my kitten")
    assert await places(sorting, "cats") == ["m0"]
    await shelves.settle(Settlement(edited=((ref, "my puppy"),)))
    assert await places(sorting, "cats") == []
    assert await places(sorting, "dogs") == ["m0"]


async def test_what_is_deleted_or_forgotten_has_no_topic_and_counts_for_none(
    shelves: Shelves, sorting: Sorting
) -> None:
    await name(shelves.store, "cats", "my cat", "a kitten")
    place = await shelves.thread("t1", "my cat")
    await shelves.thread("t2", "a kitten", author=BOB)
    assert await places(sorting, "cats") == ["t2", "t1"]
    await shelves.store.settle(Settlement(removed=(MessageRef(place, "m0"),)))
    assert await places(sorting, "cats") == ["t2"], "before the index was made anew"
    await shelves.store.privacy.forget(BOB.identity)
    assert await places(sorting, "cats") == []
    assert await sorting.counts(HOME, HERE) == {}
    assert await sorting.threads(HOME, "cats") == frozenset()


async def test_a_thread_whose_first_message_goes_is_about_what_is_left(
    shelves: Shelves, sorting: Sorting
) -> None:
    await name(shelves.store, "cats", "my cat", "a kitten")
    await name(shelves.store, "dogs", "my dog", "a puppy")
    place = await shelves.thread("t1", "my cat, cat", "a puppy")
    await shelves.settle(Settlement(removed=(MessageRef(place, "m0"),)))
    assert await places(sorting, "cats") == []
    assert await places(sorting, "dogs") == ["t1"]


async def test_documents_of_the_community_and_other_communities_have_none(
    shelves: Shelves, sorting: Sorting
) -> None:
    await name(shelves.store, "cats", "my cat", "a kitten")
    await shelves.index.add(HOME, [document("page", "all about the cat")])
    away = Channel(CHANNEL.platform, "away", "general")
    await shelves.say("my cat", away)
    assert await places(sorting, "cats") == []
    await name(shelves.store, "cats", "my cat", "a kitten", community=away.community_key)
    assert len(await sorting.of(away.community_key, "cats")) == 1


async def test_threads_are_known_as_digests_know_them(shelves: Shelves, sorting: Sorting) -> None:
    await name(shelves.store, "Cats", "my cat", "a kitten")
    await shelves.thread("t1", "my cat")
    ref = await shelves.say("a kitten")
    reply = await shelves.say("so sweet, this kitten")
    assert await sorting.threads(HOME, "cats") == {
        f"{CHANNEL.key}/t1",
        f"{CHANNEL.key}/{ref.id}",
        f"{CHANNEL.key}/{reply.id}",
    }

    def thread(id: str, *, in_channel: bool) -> ThreadRef:
        return ThreadRef(HOME, CHANNEL.key, id, EPOCH, in_channel=in_channel)

    asked = [thread("t1", in_channel=False), thread(ref.id, in_channel=True), thread("x", in_channel=True)]
    assert await sorting.names(HOME, asked) == {asked[0].key: "Cats", asked[1].key: "Cats"}


async def test_while_meanings_may_not_be_compared_words_are_and_then_it_is_done_again(
    shelves: Shelves,
) -> None:
    is_ready = False

    async def ready() -> bool:
        return is_ready

    sorting = Sorting(shelves.index, shelves.store.topics, ready)
    await name(shelves.store, "cats", "my cat", "a kitten")
    await shelves.thread("t1", "a feline friend")
    await shelves.thread("t2", "a kitten")
    assert await places(sorting, "cats") == ["t2"]
    is_ready = True
    assert await places(sorting, "cats") == ["t2", "t1"]


async def test_openings_are_of_what_has_no_topic_where_it_may_be_read(
    shelves: Shelves, sorting: Sorting
) -> None:
    await name(shelves.store, "cats", "my cat", "a kitten")
    await shelves.thread("t1", "my cat")
    await shelves.thread("t2", "what a day", "indeed")
    begin = await sorting.openings(HOME, HERE, 10)
    assert [text.split() for text in await sorting.texts(HOME, begin)] == [["what", "a", "day", "indeed"]]
    assert [mean is not None for mean in sorting.means(begin)] == [True]
    assert await sorting.openings(HOME, {"memory/home/elsewhere"}, 10) == []
    await shelves.store.privacy.forget(ALICE.identity)
    assert await sorting.texts(HOME, begin) == [""], "of what is gone meanwhile nothing is read"


async def test_in_a_whole_bot_deletions_edits_and_forgetting_reach_it(tmp_path: Path) -> None:
    life = Life(tmp_path)
    async with archiving(life) as app:
        sorting, home = app._topics, life.room.community_key
        assert sorting is not None
        await name(app.store, "umbrellas", "a red umbrella", "my umbrella is lost", community=home)
        said = life.world.say(life.person("anna"), life.room, "my red umbrella is lost")
        other = life.world.channel("other")
        await app.store.policies.set(other.key, "archive", "yes")
        life.world.say(life.person("ben"), other, "a red umbrella")
        await until_found(app.store, "umbrella", "my red umbrella is lost", "a red umbrella")
        assert len(await sorting.of(home, "umbrellas")) == 2
        life.world.edit(said, "the harbor opens at nine")
        await until_found(app.store, "harbor", "the harbor opens at nine")
        assert len(await sorting.of(home, "umbrellas")) == 1
        await app.store.privacy.forget(life.person("ben").identity)
        assert await sorting.of(home, "umbrellas") == []


async def test_a_channel_that_is_archived_no_longer_has_no_conversations(
    shelves: Shelves, sorting: Sorting
) -> None:
    await name(shelves.store, "cats", "my cat", "a kitten")
    await shelves.say("my cat")
    assert len(await sorting.of(HOME, "cats")) == 1
    await shelves.store.archive.drop(lambda channel: False)
    assert await sorting.of(HOME, "cats") == []


async def test_retention_ends_it(shelves: Shelves, sorting: Sorting, clock: Clock) -> None:
    await name(shelves.store, "cats", "my cat", "a kitten")
    await shelves.say("my cat")
    assert len(await sorting.of(HOME, "cats")) == 1
    clock.forward(days=31)
    await shelves.store.privacy.purge(clock(), 24, archive_days=30)
    assert await sorting.of(HOME, "cats") == []
