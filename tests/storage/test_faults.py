"""A full disk, a locked or a damaged database: a sentence that helps, and nothing half-written."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.errors import StorageError, ValueUnreadable
from bot.storage.backup import backup_database
from bot.storage.inspection import inspect_database
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import ALICE, CHANNEL, EPOCH, message
from tests.storage.house import PLATFORM, Clock, Place, hear, held, numbered
from tests.storage.test_crashes import check_whole

ROOT = Path(__file__).parents[2]
SCRIBE = (sys.executable, "-m", "tests.storage.scribe")


def _acknowledged(said: str) -> dict[int, int]:
    return {int(producer): int(batch) for producer, batch in map(str.split, said.splitlines())}


def _small_disk(place: Place, *command: str) -> list[str]:
    """A command on a disk of two megabytes at the folder, which is copied out when the command ends."""
    outside = place.folder.parent / "copied"
    script = (
        f"mount -t tmpfs -o size=2m none '{place.folder}' || exit 77; "
        f"{' '.join(command)} '{place.folder}'; code=$?; cp -r '{place.folder}' '{outside}'; exit $code"
    )
    return ["unshare", "--mount", "--map-root-user", "sh", "-c", script]


def test_on_a_full_disk_the_operator_is_told_and_nothing_is_half_written(place: Place) -> None:
    try:
        child = subprocess.run(
            _small_disk(place, *SCRIBE), capture_output=True, text=True, cwd=ROOT, check=False, timeout=60
        )
    except FileNotFoundError:
        pytest.skip("this system has no unshare")
    if child.returncode not in {0, 1} or "unshare" in child.stderr:
        pytest.skip(f"no disk can be mounted here: {child.stderr.strip()}")
    assert child.returncode == 1
    assert child.stderr.startswith("llmos: The disk that holds ")
    assert "Traceback" not in child.stderr
    acknowledged = _acknowledged(child.stdout)
    assert acknowledged
    check_whole(Place(place.folder.parent / "copied"), acknowledged)


def test_when_no_file_may_grow_the_operator_is_told_and_writing_goes_on_later(place: Place) -> None:
    child = subprocess.run(
        [*SCRIBE, str(place.folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000)),
    )
    assert child.returncode == 1
    assert child.stderr.startswith("llmos: The disk that holds ")
    assert "Traceback" not in child.stderr
    before = _acknowledged(child.stdout)
    check_whole(place, before)
    again = subprocess.run(
        [*SCRIBE, str(place.folder), str(max(before.values()) + 3)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    check_whole(place, _acknowledged(again.stdout))


def test_a_backup_to_a_full_disk_leaves_nothing_and_names_the_disk(place: Place) -> None:
    script = (
        "import resource, sys; from pathlib import Path; from bot.storage.backup import backup_database\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "from bot.core.errors import StorageError\n"
        "try: backup_database(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except StorageError as error: sys.exit(str(error))"
    )
    _filled(place)
    target = place.folder.parent / "backups" / "backup.db"
    target.parent.mkdir()
    child = subprocess.run(
        [sys.executable, "-c", script, str(place.file), str(target)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=60,
    )
    assert child.returncode == 1
    assert "disk" in child.stderr
    assert "Traceback" not in child.stderr
    assert list(target.parent.iterdir()) == []


_ALONE = ("PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE", "DELETE FROM usage")


async def test_a_database_another_program_holds_is_not_opened(place: Place, clock: Clock) -> None:
    await (await place.open(clock)).close()
    with held(place, *_ALONE), pytest.raises(StorageError, match="in use by another program"):
        await place.open(clock, busy_s=0.05)
    await (await place.open(clock)).close()


async def test_a_lock_while_running_fails_the_write_whole_and_it_works_again_after(
    place: Place, clock: Clock
) -> None:
    store = await place.open(clock, busy_s=0.05)
    with held(place, "BEGIN IMMEDIATE"):
        with pytest.raises(StorageError, match="in use by another program"):
            await hear(store, *numbered(10))
        with pytest.raises(StorageError, match="in use by another program"):
            await store.inbox.take(PLATFORM, numbered(3), {"scope": "3"})
    assert place.count("messages") == place.count("inbox") == place.count("cursors") == 0
    await hear(store, *numbered(10))
    assert place.count("messages") == 10
    await store.close()


async def test_forgetting_in_a_locked_database_is_not_called_done_and_is_done_at_the_next_start(
    place: Place, clock: Clock
) -> None:
    store = await place.open(clock, busy_s=0.05)
    await hear(store, message("secret"))
    with held(place, "BEGIN IMMEDIATE"), pytest.raises(StorageError, match="in use"):
        await store.privacy.forget(ALICE.identity)
    assert place.count("messages") == 1
    await store.close()
    store = await place.open(clock)
    assert place.count("messages") == 0
    await store.close()


@pytest.mark.parametrize("restarted", [False, True])
async def test_while_somebody_reads_the_old_state_the_files_wait_for_the_next_retention(
    place: Place, clock: Clock, caplog: pytest.LogCaptureFixture, restarted: bool
) -> None:
    store = await place.open(clock, busy_s=0.05)
    await hear(store, message("secret"))
    sealed = bytes(str(place.ask("SELECT hex(body) FROM messages")[0][0]), "ascii")
    body = bytes.fromhex(sealed.decode())[1:]
    clock.forward(minutes=1)
    with held(place, "BEGIN", "SELECT * FROM messages"):
        assert await store.privacy.forget(ALICE.identity) == 1
        assert not store.privacy.clean
        assert "the next retention tries" in caplog.text
        assert await store.privacy.purge(clock(), context_hours=24) == 0
        assert not store.privacy.clean
    assert await store.privacy.show(ALICE.identity) == {}
    assert body in place.bytes()
    if restarted:
        await store.close()
        store = await place.open(clock)
    else:
        await store.privacy.purge(clock(), context_hours=24)
    assert store.privacy.clean
    assert body not in place.bytes()
    await store.close()


async def test_a_backup_does_not_wait_for_ever_for_a_lock(
    place: Place, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await place.open(clock)).close()
    monkeypatch.setattr("bot.storage.copying.BUSY_S", 0.05)
    with held(place, *_ALONE), pytest.raises(StorageError, match="in use by another program"):
        backup_database(place.file, place.folder / "backup.db")
    assert not [path for path in place.folder.iterdir() if "backup" in path.name]


def _filled(place: Place) -> None:
    subprocess.run([*SCRIBE, str(place.folder), "20"], capture_output=True, cwd=ROOT, check=True, timeout=60)


def _garbage(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def _truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _scribbled(file: Path) -> None:
    content = bytearray(file.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 65536] = os.urandom(65536)
    file.write_bytes(bytes(content))


async def _read_all(store: Store, producer: int) -> None:
    channel = type(CHANNEL)(PLATFORM, "home", f"producer {producer}")
    await store.messages.before(channel, EPOCH + timedelta(days=1), 10_000)


@pytest.mark.parametrize("harm", [_garbage, _truncated, _scribbled])
async def test_a_damaged_database_is_called_damaged_and_not_written_to(
    place: Place, clock: Clock, harm: Callable[[Path], None]
) -> None:
    _filled(place)
    harm(place.file)
    damaged = place.file.read_bytes()
    with pytest.raises(StorageError, match=r"damaged.*llmos restore FILE"):
        await _open_and_read(place, clock)
    with pytest.raises(StorageError, match="damaged"):
        await inspect_database(place.url)
    with pytest.raises(StorageError, match="damaged"):
        backup_database(place.file, place.folder / "backup.db")
    assert not (place.folder / "backup.db").exists()
    if harm is not _scribbled:  # that one opens, and is written to until the damage is met
        assert place.file.read_bytes() == damaged


async def _open_and_read(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    try:
        for producer in range(4):
            await _read_all(store, producer)
        await store.privacy.show(ALICE.identity)
    finally:
        await store.close()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"file/sub/llmos.db cannot be opened or created"):
        await Place(tmp_path / "file" / "sub").open(clock)


async def test_a_folder_in_place_of_the_database_is_named(place: Place, clock: Clock) -> None:
    place.file.mkdir()
    with pytest.raises(StorageError, match="cannot be opened or created"):
        await place.open(clock)


async def test_a_damaged_payload_is_an_error_and_not_a_lost_event(store: Store, place: Place) -> None:
    await store.inbox.take(PLATFORM, [message("hello")], {})
    await store.settle(Settlement(opened=(NewOutboxRow("k", CHANNEL, event=message("hello")),)))
    place.ask("UPDATE inbox SET payload = x'01'")
    place.ask("UPDATE outbox SET payload = x'02'")
    with pytest.raises(ValueUnreadable):
        await store.inbox.pending(PLATFORM)
    with pytest.raises(ValueUnreadable):
        await store.outbox.unfinished(PLATFORM)
