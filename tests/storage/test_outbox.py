"""The outbox remembers what was begun until it is finished."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.actions import Ban, Delete, Post, Receipt, Reply, StreamedReply
from bot.core.errors import StorageError
from bot.core.events import Channel, Edit
from bot.storage.outbox import NewOutboxRow, OutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import ALICE, CHANNEL, message
from tests.storage.house import PLATFORM, Clock, Place

QUESTION = message("what?", to_us=True)
THREAD = Channel(PLATFORM, "home", "general", "thread")


async def _open(store: Store, *rows: NewOutboxRow) -> None:
    await store.settle(Settlement(opened=rows))


async def _only(store: Store) -> OutboxRow:
    (row,) = await store.outbox.unfinished(PLATFORM)
    return row


async def test_a_row_is_open_until_it_is_finished(store: Store, clock: Clock) -> None:
    await _open(store, NewOutboxRow("k", CHANNEL, event=QUESTION))
    assert await _only(store) == OutboxRow("k", CHANNEL, QUESTION, None, Receipt(), clock(), 0)
    await store.settle(Settlement(finished=("k",)))
    assert await store.outbox.unfinished(PLATFORM) == ()


async def test_a_key_is_opened_once_even_after_it_is_finished(store: Store) -> None:
    row = NewOutboxRow("k", CHANNEL, event=QUESTION)
    await _open(store, row)
    await _open(store, row)
    assert (await _only(store)).key == "k"
    await store.settle(Settlement(finished=("k",)))
    await _open(store, row)
    assert await store.outbox.unfinished(PLATFORM) == ()


@pytest.mark.parametrize(
    "receipt",
    [
        Receipt(),
        Receipt(("1", "2")),
        Receipt(("1",), THREAD),
        Receipt((), THREAD),
        Receipt(("\ud800",), replace(THREAD, private=True)),
    ],
)
async def test_a_receipt_survives_a_restart_with_its_channel(
    place: Place, clock: Clock, receipt: Receipt
) -> None:
    store = await place.open(clock)
    await _open(store, NewOutboxRow("k", CHANNEL, event=QUESTION))
    await store.outbox.report("k", receipt)
    await store.close()
    store = await place.open(clock)
    assert (await _only(store)).receipt == receipt
    await store.close()


async def test_attempts_are_counted(store: Store) -> None:
    await _open(store, NewOutboxRow("k", CHANNEL, action=Post(CHANNEL, "news")))
    assert [await store.outbox.attempt("k") for _ in range(2)] == [1, 2]
    assert (await _only(store)).attempts == 2
    assert await store.outbox.attempt("unknown") == 0


async def test_rows_come_back_oldest_first_for_their_platform(store: Store) -> None:
    elsewhere = Channel("elsewhere", "home", "general")
    await _open(store, NewOutboxRow("b", CHANNEL, event=QUESTION), NewOutboxRow("x", elsewhere))
    await _open(store, NewOutboxRow("a", CHANNEL, action=Delete(QUESTION.ref, "spam")))
    assert [row.key for row in await store.outbox.unfinished(PLATFORM)] == ["b", "a"]


async def test_a_deleted_question_drops_its_answers_and_tells_which_messages_have_to_go(store: Store) -> None:
    edited = Edit(replace(QUESTION, text="what now?"), "2")
    await _open(
        store,
        NewOutboxRow("answer", CHANNEL, event=QUESTION),
        NewOutboxRow("again", CHANNEL, event=edited),
        NewOutboxRow("reply", CHANNEL, action=Reply(QUESTION.ref, ALICE, "that")),
        NewOutboxRow("ban", CHANNEL, action=Ban(CHANNEL, ALICE, "spam")),
        NewOutboxRow("delete", CHANNEL, action=Delete(QUESTION.ref, "spam")),
        NewOutboxRow("other", CHANNEL, event=message("else", id="2")),
    )
    await store.outbox.report("answer", Receipt(("9",), THREAD))
    dropped = await store.outbox.forget_event(QUESTION.ref)
    assert [row.key for row in dropped] == ["answer", "again", "reply"]
    assert dropped[0].receipt == Receipt(("9",), THREAD)
    assert [row.key for row in await store.outbox.unfinished(PLATFORM)] == ["ban", "delete", "other"]
    assert await store.outbox.forget_event(QUESTION.ref) == ()


async def test_a_key_that_no_platform_could_take_is_refused(store: Store) -> None:
    with pytest.raises(StorageError, match="25 characters"):
        await _open(store, NewOutboxRow("k" * 26, CHANNEL, event=QUESTION))


async def test_a_stream_cannot_be_stored(store: Store) -> None:
    async def chunks() -> AsyncIterator[str]:
        yield "word"

    with pytest.raises(StorageError, match="stream"):
        await _open(store, NewOutboxRow("k", CHANNEL, action=StreamedReply(QUESTION.ref, ALICE, chunks())))
    assert await store.outbox.unfinished(PLATFORM) == ()
