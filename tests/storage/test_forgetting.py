"""What was forgotten is gone from every byte of every file, not only from the answers to queries.

Bodies are sealed, so the plain text is never in a file at all; a test that searched only for it could not
fail. So the sealed bytes and the pseudonym are searched too, and are shown to be there before.
"""

import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.events import Attachment, Author
from bot.storage.backup import backup_database
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import BOB, CHANNEL, EPOCH, message
from tests.storage.house import PLATFORM, Clock, Place, fill, hear, numbered

CANARY = "canary-4b1d3f-the-umbrella-is-behind-the-door"
MEMBER = Author(PLATFORM, "canary-id-90210", "Canary Name")
_BODIES = "SELECT body FROM messages WHERE author = ? OR about = ?"
_PAYLOADS = "SELECT payload FROM {table} WHERE author = ?"


async def _live(store: Store) -> None:
    """A life with a member among others: enough rows for several levels of pages, edits and deletions."""
    await hear(store, *(replace(heard, author=BOB) for heard in numbered(300)))
    for n in range(60):
        question = message(
            f"{CANARY} {n}", id=f"c{n}", author=MEMBER, at=EPOCH + timedelta(seconds=n), to_us=True
        )
        await fill(store, question, f"you said {CANARY} {n}")
        await store.settle(Settlement(finished=(f"dc{n}",)))
    refs = [message("", id=f"c{n}").ref for n in range(60)]
    await store.settle(
        Settlement(edited=tuple((ref, f"edited {CANARY}") for ref in refs[:10]), removed=tuple(refs[10:20]))
    )
    await _send_files(store)
    await hear(store, *(replace(heard, author=BOB) for heard in numbered(300, first=300)))


async def _send_files(store: Store) -> None:
    """Files in an archived channel, whose texts were read."""
    files = tuple(
        Attachment(f"f{n}", f"{CANARY}.txt", "text/plain", 1, "https://files.example/1") for n in range(10)
    )
    sent = message("", id="files", author=MEMBER, at=EPOCH)
    await store.settle(Settlement(archived=(replace(sent, attachments=files),)))
    for file in await store.archive.attachments.due(EPOCH, 10):
        assert await store.archive.attachments.read(file, f"{CANARY} in a file")


def _sealed(place: Place, who: str) -> list[bytes]:
    """A piece of every sealed value that is stored about a person."""
    with closing(sqlite3.connect(place.file)) as connection:
        values = connection.execute(_BODIES, (who, who)).fetchall()
        values += connection.execute("SELECT body FROM appeals WHERE author = ?", (who,)).fetchall()
        values += connection.execute("SELECT body FROM attachments WHERE author = ?", (who,)).fetchall()
        for table in ("inbox", "outbox", "cases", "attachments"):
            values += connection.execute(_PAYLOADS.format(table=table), (who,)).fetchall()
    return [value[1:29] for (value,) in values if value is not None]


def _found(where: bytes, needles: list[bytes]) -> int:
    return sum(needle in where for needle in needles)


def _plain() -> list[bytes]:
    return [text.encode(code) for text in (CANARY, MEMBER.id, MEMBER.name) for code in ("utf-8", "utf-16-le")]


async def test_a_forgotten_canary_is_in_no_byte_of_any_file_or_log(
    place: Place,
    clock: Clock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG, logger="bot")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    store = await place.open(clock)
    await _live(store)
    clock.forward(hours=1)
    who = store.seal.pseudonym(MEMBER.identity)
    sealed = _sealed(place, who)
    assert len(sealed) > 200
    assert _found(place.bytes(), sealed) == len(sealed)
    assert who.encode() in place.bytes()

    for number in range(1, 121):  # what counts against a member outlives forgetting, under a pseudonym
        await store.strikes.cancel("memory/home", MEMBER.identity, number)
    await store.privacy.forget(MEMBER.identity)
    backup_database(place.file, place.folder / "backup.db")
    for moment in ("while the bot runs", "after it stopped"):
        everything = place.bytes() + b"".join(file.read_bytes() for file in temporary.iterdir())
        assert _found(everything, sealed) == 0, moment
        assert who.encode() not in everything, moment
        assert _found(everything, _plain()) == 0, moment
        if moment == "while the bot runs":
            assert {file.name for file in place.folder.iterdir()} >= {"llmos.db-wal", "llmos.db-shm"}
            await store.close()
    for needle in (CANARY, MEMBER.id, MEMBER.name, who):
        assert needle not in caplog.text
    journal = place.journal.read_bytes()
    assert _found(journal, _plain()) == 0
    assert who.encode() in journal  # a pseudonym and a time remain, so that no backup brings them back


async def test_no_plain_text_is_in_any_file_even_before(store: Store, place: Place) -> None:
    await _live(store)
    assert _found(place.bytes(), _plain()) == 0


async def test_others_lose_nothing(store: Store, clock: Clock) -> None:
    await _live(store)
    clock.forward(hours=1)
    await store.privacy.forget(MEMBER.identity)
    found = await store.messages.before(CHANNEL, EPOCH + timedelta(days=1), 1000)
    assert [known.text for known in found] == [heard.text for heard in numbered(600)]


async def test_what_retention_removed_is_in_no_byte_either(store: Store, place: Place, clock: Clock) -> None:
    await _live(store)
    who = store.seal.pseudonym(MEMBER.identity)
    sealed = _sealed(place, who)
    assert _found(place.bytes(), sealed) == len(sealed)
    await store.privacy.purge(clock() + timedelta(days=400), context_hours=24)
    assert _found(place.bytes(), sealed) == 0
    assert who.encode() not in place.bytes()
    assert await store.privacy.show(MEMBER.identity) == {}
