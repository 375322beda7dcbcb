"""`llmos matrix export-keys`: keys that another client can use, and nothing else changes."""

import asyncio
import contextlib
import fcntl
import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nio.crypto import InboundGroupSession, Olm
from nio.store import SqliteStore

from tests.adapters.console.pseudo import at_terminal
from tests.adapters.matrix.house import House, housed
from tests.cli.operator import Operator
from tests.labs.people import Person
from tests.labs.synapse import Synapse

pytestmark = pytest.mark.drives("cli:matrix export-keys")

USER, ROOM = "@llmos:example.org", "!room:example.org"
MATRIX = f'[matrix]\nhomeserver = "https://h"\nuser_id = "{USER}"\npassword = "env:NOT_SET_ANYWHERE"\n'
"""A password that is not here: keys are exported without it."""

PASSPHRASE = "ravens remember 渡鸦"


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[House]:
    """Its folder is the operator's too."""
    async with housed(synapse, tmp_path) as house:
        house.encrypted = True
        yield house


@pytest.fixture
def folder(operator: Operator) -> Path:
    """The bot's keys, as two devices of its own and one of another account left them."""
    operator.writes(MATRIX)
    operator.writes(f"{PASSPHRASE}\n", "passphrase").chmod(0o600)
    folder = operator.folder / "data" / "matrix"
    folder.mkdir(parents=True)
    (folder / "keys.secret").write_text("hush", encoding="utf-8")
    for user, device in ((USER, "OLD"), (USER, "NEW"), ("@other:example.org", "OTHER")):
        store = SqliteStore(user, device, str(folder), "hush", "keys.db")
        Olm(user, device, store).create_outbound_group_session(ROOM)
        store.database.close()
    return folder


def export(operator: Operator) -> list[str | Path]:
    """The beginning of the command, for a process of its own."""
    config = operator.folder / "config.toml"
    return [sys.executable, "-m", "bot", "matrix", "export-keys", "--config", config]


def imported(file: Path) -> list[InboundGroupSession]:
    """The keys as another client takes them."""
    found: list[InboundGroupSession] = Olm.import_keys_static(str(file), PASSPHRASE.encode())
    return found


