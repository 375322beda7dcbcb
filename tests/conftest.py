"""What tests of all parts share."""

import gc
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from bot.cli import GARBAGE_THRESHOLD
from bot.storage import database, sqlite
from bot.storage.sqlite import BUSY_S, SqliteTransactor, create_file
from tests.labs import synapse as lab

if TYPE_CHECKING:
    from tests.labs.discord import DiscordLab

TESTS = Path(__file__).parent

gc.disable()  # until all is imported: looking for garbage among it took a fifth of the time

# A machine under load is no fault of the code: what is slow there must not fail a test. Everyday the same
# examples are tried, so that one checkout passes or fails everywhere alike; the drills look for new ones.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("everyday", _PATIENT, max_examples=40, derandomize=True)
settings.register_profile("long", _PATIENT, max_examples=1000)
settings.load_profile("long" if os.environ.get("LLMOS_DRILLS") == "long" else "everyday")


_compiled: dict[object, object] = {}


@event.listens_for(Engine, "engine_connect")
def _compiled_once(connection: Connection) -> None:
    """All databases of this process share compiled statements: half of opening one went there."""
    connection.execution_options(compiled_cache=_compiled)


for _dialect in (SQLiteDialect_pysqlite, SQLiteDialect_aiosqlite):  # a part of the keys of what is compiled
    _dialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    _dialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]


@pytest.fixture
def free_port() -> int:
    """A port of the loopback address that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database after all migrations."""
    path = tmp_path_factory.mktemp("migrated") / "llmos.db"
    database._open_sqlite(path, BUSY_S).close()
    return path


@pytest.fixture(autouse=True)
def copied_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, migrated: Path) -> None:
    """New databases of this process are copies of one, and wait for no disk.

    What migrations do, and what survives a loss of power, is for the tests of the storage.
    """
    if "storage" in request.path.parts:
        return
    monkeypatch.setattr(sqlite, "_PRAGMAS", (*sqlite._PRAGMAS, "PRAGMA synchronous=OFF"))
    opens = database._open_sqlite

    def copying(path: Path, busy_s: float) -> SqliteTransactor:
        if not path.exists() and path.parent.is_dir():
            create_file(path)
            path.write_bytes(migrated.read_bytes())
        return opens(path, busy_s)

    monkeypatch.setattr(database, "_open_sqlite", copying)


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Synapse]:
    """The homeserver of this session; a test that stops it starts it again."""
    with lab.running(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture
async def discord() -> AsyncIterator["DiscordLab"]:
    """A Discord of this test alone; whatever the bot asked of it must have been right."""
    from tests.labs.discord import DiscordLab

    async with DiscordLab() as server:
        yield server
    assert not server.problems(), "\n".join([*server.problems(), server.transcript()])


_installing = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """For `-m homeserver`, only files that name Matrix are imported: all of them take 20 seconds."""
    skipped = config.option.markexpr == "homeserver" and collection_path.is_file()
    return True if skipped and not _names_matrix(collection_path) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that need the homeserver come last and are marked; it is installed meanwhile if it is missing."""
    items.sort(key=_needs_synapse)
    for item in filter(_needs_synapse, items):
        if not _names_matrix(item.path):
            raise pytest.UsageError(
                f"{item.nodeid} needs the homeserver: name its file or folder after Matrix"
            )
        item.add_marker(pytest.mark.homeserver)
    wanted = config.option.markexpr != "not homeserver" and any(map(_needs_synapse, items))
    if wanted and not config.option.collectonly:
        config.stash[_installing] = subprocess.Popen([sys.executable, "-m", "tests.labs.synapse", "install"])


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on garbage is looked for among what tests make, not among a million imported objects."""
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    installing = config.stash.get(_installing, None)
    if installing is not None:
        installing.terminate()
        installing.wait()


def _names_matrix(path: Path) -> bool:
    return "matrix" in str(path.relative_to(TESTS))


def _needs_synapse(item: pytest.Item) -> bool:
    parameters = getattr(item, "callspec", None)
    named = parameters.params.values() if parameters is not None else ()
    on_matrix = any(isinstance(value, str) and value.startswith("matrix-") for value in named)
    return on_matrix or "synapse" in getattr(item, "fixturenames", ())
