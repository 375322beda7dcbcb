"""Backups are whole, restores are careful, and neither brings back the forgotten."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.errors import StorageError
from bot.storage.backup import COPY_DAYS, backup_database, expire_copies
from bot.storage.migrating import migrate_sqlite
from bot.storage.restoring import restore_database
from bot.storage.seal import Seal
from tests.messages import ALICE, BOB, CHANNEL, EPOCH, message
from tests.storage.house import Clock, Place, fill, hear, numbered


async def _texts(place: Place, clock: Clock) -> list[str]:
    store = await place.open(clock)
    found = await store.messages.before(CHANNEL, EPOCH + timedelta(days=9), 1000)
    await store.close()
    return [known.text for known in found]


def _names(place: Place) -> set[str]:
    return {path.name for path in place.folder.iterdir()}


async def test_a_backup_holds_everything_up_to_now_and_is_one_file(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await hear(store, *numbered(50))
    backup = place.folder.parent / "backup.db"
    assert backup_database(place.file, backup) == backup.stat().st_size
    assert backup.stat().st_mode & 0o777 == 0o600
    await hear(store, *numbered(50, first=50))
    await store.close()
    assert {path.name for path in backup.parent.iterdir()} == {"backup.db", "data"}
    restore_database(backup, place.file, place.key, clock())
    assert await _texts(place, clock) == [heard.text for heard in numbered(50)]


async def test_a_backup_of_a_database_that_is_written_to_is_consistent(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    backup = place.folder.parent / "backup.db"

    async def write() -> None:
        for n in range(0, 600, 2):
            await hear(store, *numbered(2, first=n))

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(write())
        for _ in range(3):
            await asyncio.to_thread(backup_database, place.file, backup)
        assert not writing.cancelled()
    await store.close()
    restore_database(backup, place.file, place.key, clock())
    texts = await _texts(place, clock)
    assert len(texts) % 2 == 0
    assert texts == [heard.text for heard in numbered(len(texts))]


async def test_an_older_backup_is_replaced(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    backup = place.folder / "backup.db"
    backup_database(place.file, backup)
    await hear(store, message("newer"))
    backup_database(place.file, backup)
    await store.close()
    place.file.unlink()
    restore_database(backup, place.file, place.key, clock())
    assert await _texts(place, clock) == ["newer"]


async def test_a_slip_of_the_finger_overwrites_nothing_that_is_no_backup(place: Place, clock: Clock) -> None:
    await (await place.open(clock)).close()
    key = place.key.read_bytes()
    with pytest.raises(StorageError, match="is no backup"):
        backup_database(place.file, place.key)
    assert place.key.read_bytes() == key
    with pytest.raises(StorageError, match="the database itself"):
        backup_database(place.file, place.file)
    with pytest.raises(StorageError, match="the database itself"):
        restore_database(place.file, place.file, place.key, clock())


def test_without_a_database_there_is_nothing_to_back_up(place: Place) -> None:
    with pytest.raises(StorageError, match="no database"):
        backup_database(place.file, place.folder / "backup.db")
    assert _names(place) == set()


async def test_a_place_that_cannot_be_written_is_named(place: Place, clock: Clock) -> None:
    await (await place.open(clock)).close()
    with pytest.raises(StorageError, match=r"missing/backup.db cannot be written: No such file"):
        backup_database(place.file, place.folder / "missing" / "backup.db")
    (place.folder / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot be written: Is a directory"):
        backup_database(place.file, place.folder / "folder")


async def test_the_database_that_was_there_is_kept_aside(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await hear(store, message("since then"))
    await store.close()
    restored = restore_database(backup, place.file, place.key, clock())
    assert restored.moved_to == place.folder / "llmos.db.replaced-20260105T120000"
    assert await _texts(place, clock) == []
    assert _names(place) == {"llmos.db", "llmos.key", restored.moved_to.name}
    restore_database(restored.moved_to, place.file, place.key, clock() + timedelta(seconds=1))
    assert await _texts(place, clock) == ["since then"]


async def test_a_restore_forgets_again_whom_the_database_forgot_since(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await fill(store, message("alice said", id="1"), "an answer to alice")
    await fill(store, message("bob said", id="2", author=BOB), "an answer to bob")
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    clock.forward(hours=1)
    await store.privacy.forget(ALICE.identity)
    await store.privacy.opt_out(BOB.identity)
    await store.close()
    assert restore_database(backup, place.file, place.key, clock()).erased > 0
    store = await place.open(clock)
    kept = (await store.privacy.export(ALICE.identity))["kept"]
    assert isinstance(kept, dict)
    assert list(kept) == ["strikes", "outbox"]  # and the moderation action under way
    assert (await store.privacy.show(BOB.identity))["messages"] == 2
    assert store.privacy.opted_out(BOB.identity)
    await store.close()


async def test_a_backup_put_in_place_by_hand_forgets_at_the_next_start(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await fill(store, message("alice said", id="1"), "an answer to alice")
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    clock.forward(hours=1)
    await store.privacy.forget(ALICE.identity)
    await store.close()
    backup.replace(place.file)
    assert await _texts(place, clock) == []


async def test_what_a_forgotten_person_wrote_later_survives_a_restore(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await store.privacy.forget(ALICE.identity)
    clock.forward(hours=1)
    await hear(store, message("I am back", at=clock()))
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await store.close()
    restore_database(backup, place.file, place.key, clock())
    assert await _texts(place, clock) == ["I am back"]


async def test_an_old_backup_is_brought_to_the_newest_schema(place: Place, clock: Clock) -> None:
    backup = place.folder.parent / "old.db"
    migrate_sqlite(backup, to="0001")
    content = backup.read_bytes()
    restore_database(backup, place.file, place.key, clock())
    assert await _texts(place, clock) == []
    assert _names(place) == {"llmos.db", "llmos.key"}
    assert backup.read_bytes() == content


def _garbage(backup: Path) -> None:
    backup.write_bytes(os.urandom(20_000))


def _truncated(backup: Path) -> None:
    content = backup.read_bytes()
    backup.write_bytes(content[: len(content) // 2])


def _empty(backup: Path) -> None:
    backup.write_bytes(b"")


def _scribbled(backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[5 * 4096 : 6 * 4096] = os.urandom(4096)
    backup.write_bytes(bytes(content))


def _gone(backup: Path) -> None:
    backup.unlink()


@pytest.mark.parametrize("harm", [_garbage, _truncated, _empty, _scribbled, _gone])
async def test_a_broken_backup_changes_nothing(place: Place, clock: Clock, harm: object) -> None:
    store = await place.open(clock)
    await hear(store, *numbered(30))
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await store.close()
    assert callable(harm)
    harm(backup)
    with pytest.raises(StorageError, match=r"damaged|empty|There is no backup"):
        restore_database(backup, place.file, place.key, clock())
    assert _names(place) == {"llmos.db", "llmos.key"}
    assert len(await _texts(place, clock)) == 30


async def test_a_backup_of_another_key_changes_nothing(place: Place, clock: Clock) -> None:
    await (await place.open(clock)).close()
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    place.key.unlink()
    with pytest.raises(StorageError, match="is missing"):
        restore_database(backup, place.file, place.key, clock())
    Seal.from_file(place.key)
    with pytest.raises(StorageError, match="does not belong to this backup"):
        restore_database(backup, place.file, place.key, clock())
    assert _names(place) == {"llmos.db", "llmos.key"}


async def test_a_database_in_use_is_not_replaced(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await hear(store, message("hello"))
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    with pytest.raises(StorageError, match="in use by another program"):
        restore_database(backup, place.file, place.key, clock(), busy_s=0.1)
    await hear(store, message("it goes on", id="2", at=EPOCH + timedelta(seconds=1)))
    await store.close()
    assert await _texts(place, clock) == ["hello", "it goes on"]


@pytest.mark.parametrize(
    ("step", "texts"),
    [("os.link", ["since"]), ("os.utime", ["since"]), ("bot.storage.restoring.sync", [])],
)
async def test_a_restore_that_is_cut_off_leaves_a_whole_database_old_or_new(
    place: Place, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: str, texts: list[str]
) -> None:
    class CutOff(BaseException):
        pass

    def cut_off(*arguments: object) -> None:
        raise CutOff

    store = await place.open(clock)
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await hear(store, message("since"))
    await store.close()
    with monkeypatch.context() as patch:
        patch.setattr(step, cut_off)
        with pytest.raises(CutOff):
            restore_database(backup, place.file, place.key, clock())
    assert await _texts(place, clock) == texts


async def test_on_a_disk_without_links_the_old_database_is_moved(
    place: Place, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await place.open(clock)
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await store.close()

    def unsupported(source: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", unsupported)
    restored = restore_database(backup, place.file, place.key, clock())
    assert restored.moved_to is not None
    assert restored.moved_to.exists()
    assert await _texts(place, clock) == []


@pytest.mark.parametrize("readable", [True, False])
async def test_a_damaged_database_is_replaced_and_its_log_does_not_touch_the_new_one(
    place: Place, clock: Clock, readable: bool
) -> None:
    store = await place.open(clock)
    await hear(store, *numbered(5))
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await hear(store, *numbered(50, first=5))
    log = place.file.with_name("llmos.db-wal").read_bytes()
    await store.close()
    place.file.write_bytes(os.urandom(50_000))
    place.file.with_name("llmos.db-wal").write_bytes(log if readable else os.urandom(len(log)))
    restore_database(backup, place.file, place.key, clock())
    assert not place.file.with_name("llmos.db-wal").exists()
    assert len(await _texts(place, clock)) == 5


async def test_what_a_killed_restore_left_behind_harms_no_later_one(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await hear(store, *numbered(5))
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await hear(store, *numbered(9, first=5))
    log = place.file.with_name("llmos.db-wal").read_bytes()
    await store.close()
    for suffix in ("", "-wal"):
        place.file.with_name(f"llmos.db.restoring{suffix}").write_bytes(log)
    restore_database(backup, place.file, place.key, clock())
    assert len(await _texts(place, clock)) == 5
    assert not [name for name in _names(place) if "restoring" in name]


def test_copies_made_by_the_bot_expire_and_nothing_else_does(place: Place) -> None:
    old = (EPOCH - timedelta(days=COPY_DAYS, seconds=1)).timestamp()
    young = (EPOCH - timedelta(days=COPY_DAYS - 1)).timestamp()
    ages = {
        "llmos.db": old,
        "llmos.db-wal": old,
        "llmos.db.mine": old,
        "backup.db.before-0002": old,
        "llmos.db.before-0004": young,
        "llmos.db.before-0002": old,
        "llmos.db.replaced-20260101T000000": old,
        "llmos.db.replaced-20260101T000000-wal": old,
        "llmos.db.restoring": old,
    }
    for name, at in ages.items():
        path = place.folder / name
        path.touch()
        os.utime(path, (at, at))
    assert expire_copies(place.file, EPOCH) == 4
    assert _names(place) == set(list(ages)[:5])


async def test_the_days_of_a_replaced_database_begin_with_the_restore(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    backup = place.folder.parent / "backup.db"
    backup_database(place.file, backup)
    await store.close()
    os.utime(place.file, (0, 0))
    moved_to = restore_database(backup, place.file, place.key, clock()).moved_to
    assert moved_to is not None
    store = await place.open(clock)
    await store.privacy.purge(clock() + timedelta(days=COPY_DAYS - 1), context_hours=24)
    assert moved_to.exists()
    await store.privacy.purge(clock() + timedelta(days=COPY_DAYS + 1), context_hours=24)
    assert not moved_to.exists()
    await store.close()
