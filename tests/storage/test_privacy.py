"""Every table declares what it holds about people; they can see it, take it along, and end it."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select

from bot.core.errors import StorageError
from bot.core.events import Author, Channel
from bot.storage.backup import backup_database
from bot.storage.journal import Entry, Journal, Wish
from bot.storage.personal import DECLARATIONS, Declaration, Impersonal, Keep, personal
from bot.storage.schema import metadata
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import ALICE, BOB, CHANNEL, EPOCH, message
from tests.storage.house import PLATFORM, Clock, Place, fill, hear, said

QUESTION = message("where is my umbrella?", id="1", to_us=True)
ANSWER = "behind the door"
EVERYWHERE = {
    "messages": 2,
    "inbox": 1,
    "outbox": 3,
    "usage": 1,
    "audit": 2,
    "ratings": 1,
    "rulebooks": 1,
    "digests": 1,
    "cases": 2,
    "strikes": 1,
    "appeals": 1,
    "archive": 1,
    "passages": 1,
    "threads": 1,
    "interactions": 2,
}
"""What `fill` leaves about a person."""


def undeclared(tables: MetaData) -> set[str]:
    """Tables for which nobody says what becomes of the people in them."""
    declared = {entry.table.name for entry in DECLARATIONS}
    return {table.name for table in tables.tables.values()} - declared


def without_end(table: str) -> bool:
    """Whether rows of a table that holds people never expire, without a reason."""
    entries = [entry for entry in personal() if entry.table.name == table]
    return bool(entries) and not any(entry.expiries or entry.kept_because for entry in entries)


def test_every_table_declares_export_erasure_and_retention() -> None:
    assert undeclared(metadata) == set()
    for entry in DECLARATIONS:
        match entry:
            case Impersonal():
                assert entry.because
            case Declaration():
                assert not without_end(entry.table.name)
                assert entry.erase != "keep" or entry.kept_because


def test_a_table_that_declares_nothing_is_found() -> None:
    more = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(more)
    Table("diary", more, Column("seq", Integer, primary_key=True))
    assert undeclared(more) == {"diary"}


def test_a_column_that_could_name_a_person_is_in_a_table_that_declares_people() -> None:
    telling = {"author", "about", "actor", "subject", "pseudonym", "member"}
    people = {entry.table.name for entry in personal()}
    for table in metadata.tables.values():
        if telling & set(table.columns.keys()):
            assert table.name in people
    named = {
        f"{entry.table.name}.{column.name}"
        for entry in personal()
        for column in entry.table.columns
        if column.name in telling
        and f"{entry.table.name}.{column.name}" in str(select(entry.table).where(entry.mine("x")))
    }
    assert named == {
        "inbox.author",
        "outbox.author",
        "messages.author",
        "messages.about",
        "audit.actor",
        "audit.subject",
        "ratings.author",
        "passages.author",
        "archive.author",
        "attachments.author",
        "optouts.pseudonym",
        "rulebooks.actor",
        "topics.actor",
        "digests.actor",
        "digests.member",
        "cases.author",
        "cases.actor",
        "strikes.author",
        "appeals.author",
        "appeals.actor",
        "threads.author",
        "interactions.member",
        "hints.author",
        "unanswered.author",
        "helpers.member",
        "examples.author",
    }


@pytest.mark.parametrize("entry", personal(), ids=lambda entry: entry.table.name)
def test_retention_only_ever_selects_rows_by_their_age(entry: Declaration) -> None:
    for expiry in entry.expiries:
        assert "<" in str(expiry.rows(EPOCH, Keep(24)))


async def test_nothing_is_stored_about_a_stranger(store: Store) -> None:
    await fill(store, QUESTION, ANSWER)
    assert await store.privacy.show(BOB.identity) == {}
    assert (await store.privacy.export(BOB.identity))["kept"] == {}


async def test_show_counts_what_is_stored_in_every_table(store: Store) -> None:
    await fill(store, QUESTION, ANSWER)
    assert await store.privacy.show(ALICE.identity) == EVERYWHERE


async def test_an_export_holds_everything_with_bodies_opened_and_fits_json(
    store: Store, clock: Clock
) -> None:
    await fill(store, QUESTION, ANSWER)
    found = json.loads(json.dumps(await store.privacy.export(ALICE.identity)))
    assert (found["platform"], found["user"], found["opted_out"]) == (*ALICE.identity, False)
    assert found["exported_at"] == clock().isoformat()
    kept = found["kept"]
    assert {table: len(rows) for table, rows in kept.items()} == EVERYWHERE
    assert [row["body"] for row in kept["messages"]] == [QUESTION.text, ANSWER]
    assert kept["inbox"][0]["payload"][1]["text"] == QUESTION.text
    assert [row["payload"][1] is None for row in kept["outbox"]] == [False, True, True]
    assert (kept["usage"][0]["requests"], kept["usage"][0]["tokens"]) == (1, 10)
    assert {row["verb"] for row in kept["audit"]} == {"stop", "warn"}
    assert QUESTION.text in [row["payload"]["text"] for row in kept["cases"]]
    assert kept["appeals"][0]["body"]["text"] == QUESTION.text


async def test_an_export_of_strange_text_fits_json(store: Store) -> None:
    strange = replace(QUESTION, text="\ud800 \0", addressed=None)
    await fill(store, strange, ANSWER)
    found = json.loads(json.dumps(await store.privacy.export(ALICE.identity)))
    assert found["kept"]["messages"][0]["body"] == "\ud800 \0"


async def test_forgetting_erases_all_but_strikes_and_a_moderation_action_under_way(
    store: Store, place: Place
) -> None:
    await fill(store, QUESTION, ANSWER)
    await fill(store, replace(QUESTION, author=BOB, ref=replace(QUESTION.ref, id="2")), "under the bed")
    assert await store.privacy.forget(ALICE.identity) == sum(EVERYWHERE.values()) - 2
    assert await store.privacy.show(ALICE.identity) == {"outbox": 1, "strikes": 1}
    assert place.ask("SELECT author, payload, state FROM cases ORDER BY number LIMIT 1") == [
        ("forgotten", None, "done")
    ]
    assert place.ask("SELECT author, body FROM appeals ORDER BY case_number LIMIT 1") == [("forgotten", None)]
    assert await store.privacy.show(BOB.identity) == EVERYWHERE
    assert await store.inbox.pending(PLATFORM) == (
        replace(QUESTION, author=BOB, ref=replace(QUESTION.ref, id="2")),
    )
    assert place.ask("SELECT actor, detail, subject FROM audit ORDER BY seq LIMIT 2") == [
        ("forgotten", "", ""),
        ("bot", "", "forgotten"),
    ]


async def test_after_forgetting_the_bot_still_knows_which_messages_are_its_own(store: Store) -> None:
    await fill(store, QUESTION, ANSWER)
    await store.privacy.forget(ALICE.identity)
    assert store.messages.is_ours(CHANNEL, "answer to 1")
    assert await store.messages.before(CHANNEL, EPOCH + timedelta(days=1), 9) == []


async def test_a_forgotten_event_is_not_taken_again(store: Store) -> None:
    await fill(store, QUESTION, ANSWER)
    await store.privacy.forget(ALICE.identity)
    assert await store.inbox.take(PLATFORM, [QUESTION], {}) == ()


async def test_who_was_forgotten_is_kept_again_from_then_on_and_not_from_before(
    store: Store, clock: Clock
) -> None:
    clock.forward(hours=1)
    await store.privacy.forget(ALICE.identity)
    before = message("before", id="8", at=clock() - timedelta(minutes=5))
    after = message("after", id="9", at=clock() + timedelta(minutes=5))
    await hear(store, before, after)
    assert await store.messages.get(before.ref) is None
    assert await store.messages.get(after.ref) is not None


async def test_an_answer_that_is_finished_after_its_asker_was_forgotten_is_not_kept(
    store: Store, clock: Clock
) -> None:
    await hear(store, QUESTION)
    clock.forward(minutes=1)
    await store.privacy.forget(ALICE.identity)
    clock.forward(minutes=1)
    late = replace(said(QUESTION, ANSWER, at=clock()), asked_at=QUESTION.at)
    await store.settle(Settlement(said=(late,), outcomes=((QUESTION.ref, "answered"),)))
    assert store.messages.is_ours(CHANNEL, "said")
    assert await store.privacy.show(ALICE.identity) == {}
    assert await store.messages.get(late.ref) is None


async def test_who_opted_out_is_not_kept_and_others_are(store: Store) -> None:
    await store.privacy.opt_out(ALICE.identity)
    theirs = message("hello", id="2", author=BOB)
    await hear(store, QUESTION, theirs)
    await store.settle(Settlement(said=(said(QUESTION, ANSWER),)))
    assert await store.messages.get(QUESTION.ref) is None
    assert await store.messages.get(theirs.ref) is not None
    assert await store.messages.get(said(QUESTION, "").ref) is None
    assert await store.privacy.show(ALICE.identity) == {"optouts": 1}


async def test_opting_in_again_keeps_what_is_said_from_then_on(store: Store) -> None:
    await store.privacy.opt_out(ALICE.identity)
    await store.privacy.opt_in(ALICE.identity)
    await hear(store, QUESTION)
    assert not store.privacy.opted_out(ALICE.identity)
    assert await store.privacy.show(ALICE.identity) == {"messages": 1}


async def test_forgetting_does_not_end_an_opt_out(store: Store) -> None:
    await store.privacy.opt_out(ALICE.identity)
    await store.privacy.forget(ALICE.identity)
    assert store.privacy.opted_out(ALICE.identity)


async def test_wishes_survive_a_restart_and_the_loss_of_the_database(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    clock.forward(hours=1)
    await store.privacy.opt_out(BOB.identity)
    await store.privacy.forget(ALICE.identity)
    await store.close()
    for lost in (False, True):
        if lost:
            place.file.unlink()
        store = await place.open(clock)
        await hear(store, QUESTION)
        assert await store.messages.get(QUESTION.ref) is None
        assert store.privacy.opted_out(BOB.identity)
        await store.close()


async def test_a_wish_that_was_noted_and_not_carried_out_is_carried_out_at_the_next_start(
    place: Place, clock: Clock
) -> None:
    store = await place.open(clock)
    await fill(store, QUESTION, ANSWER)
    before = place.file.with_name("before.db")
    place.ask(f"VACUUM INTO '{before}'")
    clock.forward(minutes=1)
    await store.privacy.forget(ALICE.identity)  # as if killed between the journal and the database
    await store.close()
    before.replace(place.file)
    store = await place.open(clock)
    assert await store.privacy.show(ALICE.identity) == {"outbox": 1, "strikes": 1}
    await store.close()


async def test_what_a_killed_command_had_noted_is_done_at_the_next_start_whatever_came_after(
    place: Place, clock: Clock
) -> None:
    store = await place.open(clock)
    await fill(store, QUESTION, ANSWER)
    clock.forward(minutes=1)
    killed = Entry(Wish.FORGET, store.seal.pseudonym(ALICE.identity), clock())
    Journal(place.journal).append(killed)
    await store.privacy.opt_out(BOB.identity)
    await store.privacy.forget(BOB.identity)
    await store.close()
    store = await place.open(clock)
    assert await store.privacy.show(ALICE.identity) == {"outbox": 1, "strikes": 1}
    await store.close()


async def test_a_backup_learns_of_every_wish_in_the_order_of_the_wishes(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await store.privacy.opt_out(ALICE.identity)
    await store.privacy.opt_out(BOB.identity)
    await store.privacy.opt_in(ALICE.identity)
    await store.close()
    backup.replace(place.file)
    store = await place.open(clock)
    assert [store.privacy.opted_out(person.identity) for person in (ALICE, BOB)] == [False, True]
    await store.close()


async def test_wishes_that_are_carried_out_are_not_carried_out_again_at_each_start(
    place: Place, clock: Clock
) -> None:
    store = await place.open(clock)
    await store.privacy.opt_out(BOB.identity)
    await store.privacy.opt_in(BOB.identity)
    await store.privacy.forget(ALICE.identity)
    await store.close()
    assert place.ask("SELECT value FROM meta WHERE name = 'journal_obeyed'") == [(b"3",)]


async def test_what_the_operators_command_erases_a_running_bot_forgets_too(
    place: Place, clock: Clock
) -> None:
    running, command = await place.open(clock), await place.open(clock)
    await hear(running, QUESTION)
    clock.forward(minutes=1)
    assert await command.privacy.forget(ALICE.identity) == 1
    await command.close()
    await running.privacy.purge(clock(), context_hours=24)
    await hear(running, QUESTION)
    assert await running.messages.get(QUESTION.ref) is None
    await running.close()


async def test_wishes_at_the_same_time_all_count(store: Store, place: Place) -> None:
    crowd = [Author(PLATFORM, f"member {n}", "x").identity for n in range(30)]
    async with asyncio.TaskGroup() as tasks:
        for person in crowd:
            tasks.create_task(store.privacy.opt_out(person))
            tasks.create_task(store.privacy.load())
    assert all(map(store.privacy.opted_out, crowd))
    assert place.count("optouts") == len(place.journal.read_text().splitlines()) == len(crowd)


async def test_when_the_journal_cannot_be_written_nothing_is_called_done(store: Store, place: Place) -> None:
    await hear(store, QUESTION)
    place.journal.mkdir()
    with pytest.raises(StorageError, match="Nothing was changed"):
        await store.privacy.forget(ALICE.identity)
    with pytest.raises(StorageError, match="Nothing was changed"):
        await store.privacy.opt_out(ALICE.identity)
    assert await store.privacy.show(ALICE.identity) == {"messages": 1}
    assert not store.privacy.opted_out(ALICE.identity)
    place.journal.rmdir()


async def test_the_same_id_on_another_platform_is_another_person(store: Store) -> None:
    elsewhere = Author("elsewhere", ALICE.id, ALICE.name)
    await hear(store, message("x", author=elsewhere, channel=Channel("elsewhere", "home", "general")))
    assert await store.privacy.forget(ALICE.identity) == 0
    assert await store.privacy.show(elsewhere.identity) == {"messages": 1}
