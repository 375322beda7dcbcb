"""kill -9 at any moment: what was acknowledged is there, nothing is there by half."""

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.house import Place
from tests.storage.scribe import BATCH, PRODUCERS, channel

KILLS = 50 if os.environ.get("LLMOS_DRILLS") == "long" else 4


def check_whole(place: Place, acknowledged: dict[int, int]) -> None:
    """Every acknowledged batch is there, and of every other one all or nothing."""
    with closing(sqlite3.connect(place.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for producer in range(PRODUCERS):
        key = channel(producer).key
        rows = place.ask(
            "SELECT CAST(substr(message_id, 1, instr(message_id, '.') - 1) AS INTEGER) AS batch, count(*) "
            f"FROM messages WHERE channel_key = '{key}' GROUP BY batch ORDER BY batch"
        )
        assert [count for _, count in rows] == [BATCH] * len(rows)
        settled = len(rows)
        assert [batch for batch, _ in rows] == list(range(settled))
        assert settled > acknowledged.get(producer, -1)
        opened = place.ask(
            f"SELECT key, payload IS NULL FROM outbox WHERE channel_key = '{key}' ORDER BY seq"
        )
        assert opened == [(f"{producer}.{batch}", int(batch < settled - 1)) for batch in range(settled)]
    pending = int(str(place.ask("SELECT count(*) FROM inbox WHERE payload IS NOT NULL")[0][0]))
    assert pending % BATCH == 0
    assert pending <= PRODUCERS * BATCH
    assert place.count("inbox") == place.count("messages") + pending


def _write_and_kill(place: Place, lines: int) -> dict[int, int]:
    """Let a process write until it acknowledged so many batches, kill it, and return the newest ones."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.storage.scribe", str(place.folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    with child.stdout:
        said = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        said += child.stdout.readlines()
    assert child.wait() == -9
    acknowledged = {}
    for line in said:
        if line.endswith("\n"):
            producer, batch = map(int, line.split())
            acknowledged[producer] = batch
    return acknowledged


@pytest.mark.drill
def test_a_killed_writer_loses_nothing_it_acknowledged_and_leaves_nothing_half_written(place: Place) -> None:
    chance = random.Random(1)
    for _ in range(KILLS):
        check_whole(place, _write_and_kill(place, chance.randint(1, 60)))
    assert place.count("messages") >= KILLS * BATCH
