"""kill -9 at random moments, two processes on one database: each slot of a digest is posted once."""

import asyncio
import os
import random
import re
import signal
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from bot.adapters.wire import WorldServer
from bot.adapters.world import World
from bot.storage.digests import Reader
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.store import Store
from tests.drills.digester import EVENING
from tests.drills.test_kill import nothing_open

LONG = os.environ.get("LLMOS_DRILLS") == "long"
KILLS = 60 if LONG else 4
PATIENCE_S = 60.0


async def started(port: int, folder: Path, began: float) -> Process:
    """A process from the moment it listens."""
    command = [sys.executable, "-m", "tests.drills.digester", str(port), str(folder), str(began)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        assert await process.stdout.readline() == b"listening\n"
    return process


async def killed(process: Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.communicate()


@pytest.mark.drill
async def test_killed_at_any_moment_and_twice_at_once_it_posts_each_slot_once(tmp_path: Path) -> None:
    world, dice, began = World(), random.Random(20261126), time.time()
    home = world.channel("general")
    await add_digests(tmp_path, world)
    async with WorldServer(world) as port:
        running = [await started(port, tmp_path, began) for _process in range(2)]
        for _kill in range(KILLS):
            await asyncio.sleep(dice.uniform(0.0, 1.5))  # the random moment
            if dice.random() < 0.3:  # both at once, so that slots are missed
                for process in running:
                    await killed(process)
                running = [await started(port, tmp_path, began) for _process in range(2)]
            else:
                which = dice.randrange(2)
                await killed(running[which])
                running[which] = await started(port, tmp_path, began)
        for process in running:
            await killed(process)
        last = await started(port, tmp_path, time.time() + PATIENCE_S)  # nothing more is due for it
        await nothing_open(tmp_path, world.platform)
        await killed(last)
    for number, place in enumerate((home, world.channel("anna", private=True)), 1):
        posted = [each.text for each in world.shown(place) if each.message.author == world.bot]
        fates = decided(tmp_path / "llmos.db", number)
        assert Counter(fates.values()) == {"posted": len(posted)}
        assert len(posted) >= 5 * KILLS, "eight hours pass each second"
        threads = [thread for text in posted for thread in re.findall(r"Thread \d+\.", text)]
        assert len(threads) == len(set(threads)) == 2 * len(posted), "nothing is shown twice"


async def add_digests(folder: Path, world: World) -> None:
    """One of a channel, and one of a member."""
    store = await Store.open(f"sqlite:///{folder}/llmos.db", folder / KEY_FILE_NAME, now=lambda: EVENING)
    home, hourly = world.channel("general"), ("0 * * * *", "Europe/Berlin")
    await store.digests.add(home, cron=hourly[0], zone=hourly[1], n=2, quiet="", actor="mia", call="c")
    anna = Reader(world.member("anna"), "en")
    await store.digests.add_own(home, anna, cron=hourly[0], zone=hourly[1], n=2, quiet="", call="d")
    await store.close()


def decided(database: Path, number: int) -> dict[str, str]:
    """What became of each slot of a digest; the file is sound."""
    with closing(sqlite3.connect(database)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return dict(file.execute("SELECT slot, fate FROM slots WHERE digest = ?", (number,)).fetchall())
