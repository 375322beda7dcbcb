"""What this device has seen: whose devices brought a room's key, and which messages were read with it.

Nio remembers one bringer for a key, though others can pass it on, and no message. What a crash loses of this
is the newest at most, so nothing waits for the disk.
"""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import AutoField, CompositeKey, IntegerField, Model, SqliteDatabase, TextField, fn

MOST_READ = 200_000
"""Messages that are remembered; the oldest go first."""

_SWEEP = 1_000


class Brought(Model):  # type: ignore[misc]
    """A key and a device (its Curve25519 key) that sent it to us."""

    session_id = TextField()
    sender_key = TextField()

    class Meta:
        """What peewee reads."""

        primary_key = CompositeKey("session_id", "sender_key")


class Read(Model):  # type: ignore[misc]
    """A message, by its place in its session, and the event that it came with."""

    number = AutoField()
    session_id = TextField()
    place = IntegerField()
    event_id = TextField()

    class Meta:
        """What peewee reads."""

        indexes = ((("session_id", "place"), True),)


_MODELS: Any = (Brought, Read)


class Witness:
    """One file; used by one thread."""

    FILE = "seen.db"

    def __init__(self, folder: Path) -> None:
        (folder / self.FILE).touch(mode=0o600)
        self._database = SqliteDatabase(folder / self.FILE, pragmas={"synchronous": 0})
        self._read = 0
        with self._open():
            self._database.create_tables(_MODELS)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def brought(self, session_id: str, sender_key: str) -> None:
        """A device sent us this key."""
        with self._open():
            Brought.insert(session_id=session_id, sender_key=sender_key).on_conflict_ignore().execute()

    def bringers(self, session_id: str) -> Set[str]:
        """The devices that sent us this key."""
        with self._open():
            return {row.sender_key for row in Brought.select().where(Brought.session_id == session_id)}

    def is_first(self, session_id: str, place: int, event_id: str) -> bool:
        """Whether no other event came with this message before; it is remembered."""
        with self._open():
            Read.insert(session_id=session_id, place=place, event_id=event_id).on_conflict_ignore().execute()
            known = Read.get((Read.session_id == session_id) & (Read.place == place))
            self._read += 1
            if self._read % _SWEEP == 1:
                self._sweep()
            return bool(known.event_id == event_id)

    def _sweep(self) -> None:
        surplus = Read.select().count() - MOST_READ
        if surplus > 0:
            Read.delete().where(Read.number <= Read.select(fn.MIN(Read.number)).scalar() + surplus).execute()

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._database.bind_ctx(_MODELS, bind_refs=False, bind_backrefs=False):
            yield
