"""Files of archived messages are found as they stand now, by whoever may read them; by the whole bot."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.app import App
from bot.core.errors import Gone, PlatformError
from bot.core.events import Attachment
from bot.knowledge import attached
from bot.knowledge.attached import FIRST_PAUSE, LIMITS, TRIES, is_text, shown_name, told_type
from bot.knowledge.extracting import Extracted, Limits
from bot.storage.passages import Bounds
from bot.storage.store import Store
from tests.knowledge.conftest import Topics
from tests.knowledge.pdf import pdf, shown
from tests.knowledge.test_archiving import TOWN, archiving, found, until, until_found, until_passages
from tests.living import Life

JETTY = "The jetty is painted in May. Nobody may walk on it for two days."
PLAN = ("jetty_plan.md", JETTY.encode())


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


async def until_read(store: Store, count: int = 1) -> None:
    """Wait until there are so many files, and all that will ever be known of them is found."""
    attachments = store.archive.attachments

    async def holds() -> bool:
        if await attachments.due(datetime.max.replace(tzinfo=UTC), 1) or await attachments.changed(1):
            return False
        found = await store.passages.newest(TOWN, None, 100, Bounds(files=True))
        return len({passage.document for passage in found}) == count

    await until(holds)


def later(app: App, life: Life, **age: float) -> None:
    """Time passes, and whoever waits for it looks at the clock."""
    life.clock.shift += timedelta(**age)
    app.store.archive.attachments.news.set()


async def test_a_file_is_found_by_its_name_its_text_its_author_and_its_time(life: Life) -> None:
    anna, ben = life.person("anna"), life.person("ben")
    async with archiving(life) as app:
        said = life.world.say(anna, life.room, "", files=[PLAN])
        life.world.say(ben, life.room, "the jetty is fine")
        await until_found(app.store, "jetty", JETTY, "the jetty is fine")
        await until_found(app.store, "plan", JETTY)
        who = app.store.seal.pseudonym(anna.identity)
        passages = app.store.passages
        (passage,) = await passages.newest(TOWN, None, 10, Bounds(author=who))
        assert (passage.title, passage.text, passage.channel) == ("jetty_plan.md", JETTY, life.room.key)
        assert passage.link == f"memory://{life.room.key}/{said.ref.id}"
        assert passage.at == said.at
        assert await passages.newest(TOWN, None, 10, Bounds(files=True)) == [passage]
        assert await found(app.store, "jetty", {"memory/town/other", ""}) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"the lantern hangs above the door"),
        ("lamp.py", b"def lantern():\n    return 'on'\n"),
        ("lamp.pdf", pdf(shown("The lantern is lit at nine."))),
        ("灯.md", "lantern 灯笼挂在门上".encode()),
        ("page.html", b"<html><body><p>The lantern of the harbor</p></body></html>"),
    ],
)
async def test_text_code_pages_and_pdf_are_read(life: Life, name: str, content: bytes) -> None:
    async with archiving(life) as app:
        life.world.say(life.person("anna"), life.room, "look", files=[(name, content)])
        await until_read(app.store)
        (text,) = await found(app.store, "lantern")
        assert "lantern" in text


@pytest.mark.parametrize(
    ("name", "content", "is_fetched"),
    [
        ("lantern.png", b"\x89PNG\r\n", False),
        ("lantern.txt", b"\0\1\2", True),
        ("lantern.pdf", b"%PDF-1.4 broken", True),
        ("lantern.txt", b"", True),
        ("lantern.txt", b"x" * (LIMITS.bytes + 1), False),
    ],
)
async def test_what_has_no_text_is_found_by_its_name_alone(
    life: Life, name: str, content: bytes, is_fetched: bool
) -> None:
    async with archiving(life) as app:
        life.world.say(life.person("anna"), life.room, "look", files=[(name, content)])
        await until_read(app.store)
        assert await found(app.store, "lantern") == [name]
        assert life.world.fetched == ([name] if is_fetched else [])


async def test_a_line_of_code_is_no_heading(life: Life) -> None:
    code = b"# the lantern\nlight = 1\n# is lit\n"
    async with archiving(life) as app:
        life.world.say(
            life.person("anna"), life.room, "", files=[("a.py", code), ("a.md", b"# Lantern\nIt is lit.")]
        )
        await until_read(app.store, 2)
        assert await found(app.store, "lantern") == ["# the lantern\nlight = 1\n# is lit", "It is lit."]


async def test_a_file_goes_with_its_message_and_with_a_version_that_has_it_no_more(life: Life) -> None:
    anna = life.person("anna")
    async with archiving(life) as app:
        first = life.world.say(anna, life.room, "one", files=[PLAN])
        second = life.world.say(anna, life.room, "two", files=[PLAN, ("lamp.txt", b"a lantern of brass")])
        await until_found(app.store, "jetty", JETTY, JETTY)
        await until_read(app.store, 3)
        life.world.delete(first.ref)
        await until_found(app.store, "jetty", JETTY)
        life.world.edit(second, "two, without the plan", second.attachments[1:])
        await until_found(app.store, "jetty")
        await until_found(app.store, "plan", "two, without the plan")
        await until_found(app.store, "lantern", "a lantern of brass")
        assert life.world.fetched.count("lamp.txt") == 1, "what an edit leaves as it was is not read again"


async def test_a_file_that_is_deleted_while_it_is_read_is_never_found(life: Life) -> None:
    async with archiving(life) as app:
        life.world.faults.slow_s = 0.2
        said = life.world.say(life.person("anna"), life.room, "one", files=[PLAN])
        await until_found(app.store, "plan", "jetty_plan.md")
        life.world.delete(said.ref)
        await until_found(app.store, "plan")
        life.world.faults.slow_s = 0.0
        life.world.say(life.person("anna"), life.room, "", files=[("lamp.txt", b"a lantern of brass")])
        await until_found(app.store, "lantern", "a lantern of brass")  # so the first one was read by now
        assert await found(app.store, "jetty") == []


async def test_forgetting_and_opting_out_reach_files(life: Life) -> None:
    anna, ben = life.person("anna"), life.person("ben")
    async with archiving(life) as app:
        for who in (anna, ben):
            life.world.say(who, life.room, "", files=[PLAN])
        await until_found(app.store, "jetty", JETTY, JETTY)
        kept = (await app.store.privacy.export(anna.identity))["kept"]
        assert isinstance(kept, dict)
        (row,) = kept["attachments"]
        assert (row["payload"]["name"], row["body"]) == (PLAN[0], JETTY)
        await app.store.privacy.forget(anna.identity)
        assert await found(app.store, "jetty") == [JETTY]
        await app.store.privacy.opt_out(ben.identity)
        assert await found(app.store, "jetty") == []
        assert await app.store.archive.attachments.changed(10) == []
        life.world.say(ben, life.room, "", files=[PLAN])
        life.world.say(anna, life.room, "", files=[("lamp.txt", b"a lantern of brass")])
        await until_found(app.store, "lantern", "a lantern of brass")
        assert await found(app.store, "jetty") == []


async def test_files_end_with_the_archive_of_their_channel_and_with_its_days(life: Life) -> None:
    anna = life.person("anna")
    async with archiving(life) as app:
        life.world.say(anna, life.room, "", files=[PLAN])
        await until_found(app.store, "jetty", JETTY)
        await app.store.privacy.purge(datetime.now(UTC) + timedelta(days=366), 24)
        assert await found(app.store, "jetty") == []
        assert "attachments" not in await app.store.privacy.show(anna.identity)
        life.world.say(anna, life.room, "", files=[PLAN])
        await until_found(app.store, "jetty", JETTY)
        assert await app.store.archive.drop(lambda channel: False) == 1
        assert await found(app.store, "jetty") == []
        assert "attachments" not in await app.store.privacy.show(anna.identity)


async def test_what_cannot_be_fetched_is_tried_again_a_few_times_and_stays_found_by_name(life: Life) -> None:
    async with archiving(life) as app:
        life.world.faults.refuse_files = [PlatformError("down")] * (TRIES + 1)
        life.world.say(life.person("anna"), life.room, "", files=[PLAN])
        for count in range(1, TRIES + 1):
            await until_fetched(life, count)
            later(app, life, minutes=(FIRST_PAUSE * 4**count).total_seconds() / 60)
        await until_read(app.store)
        assert len(life.world.fetched) == TRIES
        assert await found(app.store, "plan") == [PLAN[0]]
        life.world.faults.refuse_files = [PlatformError("down")]
        life.world.say(life.person("anna"), life.room, "", files=[("lamp.txt", b"a lantern of brass")])
        await until_fetched(life, TRIES + 1)
        later(app, life, minutes=2)
        await until_found(app.store, "lantern", "a lantern of brass")


async def until_fetched(life: Life, count: int) -> None:
    await until_true(lambda: len(life.world.fetched) >= count)


async def until_true(holds: Callable[[], bool]) -> None:
    async def holds_now() -> bool:
        return holds()

    await until(holds_now)


async def test_an_address_that_is_over_is_asked_for_again(life: Life) -> None:
    async with archiving(life) as app:
        life.world.faults.refuse_files = [Gone("its address is over")]
        said = life.world.say(life.person("anna"), life.room, "", files=[PLAN])
        signed = replace(said.attachments[0], url="memory://files/signed")
        life.world.files[signed.url] = PLAN[1]
        life.world.messages[said.ref].message = replace(said, attachments=(signed,))
        await until_found(app.store, "jetty", JETTY)


async def test_a_process_that_is_killed_while_it_reads_goes_on_at_its_next_start(life: Life) -> None:
    async with archiving(life):
        life.world.faults.slow_s = 60.0
        life.world.say(life.person("anna"), life.room, "", files=[PLAN])
        async with life.store() as store:
            await until_found(store, "plan", PLAN[0])
    assert life.world.fetched == []
    life.world.faults.slow_s = 0.0
    life.clock.shift += FIRST_PAUSE
    async with life.bot() as app:
        await until_found(app.store, "jetty", JETTY)


async def test_a_file_that_ends_whoever_reads_it_is_given_up_and_stops_no_other(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of a reader, as a process that is killed by what it reads would be."""
    read: list[str] = []

    async def reads(content: bytes, name: str, media_type: str, limits: Limits) -> Extracted:
        read.append(name)
        if name == "bad.txt":
            raise ZeroDivisionError
        return Extracted("", content.decode())

    def tried(times: int) -> bool:
        return read.count("bad.txt") >= times

    monkeypatch.setattr(attached, "extract", reads)
    async with archiving(life) as app:
        life.world.say(
            life.person("anna"), life.room, "", files=[("bad.txt", b"bad"), ("lamp.txt", b"a lantern")]
        )
        await until_found(app.store, "lantern", "a lantern")
        for count in range(1, TRIES + 1):
            await until_true(partial(tried, count))
            later(app, life, minutes=(FIRST_PAUSE * 4**count).total_seconds() / 60)
        await until_read(app.store, 2)
        assert read.count("bad.txt") == TRIES
        assert await found(app.store, "bad") == ["bad.txt"]


