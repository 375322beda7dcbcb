"""What was added is found, by whom it may be; what was removed is gone from every index."""

import time
from datetime import timedelta

import numpy as np
import pytest

from bot.core.errors import StorageError
from bot.knowledge.index import Index
from bot.knowledge.search import Search
from bot.knowledge.segmenting import content_words
from bot.storage.passages import COMMON
from bot.storage.personal import Keep
from bot.storage.store import Store
from tests.knowledge.conftest import Scattered, Topics, document
from tests.messages import ALICE, EPOCH
from tests.storage.house import Clock, Place

HOME = "discord/1"


async def found(
    index: Index, question: str, community: str = HOME, channels: set[str] | None = None
) -> list[str]:
    """The documents that a search finds, best first."""
    search = Search(index)
    findings = await search.find(await search.query(question), community, EPOCH, channels)
    return [finding.passage.document for finding in findings]


@pytest.mark.parametrize("word", ["昵称", "部署", "规则", "上线", "流程"])
async def test_chinese_words_of_two_characters_are_found(index: Index, word: str) -> None:
    await index.add(
        HOME,
        [
            document("names", "昵称规则：两到十二个字，三十天只能改一次。"),
            document("site", "文档站的部署流程：周三统一上线，由竹影审核。"),
            document("bread", "面包放在路由器上发酵。"),
        ],
    )
    text = {"names": "昵称规则", "site": "部署流程上线"}
    assert await found(index, word) == [id for id, words in text.items() if word in words]


async def test_words_are_found_in_all_their_forms(index: Index) -> None:
    await index.add(
        HOME, [document("mail", "Deploying the mailers took hours."), document("tea", "Tea is water.")]
    )
    assert await found(index, "how was the mailer deployed?") == ["mail"]


async def test_a_document_takes_the_place_of_the_one_with_its_id(index: Index, place: Place) -> None:
    await index.add(HOME, [document("a", "the umbrella is red"), document("b", "something else")])
    await index.add(HOME, [document("a", "the parasol is blue")])
    assert await found(index, "umbrella") == []
    assert await found(index, "parasol") == ["a"]
    assert place.count("passages") == place.count("passage_words") == 2


async def test_of_two_documents_with_one_id_in_one_source_the_later_counts(
    index: Index, place: Place
) -> None:
    await index.add(HOME, [document("a", "umbrella"), document("a", "parasol")])
    assert await found(index, "parasol umbrella") == ["a"]
    assert place.count("passages") == 1


async def test_what_is_removed_is_gone_from_rows_words_and_vectors(store: Store, place: Place) -> None:
    index = Index(store.passages, store.privacy, Topics())
    await index.add(HOME, [document("cats", "a kitten sleeps"), document("dogs", "a puppy barks")])
    assert await found(index, "feline") == ["cats", "dogs"]
    assert len(index) == 2
    assert await index.remove(HOME, ["cats"]) == 1
    assert len(index) == 1
    assert await found(index, "kitten") == ["dogs"]
    assert place.count("passages") == place.count("passage_words") == 1
    assert await store.passages.frequencies(content_words("kitten puppy")) == {"puppi": 1}


async def test_forgetting_reaches_words_and_vectors_in_memory_before_it_returns(
    store: Store, place: Place
) -> None:
    index = Index(store.passages, store.privacy, Topics())
    who = store.seal.pseudonym(ALICE.identity)
    await index.add(
        HOME, [document("hers", "my kitten sleeps", author=who), document("his", "a puppy barks")]
    )
    assert await found(index, "feline") == ["hers", "his"]
    assert (await store.privacy.show(ALICE.identity))["passages"] == 1
    began = time.monotonic()
    await store.privacy.forget(ALICE.identity)
    assert time.monotonic() - began < 1.0
    assert len(index) == 1
    assert await found(index, "feline") == ["his"]
    assert place.count("passage_words") == 1
    await index.add(HOME, [document("again", "an old kitten", author=who)])
    assert await found(index, "kitten") == ["his"]  # what was forgotten does not come back