def contents(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Everything in a folder: contents, modes and times."""
    return {
        file.name: (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns)
        for file in folder.iterdir()
    }


async def test_another_client_reads_a_room_with_the_keys_of_a_running_bot(
    house: House, operator: Operator
) -> None:
    operator.writes(PASSPHRASE, "passphrase")
    room = await house.room("anna")
    anna = await house.person("anna")
    async with house.service():
        await house.lives_in(room)
        await house.ask(anna, room, "what is a raven")
        await house.stands(anna, room, "what is a raven")
        words = ("matrix", "export-keys", "keys.txt", "--passphrase-file", "passphrase")
        outcome = await asyncio.to_thread(operator.types, *words)
        await house.ask(anna, room, "and a crow")
        await house.stands(anna, room, "what is a raven", "and a crow")
    assert outcome.code == 0, outcome.err
    file = operator.folder / "keys.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keys = {key.id: key for key in imported(file) if key.room_id == room}
    sent = [raw["content"] for raw in await Person.read(anna, room) if raw["type"] == "m.room.encrypted"]
    question = json.loads(keys[sent[0]["session_id"]].decrypt(sent[0]["ciphertext"])[0])
    assert question["content"]["body"] == house.addressed("what is a raven")["text"]
    assert f"{len(keys)} keys are in keys.txt." in outcome.out


def test_keys_of_all_devices_of_the_account_are_exported_and_the_bots_files_stay_as_they_are(
    operator: Operator, folder: Path
) -> None:
    with (
        (folder / "keys.lock").open("w") as lock,
        contextlib.closing(sqlite3.connect(folder / "keys.db", isolation_level=None)) as bot,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        bot.execute("BEGIN IMMEDIATE")  # as a bot that is about to write
        before = contents(folder)
        outcome = operator.types("matrix", "export-keys", "keys.txt", "--passphrase-file", "passphrase")
        assert contents(folder) == before
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("2 keys are in keys.txt.\n")
    assert [key.room_id for key in imported(operator.folder / "keys.txt")] == [ROOM, ROOM]


async def test_the_passphrase_is_asked_twice_and_never_shown(operator: Operator, folder: Path) -> None:
    file = operator.folder / "keys.txt"
    asks, again = "A passphrase for the file:", "The same once more:"
    async with at_terminal([*export(operator), file], environ=os.environ) as terminal:
        await terminal.sees(asks)
        terminal.press("raven 1\n")
        await terminal.sees(again)
        terminal.press("raven 2\n")
        await terminal.sees(f"These two were not the same.\n{asks}")
        terminal.press(f"{PASSPHRASE}\n")
        await terminal.sees(f"These two were not the same.\n{asks}\n{again}")
        terminal.press(f"{PASSPHRASE}\n")
        await terminal.sees("2 keys are in")
        assert await terminal.left() == 0
        assert "raven" not in terminal.screen.received
    assert len(imported(file)) == 2


def test_without_a_terminal_a_file_has_to_hold_the_passphrase(operator: Operator, folder: Path) -> None:
    outcome = operator.types("matrix", "export-keys", "keys.txt", answers=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert outcome.code == 2
    assert "--passphrase-file" in outcome.err
    assert not (operator.folder / "keys.txt").exists()


@pytest.mark.parametrize(("content", "words"), [("", "empty"), ("one\ntwo", "one line"), (None, "be read")])
def test_a_file_that_holds_no_passphrase_is_explained(
    operator: Operator, folder: Path, content: str | None, words: str
) -> None:
    if content is not None:
        operator.writes(content, "nothing")
    outcome = operator.types("matrix", "export-keys", "keys.txt", "--passphrase-file", "nothing")
    assert outcome.code == 2
    assert words in outcome.err
    assert not (operator.folder / "keys.txt").exists()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("", "has no [matrix] section"),
        (f"{MATRIX}encryption = false\n", "encryption = false"),
    ],
)
def test_a_bot_that_has_no_keys_by_its_configuration_is_explained(
    operator: Operator, config: str, words: str
) -> None:
    operator.writes(config)
    outcome = operator.types("matrix", "export-keys", "keys.txt")
    assert outcome.code == 2
    assert words in outcome.err


def test_missing_packages_are_named(
    operator: Operator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vodozemac", None)  # as Python says that it cannot be imported
    outcome = operator.types("matrix", "export-keys", "keys.txt")
    assert outcome.code == 2
    assert "[matrix] needs vodozemac. Run: pip install 'llmos-bot[matrix]'" in outcome.err


def test_a_bot_that_never_ran_has_no_keys_and_gets_no_store(operator: Operator) -> None:
    operator.writes(MATRIX)
    outcome = operator.types("matrix", "export-keys", "keys.txt")
    assert outcome.code == 1
    assert "no keys of encrypted rooms" in outcome.err
    assert [path.name for path in operator.folder.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(("file", "words"), [("there", "exists already"), ("nowhere/keys", "no folder")])
def test_a_file_that_cannot_be_new_is_explained(
    operator: Operator, folder: Path, file: str, words: str
) -> None:
    operator.writes("mine", "there")
    outcome = operator.types("matrix", "export-keys", file, "--passphrase-file", "passphrase")
    assert outcome.code == 1
    assert words in outcome.err
    assert (operator.folder / "there").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("keys.secret", "another", "does not open"),
        ("keys.secret", None, "keys.secret cannot be read"),
        ("keys.db", "this is a shopping list, and a long one at that", "keys.db cannot be read"),
    ],
)
def test_keys_that_cannot_be_read_are_explained_and_left(
    operator: Operator, folder: Path, name: str, content: str | None, words: str
) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content, encoding="utf-8")
    before = contents(folder)
    outcome = operator.types("matrix", "export-keys", "keys.txt", "--passphrase-file", "passphrase")
    assert outcome.code == 1
    assert words in outcome.err
    assert contents(folder) == before
    assert not (operator.folder / "keys.txt").exists()


def test_a_full_disk_leaves_nothing_behind(operator: Operator, folder: Path) -> None:
    out = operator.folder / "out"
    out.mkdir()
    full = subprocess.run(
        [*export(operator), out / "keys", "--passphrase-file", operator.folder / "passphrase"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        check=False,
    )
    assert full.returncode == 1
    assert f"{out / 'keys'} cannot be written: " in full.stderr
    assert list(out.iterdir()) == []