async def test_reading_files_keeps_nobody_waiting(life: Life) -> None:
    """One file is read at a time; messages meanwhile are archived, and questions answered."""
    async with archiving(life) as app:
        life.world.faults.slow_s = 60.0
        for n in range(3):
            life.world.say(life.person("anna"), life.room, "", files=[(f"plan{n}.txt", b"a lantern")])
        await until_passages(app.store, 3)
        life.world.faults.slow_s = 0.0
        life.world.say(life.person("ben"), life.room, "the umbrella is red")
        await until_found(app.store, "umbrella", "the umbrella is red")
        life.world.say(life.person("ben"), life.room, "@llmos hello")
        await life.answers(1)
        assert life.world.fetched == []


async def test_the_past_of_a_channel_brings_its_files_and_an_edit_meanwhile_counts(life: Life) -> None:
    anna, mia = life.person("anna"), life.world.member("mia")
    life.world.say(anna, life.room, "", files=[PLAN])
    second = life.world.say(anna, life.room, "two", files=[PLAN])
    async with archiving(life) as app:
        archive = app.store.archive
        with archive.reading():
            life.world.edit(second, "two, without", ())
            life.world.say(mia, life.room, "the umbrella is red")
            await until_found(app.store, "umbrella", "the umbrella is red")
            read = [each.message for each in life.world.shown(life.room)]
            old = [*read[:1], second]
            assert await archive.add(old, life.room, "so far") == 2
        await until_found(app.store, "jetty", JETTY)


