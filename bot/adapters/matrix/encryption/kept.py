"""The keys as the files hold them, for those who only look: also while the bot runs, and nothing is changed.

A copy in memory is read. Reading the store itself would keep the bot from writing for a second per 5,000
keys, and matrix-nio's store makes and upgrades tables where it is opened.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nio.crypto import InboundGroupSession, Olm
from nio.store import Accounts, SqliteStore
from peewee import SqliteDatabase
from vodozemac import LibolmPickleException, PickleException

from bot.adapters.matrix.encryption.keeping import read_json
from bot.adapters.matrix.encryption.machine import STORE_FAULTS, Machine
from bot.adapters.matrix.encryption.signing import FILE as SEEDS
from bot.adapters.matrix.encryption.signing import Identity
from bot.core.errors import PlatformError
from bot.core.text import _

_PICKLE_KEY = "keys.secret"  # `keeping` makes it where there is none; here that would be wrong

_ROUNDS = 100_000
"""The least that the specification recommends ("Key export format"); matrix-nio would take a tenth."""


@dataclass(frozen=True, slots=True)
class Device:
    """The bot's own device.

    Attributes:
        key: its public Ed25519 key, in base64.
        master: the public master key of the identity that we made for the account, if we made one.
    """

    id: str
    key: str
    master: str | None


def own_device(folder: Path, homeserver: str, user_id: str, device_id: str | None = None) -> Device | None:
    """The device that the bot is at its next start; None if its keys are yet to be made.

    Args:
        device_id: of a configured access token; otherwise the bot goes on with the session it keeps.

    Raises:
        PlatformError: the files cannot be read.
    """
    session = read_json(folder / "session.json") or {}
    if device_id is None and (session.get("homeserver"), session.get("user_id")) == (homeserver, user_id):
        device_id = session.get("device_id")
    key = _signing_keys(folder, user_id).get(device_id or "")
    if device_id is None or key is None:
        return None
    seeds = read_json(folder / SEEDS)
    return Device(device_id, key, None if seeds is None else Identity(user_id, seeds).master)


def _signing_keys(folder: Path, user_id: str) -> Mapping[str, str]:
    """By the devices that the account had."""
    with _copied(folder, user_id) as stores:
        return {store.device_id: store.load_account().identity_keys["ed25519"] for store in stores}


def room_keys(folder: Path, user_id: str) -> Sequence[InboundGroupSession]:
    """The keys of all rooms that any device of an account was given; none if there is no store.

    Raises:
        PlatformError: the files cannot be read.
    """
    with _copied(folder, user_id) as stores:
        return [session for store in stores for session in store.load_inbound_group_sessions()]


def export_keys(keys: Sequence[InboundGroupSession], file: Path, passphrase: str) -> None:
    """Write keys to a new file that only we can read and clients can import; whole or not at all.

    Source: specification, "Key export format".

    Raises:
        OSError: the file is there already, or cannot be written.
    """
    secret = passphrase.encode()  # as clients do; matrix-nio itself takes no more than Latin-1
    Olm.export_keys_static(keys, str(file), secret, _ROUNDS)


@contextmanager
def _copied(folder: Path, user_id: str) -> Iterator[Iterator[SqliteStore]]:
    """A store for each device of an account, one after the other: they share one copy."""
    file, secret = folder / Machine.FILE, folder / _PICKLE_KEY
    if not file.exists():
        yield iter(())
        return
    try:
        key = secret.read_text("utf-8").strip()
        store = _CopiedStore(user_id, "", str(folder), key, Machine.FILE)
        with ExitStack() as closing:
            closing.callback(store.database.close)
            yield _devices(store)
    except OSError as error:
        raise PlatformError(
            _("{path} cannot be read: {why}.", path=secret, why=error.strerror or error)
        ) from error
    except STORE_FAULTS as error:
        raise PlatformError(_("{path} cannot be read: {why}.", path=file, why=error)) from error
    except (PickleException, LibolmPickleException) as error:
        raise PlatformError(
            _("{secret} does not open {file}; put your backup of both there.", secret=secret, file=file)
        ) from error


def _devices(store: SqliteStore) -> Iterator[SqliteStore]:
    with store.database.bind_ctx(store.models):
        found = Accounts.select(Accounts.device_id).where(Accounts.user_id == store.user_id)
        devices = [str(account.device_id) for account in found.order_by(Accounts.id)]
    for store.device_id in devices:
        yield store


class _Copy(SqliteDatabase):  # type: ignore[misc]
    """A database in memory that begins as what is in a file."""

    def __init__(self, file: Path) -> None:
        super().__init__(":memory:")
        self._file = file

    def _connect(self) -> Any:  # noqa: ANN401 - peewee's own
        # "rw" makes no file, but rolls back what a killed process left half-written, as every reader has to
        original = SqliteDatabase(f"{self._file.absolute().as_uri()}?mode=rw", uri=True)
        with original.connection_context(), ExitStack() as undo:
            connection = super()._connect()
            undo.callback(connection.close)
            original.connection().backup(connection)
            undo.pop_all()
            return connection


class _CopiedStore(SqliteStore):  # type: ignore[misc]
    """A store that others may be writing to."""

    def _create_database(self) -> _Copy:
        return _Copy(Path(self.database_path))
