"""The journal of wishes: durable, whole lines only, several writers."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.errors import StorageError
from bot.storage.journal import Entry, Journal, Wish
from tests.messages import EPOCH

_ENTRIES = tuple(Entry(wish, f"who {n}", EPOCH + timedelta(seconds=n)) for n, wish in enumerate(Wish))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "privacy.jsonl"


def test_what_is_appended_is_read_in_order(path: Path) -> None:
    assert [Journal(path).append(entry) for entry in _ENTRIES] == [1, 2, 3]
    assert Journal(path).entries() == _ENTRIES
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_journal_is_an_empty_one(path: Path) -> None:
    assert Journal(path).entries() == ()


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_torn_by_a_crash_is_left_out_and_later_overwritten(path: Path, cut: int) -> None:
    journal = Journal(path)
    journal.append(_ENTRIES[0])
    journal.append(_ENTRIES[1])
    path.write_bytes(path.read_bytes()[:-cut])
    assert journal.entries() == _ENTRIES[:1]
    journal.append(_ENTRIES[2])
    assert journal.entries() == (_ENTRIES[0], _ENTRIES[2])


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", '{"wish": "forget"}', '{"wish": "x", "who": "y", "at": "z"}']
)
def test_a_line_that_is_no_wish_stops_the_start(path: Path, line: str) -> None:
    path.write_text(line + "\n")
    with pytest.raises(StorageError, match="cannot be understood"):
        Journal(path).entries()


def test_processes_that_append_together_lose_no_line(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from bot.storage.journal import Entry, Journal, Wish\n"
        "for n in range(40): Journal(Path(sys.argv[1])).append(\n"
        "    Entry(Wish.FORGET, f'{sys.argv[2]} {n}', datetime.now(UTC)))\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), name], cwd=Path(__file__).parents[2])
        for name in "ab"
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    found = [entry.pseudonym for entry in Journal(path).entries()]
    assert sorted(found) == sorted(f"{name} {n}" for name in "ab" for n in range(40))