async def test_a_long_file_gets_its_meanings_when_it_is_read(tmp_path: Path) -> None:
    """Words are found at once, meanings when nobody waits, a few passages at a time."""
    life = Life(tmp_path)
    text = "\n\n".join(f"Paragraph {n} tells of the jetty. " + "It is long. " * 30 for n in range(30))
    async with archiving(life) as app:
        app._index.embedder = Topics()
        life.world.say(life.person("anna"), life.room, "", files=[("long.txt", text.encode())])
        await until_read(app.store)

        async def all_have_one() -> bool:
            count = len(await app.store.passages.known())
            return count > 8 and len(await app.store.passages.vectors(0, 1000)) == count

        await until(all_have_one)
        await app._index.refresh()
        assert len(app._index) == len(await app.store.passages.known())


def test_what_has_words_is_known_by_name_or_type() -> None:
    def file(name: str, kind: str = "application/octet-stream") -> Attachment:
        return Attachment("1", name, kind, 1, "")

    texts = ["a.md", "A.PDF", "main.rs", "x.yaml", "a.HTML", "b.jsonl"]
    assert all(is_text(file(name)) for name in texts)
    assert is_text(file("Dockerfile", "text/plain; charset=utf-8"))
    assert is_text(file("data", "application/json"))
    assert not any(is_text(file(name)) for name in ["a.png", "pdf", "a.pdf.exe", "a.zip", "md"])
    assert told_type(file("a.pdf")) == ""
    assert told_type(file("a.md", "text/markdown")) == "text/markdown"
    assert shown_name(file("a_b-c (1).md")) == "a_b-c (1).md"
    assert shown_name(file("报告（终稿）.pdf")) == "报告（终稿）.pdf"
    assert shown_name(file('[x](https://evil.example)\n@all <b>".md')) == "x (https evil.example) all b .md"
    assert shown_name(file("```")) == "…"