async def test_what_a_member_may_export_holds_the_text(store: Store, index: Index) -> None:
    await index.add(HOME, [document("a", "my words", author=store.seal.pseudonym(ALICE.identity))])
    kept = (await store.privacy.export(ALICE.identity))["kept"]
    assert isinstance(kept, dict)
    (row,) = kept["passages"]
    assert row["payload"]["text"] == "my words"


async def test_retention_takes_what_members_wrote_and_leaves_documents(
    store: Store, index: Index, clock: Clock
) -> None:
    who = store.seal.pseudonym(ALICE.identity)
    await index.add(HOME, [document("said", "umbrella", author=who), document("handbook", "umbrella")])
    await store.privacy.purge(EPOCH + timedelta(days=Keep(24).archive_days - 1), context_hours=24)
    assert sorted(await found(index, "umbrella")) == ["handbook", "said"]
    await store.privacy.purge(EPOCH + timedelta(days=Keep(24).archive_days + 1), context_hours=24)
    assert await found(index, "umbrella") == ["handbook"]


async def test_the_file_holds_no_word_in_the_clear(store: Store, place: Place) -> None:
    index = Index(store.passages, store.privacy, Topics())
    await index.add(HOME, [document("a", "the kitten is called Umbrella 昵称", title="Parasol")])
    words = ("kitten", "umbrella", "umbrel", "parasol", "昵称")
    assert [word for word in words if word.encode() in place.bytes().lower()] == []
    assert b"passage_words" in place.bytes()


async def test_what_was_forgotten_is_in_no_byte_of_the_index(store: Store, place: Place) -> None:
    index = Index(store.passages, store.privacy, None)
    who = store.seal.pseudonym(ALICE.identity)
    await index.add(HOME, [document("hers", "zanzibar", author=who), document("his", "a puppy barks")])
    hashed = str(place.ask("SELECT words FROM passage_words WHERE rowid = 1")[0][0]).encode()
    assert hashed in place.bytes()
    await store.privacy.forget(ALICE.identity)
    assert hashed not in place.bytes()


async def test_a_community_finds_its_own_and_what_is_common(index: Index) -> None:
    await index.add(HOME, [document("a", "umbrella at home")])
    await index.add("matrix/!room", [document("b", "umbrella elsewhere")])
    await index.add(COMMON, [document("c", "umbrella for all")])
    assert sorted(await found(index, "umbrella")) == ["a", "c"]
    assert sorted(await found(index, "umbrella", "matrix/!room")) == ["b", "c"]


async def test_only_channels_that_may_be_read_are_searched(store: Store) -> None:
    index = Index(store.passages, store.privacy, Topics())
    await index.add(
        HOME,
        [
            document("secret", "the kitten is hidden", channel="mods"),
            document("open", "a kitten", channel="all"),
        ],
    )
    assert await found(index, "kitten", channels={"all", ""}) == ["open"]
    assert await found(index, "kitten", channels={"mods", "all"}) in (["open", "secret"], ["secret", "open"])


async def test_many_matches_of_other_communities_hide_nothing(index: Index) -> None:
    await index.add("discord/2", [document(f"d{n}", "umbrella umbrella umbrella") for n in range(300)])
    await index.add(HOME, [document("ours", "an umbrella among many other words that make it less telling")])
    assert await found(index, "umbrella") == ["ours"]


async def test_many_near_passages_that_may_not_be_read_hide_nothing(store: Store) -> None:
    index = Index(store.passages, store.privacy, Topics())
    await index.add("discord/2", [document(f"d{n}", "a kitten") for n in range(100)])
    await index.add(HOME, [document(f"m{n}", "a kitten", channel="mods") for n in range(100)])
    await index.add(HOME, [document("ours", "a ship with a cat on board", channel="all")])
    assert await found(index, "feline", channels={"all", ""}) == ["ours"]


