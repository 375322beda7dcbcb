"""Rooms to enter and rooms to leave: written down at once, and worked off beside everything else.

A homeserver lets an account enter only a few rooms a minute (Synapse as it comes: 6 after the first 10,
`rc_joins`), and a room on a distant server may take half a minute. Neither holds up any other room.
"""

import asyncio
import itertools
import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from bot.adapters.files import write_private
from bot.adapters.matrix.account import Account, Refused
from bot.adapters.matrix.calls import Gate
from bot.adapters.reading import parse, table, text
from bot.core.errors import Forbidden, Gone, PlatformError, RateLimited, Unsupported

Deed = Literal["join", "leave"]

MOST_LEAVES = 2_000
"""Strangers cannot make us remember more invitations than this; what is beyond stays unanswered."""

_AT_ONCE = 4  # rooms on distant servers take long
_AGAIN_S, _LONGEST_AGAIN_S = 1.0, 3600.0
_SETTLED = (Forbidden, Gone, Refused, Unsupported)  # asking again would change nothing

_log = logging.getLogger(__name__)


class Errands:
    """What is to be done at the doors of rooms; outlives the process in a file.

    Args:
        file: JSON, made when there is something to do.
    """

    def __init__(self, account: Account, file: Path) -> None:
        self._account, self._file = account, file
        self._pending: dict[str, Deed] | None = None  # not read yet
        self._writing = asyncio.Lock()
        self._failures: dict[str, int] = {}
        self._gate = Gate()
        self._queue: asyncio.PriorityQueue[tuple[bool, int, str]] = asyncio.PriorityQueue()
        self._queued: set[str] = set()  # or being worked on
        self._numbers = itertools.count()

    async def take(self, deeds: Mapping[str, Deed]) -> None:
        """Promise to do something about rooms, given by id. The newest promise about a room counts.

        Raises:
            PlatformError: it cannot be written down.
        """
        pending = await self._read()
        taken: list[str] = []
        for room_id, deed in deeds.items():
            if deed == "leave" and len(pending) >= MOST_LEAVES:
                _log.warning("too many invitations of strangers, one is ignored", extra={"channel": room_id})
            else:
                pending[room_id] = deed
                taken.append(room_id)
        if taken:
            await self._write()
            self._enqueue(taken)

    async def drop(self, room_ids: Iterable[str]) -> None:
        """We are no longer invited there, or are out already."""
        pending = await self._read()
        gone = [room_id for room_id in room_ids if pending.pop(room_id, None) is not None]
        for room_id in gone:
            self._failures.pop(room_id, None)
        if gone:
            await self._write()

    async def keep(self) -> None:
        """Do what was promised, joins first, for as long as the bot runs."""
        pending = await self._read()
        self._queue = asyncio.PriorityQueue()
        self._queued.clear()
        self._enqueue(pending)
        async with asyncio.TaskGroup() as tasks:
            for number in range(_AT_ONCE):
                tasks.create_task(self._work(pending), name=f"errands {number}")

    def _enqueue(self, room_ids: Iterable[str]) -> None:
        pending = self._pending or {}
        for room_id in room_ids:
            if room_id in pending and room_id not in self._queued:
                self._queued.add(room_id)
                self._queue.put_nowait((pending[room_id] != "join", next(self._numbers), room_id))

    async def _work(self, pending: dict[str, Deed]) -> None:
        while True:
            _late, _number, room_id = await self._queue.get()
            deed = pending.get(room_id)
            again_s = None if deed is None else await self._try(deed, room_id)
            self._queued.discard(room_id)
            if again_s is not None:
                asyncio.get_running_loop().call_later(again_s, self._enqueue, [room_id])
            elif pending.get(room_id) == deed:
                await self._settle(pending, room_id)
            else:  # a newer promise
                self._enqueue([room_id])

    async def _settle(self, pending: dict[str, Deed], room_id: str) -> None:
        self._failures.pop(room_id, None)
        if pending.pop(room_id, None) is not None:
            try:
                await self._write()
            except PlatformError as error:  # then it is done once more after a restart
                _log.warning("%s", error)

    async def _try(self, deed: Deed, room_id: str) -> float | None:
        """One attempt.

        Returns:
            Seconds until the next one; None if it is settled.
        """
        path = ("join", room_id) if deed == "join" else ("rooms", room_id, "leave")
        try:
            await self._gate.through(lambda: self._account.request("POST", *path, body={}))
        except RateLimited as refusal:
            await asyncio.sleep(refusal.retry_after_s)  # here: nobody else would be let in either
            return 0.0
        except _SETTLED as error:
            _log.warning("cannot %s: %s", deed, error, extra={"channel": room_id})
        except PlatformError as error:
            failures = self._failures[room_id] = self._failures.get(room_id, 0) + 1
            wait_s = min(_AGAIN_S * 2.0 ** min(failures - 1, 20), _LONGEST_AGAIN_S)
            _log.warning("cannot %s now: %s", deed, error, extra={"channel": room_id, "wait_s": wait_s})
            return wait_s
        return None

    async def _read(self) -> dict[str, Deed]:
        async with self._writing:
            if self._pending is None:
                self._pending = await asyncio.to_thread(self._load)
            return self._pending

    def _load(self) -> dict[str, Deed]:
        with suppress(FileNotFoundError):
            try:
                kept = parse(self._file.read_bytes())
            except (ValueError, NotADirectoryError, PermissionError) as error:
                _log.warning("%s cannot be read, invitations may be lost: %s", self._file, error)
                return {}
            if text(kept, "user_id") == self._account.user_id:
                rooms = table(kept, "rooms")
                return {room_id: "join" if deed == "join" else "leave" for room_id, deed in rooms.items()}
        return {}

    async def _write(self) -> None:
        async with self._writing:
            content = json.dumps({"user_id": self._account.user_id, "rooms": self._pending})
            try:
                await asyncio.to_thread(write_private, self._file, content)
            except OSError as error:
                raise PlatformError(f"{self._file} cannot be written: {error}") from error
