"""Encrypting and decrypting for one account: the machine's keys, and the requests they need.

The machine works in a thread of its own, and everything it decides is stored before anybody hears of it.
Source: specification, "End-to-End Encryption".
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.encryption.keeping import Lock, lock, pickle_key
from bot.adapters.matrix.encryption.machine import STORE_FAULTS, Devices, Machine
from bot.adapters.matrix.encryption.signing import sign_device
from bot.adapters.reading import Json, integer, table, tables, text, texts
from bot.core.errors import Locked, NeedsOperator, PlatformError, RateLimited

T = TypeVar("T")

MOST_MESSAGES = 100
"""How many messages a key is for (specification, `rotation_period_msgs`)."""

_CLAIM_TIMEOUT_MS = 10_000  # the specification's own example; servers of others may be down
_AGAIN_S = 600.0  # a device without keys is left alone for so long
_SILENCE_S = 60.0
_RETRY_S = 5.0
_QUERIED_AT_ONCE = 200
_AT_ONCE = 20

_log = logging.getLogger(__name__)


class Encryption:
    """One device. It is made ready by whoever needs it first; use ends with `close`."""

    def __init__(self, account: Account, folder: Path) -> None:
        self._account, self._folder = account, folder
        self._thread = ThreadPoolExecutor(1, "matrix-keys")
        self._readying, self._querying = asyncio.Lock(), asyncio.Lock()
        self._sharing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._lock: Lock | None = None
        self._machine: Machine | None = None
        self._logins = -1
        self._settled = True
        self._silent: dict[str, float] = {}
        """Users whose homeserver did not answer for them, and until when nobody asks again."""
        self._barren: dict[str, dict[str, float]] = {}
        """Users' devices that have no key for us, and until when they are left alone."""
        self._chores = asyncio.Event()
        account.after_login.append(self._chores.set)

    async def close(self) -> None:
        """Let another process have the device."""
        if self._machine is not None:
            await self._do(self._machine.close)
        await asyncio.to_thread(self._thread.shutdown)
        if self._lock is not None:
            self._lock.release()

    # What arrives

    async def receive(self, answer: Json) -> None:
        """Take in what a sync brought for this device; it comes before the rooms of the same sync.

        Raises:
            PlatformError: we could not become ready; nothing was taken in.
        """
        machine = await self.ready()
        events = tables(table(answer, "to_device"), "events")
        changed = texts(table(answer, "device_lists"), "changed")
        counts = table(answer, "device_one_time_keys_count")
        left = (integer(counts, "signed_curve25519") or 0) if "signed_curve25519" in counts else None
        spare = answer.get("device_unused_fallback_key_types")
        used = isinstance(spare, list) and "signed_curve25519" not in spare
        if events or changed:
            for user in changed:
                self._barren.pop(user, None)
                self._silent.pop(user, None)
            await self._do(lambda: machine.receive(events, changed))
            self._chores.set()
        if used or left not in (None, machine.own.left):  # told with every sync
            await self._do(lambda: machine.own.counted(left, spare_is_used=used))
            self._chores.set()

    async def decrypt(self, room_id: str, raw: Json) -> Json:
        """An event as it would have been without encryption.

        Its relation stands beside the encrypted part, for everybody to read, and is taken from there.

        Raises:
            Locked: its key is not here; it was asked for.
            Undecipherable: no key will ever open it.
            PlatformError: we could not become ready.
        """
        machine = await self.ready()
        try:
            said = await self._do(lambda: machine.decrypt(room_id, raw))
        except Locked:
            self._chores.set()
            raise
        content = {name: value for name, value in table(said, "content").items() if name != _RELATION}
        outside = table(raw, "content")
        if _RELATION in outside:
            content[_RELATION] = outside[_RELATION]
        return {**raw, "type": text(said, "type"), "content": content}

    # What is sent

    async def encrypt(self, room_id: str, users: Collection[str], kind: str, content: Json) -> Json:
        """The content of an `m.room.encrypted` that the devices of these users can read.

        Devices that give us no key are left out; nobody else waits for them.

        Raises:
            PlatformError: nothing was sent, try again.
        """
        machine = await self.ready()
        async with self._sharing[room_id]:
            await self._know(await self._do(lambda: machine.unknown(users)))
            await self._meet(await self._do(lambda: machine.unmet(users)))
            lacking = await self._do(lambda: machine.lacking(room_id, users, MOST_MESSAGES))
            for some in _slices(lacking):
                for devices, body in await self._do(partial(machine.share, room_id, some)):
                    await self._send("m.room.encrypted", body)
                    await self._do(partial(machine.shared, room_id, devices))
            inside = {name: value for name, value in content.items() if name != _RELATION}
            sealed = await self._do(lambda: machine.encrypt(room_id, kind, inside))
        return sealed | {_RELATION: content[_RELATION]} if _RELATION in content else sealed

    # Becoming ready

    async def ready(self) -> Machine:
        """The machine, once the homeserver has its keys; each log-in may have met a forgetful one.

        Raises:
            NeedsOperator: another process has the device, or nobody can log in.
            PlatformError: try again.
        """
        if self._machine is not None and self._logins == self._account.logins:
            return self._machine
        async with self._readying:
            if self._machine is not None and self._logins == self._account.logins:
                return self._machine
            return await self._become_ready()

    async def _become_ready(self) -> Machine:
        """Open the keys of this device and see to it that the homeserver has them."""
        if self._lock is None:
            self._lock = await asyncio.to_thread(lock, self._folder)
        device_id = (await self._account.whoami()).device_id
        machine, logins = await self._opened(device_id), self._account.logins
        if not await self._stand(machine):
            _log.warning("the keys of the device are lost; becoming another one", extra={"device": device_id})
            await self._account.renew_device()
            return await self._become_ready()
        if self._logins >= 0:
            self._settled = False  # a homeserver that ended a session may still be taking its keys away
        self._logins = logins
        self._chores.set()
        return machine

    async def _stand(self, machine: Machine) -> bool:
        """Let the homeserver have the device's keys and the account's signature of them.

        Returns:
            False where it has other keys: then this device is lost.
        """
        user_id, device_id = self._account.user_id, machine.device_id
        known = await self._account.request("POST", "keys", "query", body={"device_keys": {user_id: []}})
        device = table(known, "device_keys", user_id, device_id)
        key = text(table(device, "keys"), f"ed25519:{device_id}")
        if key is not None and key != machine.signing_key:
            return False
        await self._do(lambda: machine.own.meet(device))
        await self._publish(machine)
        self._settled = await self._sign(machine, known)
        return True

    async def _sign(self, machine: Machine, known: Json) -> bool:
        """Let the account's identity sign the device. All works without it, but for clients that insist."""
        try:
            await sign_device(self._account, self._folder, await self._do(lambda: machine.own.device), known)
        except (NeedsOperator, RateLimited):
            raise
        except PlatformError as error:
            _log.warning("the device cannot be signed now: %s", error)
            return False
        return True

    async def _opened(self, device_id: str) -> Machine:
        machine = self._machine
        if machine is None or machine.device_id != device_id:
            if machine is not None:
                await self._do(machine.close)
            key, user_id = await asyncio.to_thread(pickle_key, self._folder), self._account.user_id
            machine = await self._do(lambda: Machine(user_id, device_id, self._folder, key))
            self._machine = machine
        return machine

    async def _publish(self, machine: Machine) -> None:
        body = await self._do(machine.own.to_upload)
        if body is not None:
            answer = await self._account.request("POST", "keys", "upload", body=body)
            await self._do(lambda: machine.own.uploaded(answer))

    # Chores

    async def keep(self) -> None:
        """Publish new keys, mend sessions and ask for missing keys, for as long as the bot runs."""
        while True:
            await self._chores.wait()
            self._chores.clear()
            try:
                await self._do_chores(await self.ready())
            except NeedsOperator:
                return  # the sync says so, and the bot ends
            except PlatformError as error:
                _log.warning("the keys cannot be kept now: %s", error)
                await asyncio.sleep(_RETRY_S)
                self._chores.set()

    async def _do_chores(self, machine: Machine) -> None:
        await self._publish(machine)
        await self._know(await self._do(lambda: machine.changed))
        await self._meet(await self._do(lambda: machine.wedged))
        for kind, body, message in await self._do(lambda: machine.outgoing):
            await self._send(kind, body)
            await self._do(partial(machine.sent, message))
        if not self._settled:
            await self._stand(machine)
            if not self._settled:
                raise PlatformError("the device is not signed yet")

    async def _know(self, users: Collection[str]) -> None:
        """Learn the devices of these users."""
        if not users:
            return
        async with self._querying:
            machine = await self.ready()
            now = asyncio.get_running_loop().time()
            unknown = await self._do(lambda: machine.unknown(users))
            left = sorted(user for user in unknown if self._silent.get(user, 0) <= now)
            for some in _slices(left, _QUERIED_AT_ONCE):
                marks = await self._do(partial(machine.marks, some))
                body: Json = {"device_keys": {user: [] for user in some}, "timeout": _CLAIM_TIMEOUT_MS}
                answer = await self._account.request("POST", "keys", "query", body=body)
                await self._do(partial(machine.queried, some, answer, marks))
                for user in set(some) - table(answer, "device_keys").keys():
                    self._silent[user] = now + _SILENCE_S

    async def _meet(self, devices: Devices) -> None:
        """Make sessions with these devices, as far as they have keys for us."""
        now = asyncio.get_running_loop().time()
        wanted: dict[str, dict[str, str]] = {}
        for user, names in devices.items():
            barren = self._barren.get(user, {})
            some = {name: "signed_curve25519" for name in names if barren.get(name, 0) <= now}
            if some:
                wanted[user] = some
        for users in _slices(sorted(wanted)):
            try:
                await self._claim({user: wanted[user] for user in users}, now)
            except NeedsOperator:
                raise
            except PlatformError as error:
                _log.warning("no keys of other devices can be had now, those are left out: %s", error)
                return

    async def _claim(self, wanted: Mapping[str, Mapping[str, str]], now: float) -> None:
        machine = await self.ready()
        body: Json = {"one_time_keys": wanted, "timeout": _CLAIM_TIMEOUT_MS}
        answer = await self._account.request("POST", "keys", "claim", body=body)
        await self._do(lambda: machine.claimed(answer))
        for user, names in wanted.items():
            for name in names.keys() - table(answer, "one_time_keys", user).keys():
                self._barren.setdefault(user, {})[name] = now + _AGAIN_S

    async def _send(self, kind: str, body: Mapping[str, object]) -> None:
        await self._account.request("PUT", "sendToDevice", kind, secrets.token_hex(8), body=body)

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except STORE_FAULTS as error:
            self._machine = None  # what it has in memory may be ahead of what is stored
            raise PlatformError(f"the keys in {self._folder} cannot be read or written: {error}") from error


_RELATION = "m.relates_to"


def _slices(users: Sequence[str], length: int = _AT_ONCE) -> Iterator[Sequence[str]]:
    """A few at a time: the thread has to decrypt in between."""
    return (users[start : start + length] for start in range(0, len(users), length))