async def test_the_nearest_are_those_of_exact_arithmetic(store: Store) -> None:
    index = Index(store.passages, store.privacy, Scattered())
    await index.add(HOME, [document(f"d{n}", f"text {n}") for n in range(3_000)])
    await index.refresh()
    vectors = Scattered().embed([f"text {n}" for n in range(3_000)]).astype(np.float16).astype(np.float32)
    asked = Scattered().embed(["question"])[0]
    cosines = vectors @ asked
    exact = np.argsort(-cosines, kind="stable")[:50]
    assert [seq - 1 for seq, _ in index.near(asked, 50, HOME)] == exact.tolist()
    assert [cosine for _, cosine in index.near(asked, 50, HOME)] == pytest.approx(cosines[exact].tolist())
    assert len(index.near(asked, 5_000, HOME)) == 3_000
    assert index.near(asked, 50, "discord/2") == []


async def test_the_newer_of_two_equal_documents_stands_first(index: Index, store: Store) -> None:
    old, new = document("old", "the umbrella"), document("new", "gone", "the umbrella")
    await index.add(HOME, [old, new])
    search = Search(index)
    findings = await search.find(await search.query("umbrella"), HOME, EPOCH + timedelta(days=1))
    scores = {finding.passage.document: finding.hits[0].score for finding in findings}
    assert scores["new"] > scores["old"] * 0.99


async def test_vectors_stored_by_another_process_are_found(store: Store, place: Place, clock: Clock) -> None:
    index = Index(store.passages, store.privacy, Topics())
    await index.refresh()
    assert len(index) == 0
    other = await place.open(clock)
    await Index(other.passages, other.privacy, Topics()).add(HOME, [document("cats", "a kitten sleeps")])
    assert await found(index, "feline") == ["cats"]
    await other.passages.remove(HOME, ["cats"])
    await other.close()
    assert await found(index, "feline") == []
    assert len(index) == 0


async def test_ten_thousand_documents_are_added_and_searched_fast_enough(index: Index) -> None:
    many = [
        document(f"d{n}", f"message {n} about the printer in room {n % 97} and its toner, cable {n * 7919}")
        for n in range(10_000)
    ]
    began = time.process_time()
    assert await index.add(HOME, many) == 10_000
    assert time.process_time() - began < 6.0  # 100,000 within a minute
    began = time.process_time()
    for n in range(20):
        assert (await found(index, f"cable {n * 7919}"))[0] == f"d{n}"
    assert (time.process_time() - began) / 20 < 0.1


async def test_postgres_is_refused_with_a_sentence(store: Store) -> None:
    store.passages._reader.dialect = "postgresql"
    with pytest.raises(StorageError, match="Knowledge needs a SQLite database"):
        await store.passages.state()


async def test_who_adds_is_told_how_many_passages_have_been_read(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.knowledge.index._EMBEDDED_AT_ONCE", 2)
    monkeypatch.setattr("bot.knowledge.index._DOCUMENTS_AT_ONCE", 3)
    told: list[tuple[int, int]] = []
    index.embedder = Topics()
    many = [document(f"d{n}", "A kitten") for n in range(5)]
    await index.add(COMMON, many, embedded=lambda done, of: told.append((done, of)))
    assert told == [(2, 3), (3, 3), (5, 5)]
    await index.refresh()
    assert len(index) == 5


async def test_documents_are_listed_with_the_title_of_their_first_passage(index: Index) -> None:
    text = "intro\n\n## One\n\nkittens\n\n## Two\n\npuppies"
    for n in range(8):
        await index.add(HOME, [document(f"d{n}", text, title=f"Guide {n}")])
    shelves = await index.passages.documents(HOME)
    assert [(each.document, each.title, each.passages) for each in shelves] == [
        (f"d{n}", f"Guide {n}", 3) for n in range(8)
    ]
