"""What is said in archived channels is found as it stands now, by whoever may read it; by the whole bot."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app import App
from bot.config.sections import Privacy
from bot.core.actions import Severity
from bot.core.events import Channel
from bot.core.permissions import Role
from bot.knowledge.archiving import Archiver
from bot.knowledge.index import Index
from bot.knowledge.search import Search
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Finding, Rule
from bot.storage.archive import RUN_MESSAGES
from bot.storage.store import Store
from tests.knowledge.conftest import Topics
from tests.living import PATIENCE_S, Life

TOWN = "memory/town"


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


class NoShouting(Rule):
    """Puts messages in capitals into the queue."""

    action: ActionName = Severity.QUEUE

    def check(self, seen: Examined, past: Past) -> Finding | None:
        return Finding(1.0) if seen.message.text.isupper() else None


async def found(store: Store, question: str, channels: set[str] | None = None) -> list[str]:
    """The texts of all passages that a search finds, in the order of the alphabet."""
    search = Search(Index(store.passages, store.privacy, None))
    findings = await search.find(await search.query(question), TOWN, datetime.now(UTC), channels)
    return sorted(hit.passage.text for finding in findings for hit in finding.hits)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is true of the database."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.02)


async def until_found(store: Store, question: str, *texts: str) -> None:
    """Wait until exactly these passages are found."""
    seen: list[str] = []

    async def holds() -> bool:
        seen[:] = await found(store, question)
        return seen == sorted(texts)

    try:
        await until(holds)
    except TimeoutError:
        pytest.fail(f"{question!r} finds {seen}, not {texts}")


async def until_passages(store: Store, count: int) -> None:
    """Wait until there are so many passages."""

    async def holds() -> bool:
        return await passages_of(store) == count

    await until(holds)


@asynccontextmanager
async def archiving(life: Life, *places: Channel) -> AsyncIterator[App]:
    """A bot in a world where places are archived: `general`, unless others are named."""
    async with life.bot() as app:
        for place in places or (life.room,):
            await app.store.policies.set(place.key, "archive", "yes")
        yield app


async def test_what_members_say_in_an_archived_channel_is_found_with_its_link_and_channel(
    life: Life,
) -> None:
    async with archiving(life) as app:
        said = life.world.say(life.person("anna"), life.room, "the umbrella stands behind the door")
        await until_found(app.store, "umbrella", said.text)
        (passage,) = (await app.store.passages.get([1], TOWN)).values()
        assert (passage.community, passage.channel) == (TOWN, life.room.key)
        assert passage.link == f"memory://{life.room.key}/{said.ref.id}"
        assert await found(app.store, "umbrella", {"memory/town/other", ""}) == []
        assert await found(app.store, "umbrella", {life.room.key}) == [said.text]


async def test_nothing_is_kept_where_nobody_said_so(life: Life) -> None:
    other = life.world.channel("other")
    async with archiving(life, other) as app:
        life.world.say(life.person("anna"), life.room, "the umbrella stands behind the door")
        life.world.say(life.person("anna"), other, "a lantern hangs above it")
        await until_found(app.store, "lantern", "a lantern hangs above it")
        assert await found(app.store, "umbrella") == []
        assert await app.store.archive.count(life.room) == 0


async def test_neither_programs_nor_what_is_said_to_the_bot_are_archived(life: Life) -> None:
    anna = life.person("anna")
    async with archiving(life) as app:
        life.world.say(anna, life.room, "!llmos ask umbrella one")
        life.world.say(anna, life.room, "@llmos umbrella two")
        life.world.say(life.world.member("robot", is_bot=True), life.room, "umbrella three")
        life.world.say(anna, life.room, "umbrella four", notice=True)
        (answer, *_) = await life.answers(2)
        posted = next(each for each in life.world.shown(life.room) if each.text == answer)
        life.world.say(anna, life.room, "umbrella five", reply_to=posted.message.ref.id)
        life.world.say(anna, life.room, "umbrella six")
        await until_found(app.store, "umbrella", "umbrella six")


async def test_what_moderation_holds_back_is_not_archived_nor_an_edit_that_it_holds_back(life: Life) -> None:
    life.rules = (NoShouting(name="no-shouting"),)
    async with archiving(life) as app:
        life.world.say(life.person("anna"), life.room, "UMBRELLA ONE")
        second = life.world.say(life.person("ben"), life.room, "umbrella two")
        life.world.say(life.person("cleo"), life.room, "umbrella three")
        await until_found(app.store, "umbrella", "umbrella two", "umbrella three")
        life.world.edit(second, "UMBRELLA TWO")
        await until_found(app.store, "umbrella", "umbrella three")
        assert await app.store.archive.count(life.room) == 1


async def test_an_edit_replaces_and_a_deletion_removes_within_a_second(life: Life) -> None:
    anna, ben = life.person("anna"), life.person("ben")
    async with archiving(life) as app:
        first = life.world.say(anna, life.room, "the umbrella is red")
        second = life.world.say(ben, life.room, "my umbrella is green")
        await until_found(app.store, "umbrella", "the umbrella is red", "my umbrella is green")
        life.world.edit(first, "the parasol is blue")
        await until_found(app.store, "umbrella", "my umbrella is green")
        await until_found(app.store, "parasol", "the parasol is blue")
        life.world.delete(second.ref)
        await until_found(app.store, "umbrella")
        await until_found(app.store, "parasol", "the parasol is blue")


async def test_forgetting_and_opting_out_remove_what_was_archived_before_they_return(life: Life) -> None:
    anna, ben = life.person("anna"), life.person("ben")
    async with archiving(life) as app:
        life.world.say(anna, life.room, "umbrella of anna")
        life.world.say(ben, life.room, "umbrella of ben")
        life.world.say(life.person("cleo"), life.room, "umbrella of cleo")
        await until_found(app.store, "umbrella", "umbrella of anna", "umbrella of ben", "umbrella of cleo")
        assert (await app.store.privacy.show(anna.identity))["archive"] == 1
        await app.store.privacy.forget(anna.identity)
        assert await found(app.store, "umbrella") == ["umbrella of ben", "umbrella of cleo"]
        await app.store.privacy.opt_out(ben.identity)
        assert await found(app.store, "umbrella") == ["umbrella of cleo"]
        life.world.say(ben, life.room, "umbrella of ben again")
        life.world.say(anna, life.room, "umbrella of anna again")
        await until_found(app.store, "umbrella", "umbrella of cleo", "umbrella of anna again")
        assert await app.store.archive.count(life.room) == 2


@pytest.mark.drives("config:privacy.archive_days")
async def test_retention_ends_what_was_archived(life: Life) -> None:
    life.sections["privacy"] = Privacy(archive_days=30)
    async with archiving(life) as app:
        life.world.say(life.person("anna"), life.room, "the umbrella is red")
        await until_found(app.store, "umbrella", "the umbrella is red")
        life.clock.shift = timedelta(days=29)
        await app._retain()
        assert await app.store.archive.count(life.room) == 1
        life.clock.shift = timedelta(days=31)
        await app._retain()
        assert await app.store.archive.count(life.room) == 0
        assert await found(app.store, "umbrella") == []


async def test_a_thread_is_found_by_the_readers_of_its_channel_and_as_one_document(life: Life) -> None:
    anna = life.person("anna")
    thread = life.world.open_thread(anna, life.room, "umbrellas").channel
    async with archiving(life) as app:
        life.world.say(anna, thread, "where is the umbrella?")
        life.world.say(
            life.person("ben"), thread, "behind the door", at=life.clock() + timedelta(minutes=300)
        )
        await until_found(app.store, "door umbrella", "where is the umbrella?", "behind the door")
        assert len(await found(app.store, "umbrella", {life.room.key})) == 1
        passages = (await app.store.passages.get([1, 2], TOWN)).values()
        assert len({each.document for each in passages}) == 1


@pytest.mark.parametrize("kind", ["hidden", "private", "encrypted"])
async def test_places_that_few_can_read_and_encrypted_ones_are_never_archived(life: Life, kind: str) -> None:
    place = Channel("memory", "town", "general", "t1", **{kind: True})
    async with archiving(life, life.room, place) as app:
        life.world.say(life.person("anna"), place, "the umbrella is red")
        life.world.say(life.person("anna"), life.room, "the lantern is lit")
        await until_found(app.store, "lantern", "the lantern is lit")
        assert await found(app.store, "umbrella") == []


async def test_a_silence_or_many_messages_begin_another_run(life: Life) -> None:
    people = [life.person(f"member{n}") for n in range(RUN_MESSAGES + 1)]
    began = life.clock()
    async with archiving(life) as app:
        for n, who in enumerate(people):
            life.world.say(who, life.room, f"umbrella {n}", at=began + timedelta(seconds=n))
        life.world.say(people[0], life.room, "lantern one", at=began + timedelta(minutes=20))
        life.world.say(people[1], life.room, "lantern two", at=began + timedelta(minutes=51))
        await until_found(app.store, "lantern", "lantern one", "lantern two")
        documents = [
            await in_document(app.store, word) for word in ("umbrella 0", "lantern one", "lantern two")
        ]
        assert len(set(documents)) == 3


async def in_document(store: Store, text: str) -> str:
    found = await store.passages.get(range(1, 200), TOWN)
    return next(each.document for each in found.values() if each.text == text)


async def test_a_kill_before_the_index_was_written_loses_nothing_and_doubles_nothing(life: Life) -> None:
    """Everything a kill can leave: what was archived and never read, and what was read but not all of it."""
    async with archiving(life) as app:
        app._archiver.catch_up = nothing  # type: ignore[method-assign]
        for n in range(40):
            life.world.say(life.person(f"member{n}"), life.room, f"umbrella {n}")

        async def archived() -> bool:
            return await app.store.archive.count(life.room) == 40

        await until(archived)
        assert await found(app.store, "umbrella") == []
    for _restart in range(2):
        async with life.bot() as app:
            await until_passages(app.store, 40)
            await app._archiver.catch_up()
            assert await passages_of(app.store) == 40


async def nothing() -> None:
    pass


async def passages_of(store: Store) -> int:
    return len(await store.passages.known())


async def test_vectors_come_when_a_run_is_quiet_and_take_the_place_of_words_alone(life: Life) -> None:
    async with archiving(life) as app:
        index = Index(app.store.passages, app.store.privacy, Topics())
        archiver = Archiver(app.store.archive, index, app._directory, life.clock)
        life.world.say(life.person("anna"), life.room, "a kitten sleeps")
        await until_found(app.store, "kitten", "a kitten sleeps")
        await archiver.catch_up()
        assert len(index) == 0
        life.clock.shift = timedelta(minutes=2)
        await archiver.catch_up()
        assert len(index) == 1
        assert await passages_of(app.store) == 1
        search = Search(index)
        findings = await search.find(await search.query("feline"), TOWN, life.clock())
        assert [each.passage.text for each in findings] == ["a kitten sleeps"]


async def test_passages_that_were_made_of_an_older_text_are_not_stored(life: Life) -> None:
    """The message changes between the reading of its run and the storing of its passages."""
    async with archiving(life) as app:
        said = life.world.say(life.person("anna"), life.room, "the umbrella is red")
        await until_found(app.store, "umbrella", "the umbrella is red")
        archive = app.store.archive
        (run,) = await archive.without_vectors(life.clock() + timedelta(days=1), 10)
        life.world.delete(said.ref)
        await until_found(app.store, "umbrella")
        document = await app._archiver._document(run)
        still = archive.shelved([run], 1)
        assert not await app._index.shelve(TOWN, [document], still, with_vectors=False)
        assert await found(app.store, "umbrella") == []


async def test_a_killed_reading_of_the_past_goes_on_after_the_restart_and_doubles_nothing(life: Life) -> None:
    anna, mia = life.person("anna"), life.world.member("mia", Role.MODERATOR)
    for n in range(450):
        life.world.say(anna, life.room, f"umbrella {n}", at=life.clock() - timedelta(days=3, minutes=-n))
    async with archiving(life) as app:
        life.world.faults.slow_s = 0.5
        life.world.say(mia, life.room, "!llmos knowledge read")

        async def some() -> bool:
            read = await app.store.archive.count(life.room)
            if read:
                life.world.faults.slow_s = 3600.0  # the next page does not come before the end
            return read > 0

        await until(some)
        assert await app.store.archive.count(life.room) < 450
    life.world.faults.slow_s = 0
    async with life.bot() as app:
        await life.until(lambda: any("and archived" in text for text in life.world.answers(life.room)))
        assert await app.store.archive.count(life.room) == 450
        assert sum("and archived" in text for text in life.world.answers(life.room)) == 1
