"""The keys of one device, kept by matrix-nio's Olm machine. It asks nobody anything and runs in one thread.

Of nio only this machine and its store are used; requests are `Encryption`'s. Everything that arrives was
written by somebody else, and a fault in it touches nothing but itself.

Source: specification, "End-to-End Encryption"; nio 0.26, `nio.crypto.olm_machine`.
"""

import json
import logging
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import peewee
import vodozemac
from nio.crypto import InboundGroupSession, Olm, OlmDevice
from nio.event_builders import RoomKeyRequestMessage, ToDeviceMessage
from nio.events import MegolmEvent, OlmEvent, RoomKeyEvent, ToDeviceEvent
from nio.exceptions import EncryptionError, LocalProtocolError, VerificationError
from nio.responses import KeysClaimResponse, KeysQueryResponse, ToDeviceResponse
from nio.store import SqliteStore

from bot.adapters.matrix.calls import MEGOLM
from bot.adapters.matrix.encryption.errors import KeysUnreadable, Undecipherable
from bot.adapters.matrix.encryption.publishing import OwnKeys
from bot.adapters.matrix.encryption.witness import Witness
from bot.adapters.reading import Json, parse, table, text
from bot.core.errors import Locked

MOST_DEVICES = 1_000
"""Of one user."""

_REMEMBERED = 10_000
_FAULTS: tuple[type[Exception], ...] = (
    *(
        fault
        for fault in vars(vodozemac).values()
        if isinstance(fault, type) and issubclass(fault, Exception)
    ),
    *(EncryptionError, LocalProtocolError, VerificationError),
    *(LookupError, ValueError, TypeError, AttributeError, AssertionError, StopIteration, RecursionError),
    peewee.DoesNotExist,
)
"""What nio and vodozemac raise about input that is not as it should be."""

STORE_FAULTS: tuple[type[Exception], ...] = (peewee.PeeweeException,)
"""A full disk, a file that somebody took away."""

Devices = Mapping[str, Collection[str]]
"""Device ids by user id."""

_log = logging.getLogger(__name__)
logging.getLogger("nio").setLevel(logging.CRITICAL)  # it tells every step, with ids, and whole schemas


class Machine:
    """Our device among the others.

    Args:
        folder: holds the store, `FILE`; it must exist.
        pickle_key: what the store's contents are encrypted with.

    Raises:
        KeysUnreadable: the store is damaged, or was encrypted with something else.
    """

    FILE = "keys.db"

    def __init__(self, user_id: str, device_id: str, folder: Path, pickle_key: str) -> None:
        self.user_id, self.device_id = user_id, device_id
        (folder / self.FILE).touch(mode=0o600)
        try:
            self._store = SqliteStore(user_id, device_id, str(folder), pickle_key, self.FILE)
            self._olm = Olm(user_id, device_id, self._store)
        except (*_FAULTS, peewee.DatabaseError) as error:
            raise KeysUnreadable(
                f"the keys in {folder / self.FILE} cannot be read ({error}); put your backup of the folder "
                f"there, or move {self.FILE} away to become a new device"
            ) from error
        self.own, self._witness = OwnKeys(self._olm), Witness(folder)
        self._changes: Counter[str] = Counter()
        self._asked: OrderedDict[str, None] = OrderedDict()
        self._owners: dict[str, set[str]] = {}
        for device in self._olm.device_store:
            self._own(device.curve25519, device.user_id)

    def close(self) -> None:
        """Close the stores; everything is in them already."""
        self._store.database.close()
        self._witness.close()

    @property
    def signing_key(self) -> str:
        """The public Ed25519 key of this device, in base64."""
        return str(self._olm.account.identity_keys["ed25519"])

    # What others send to this device

    def receive(self, events: Sequence[Json], changed: Iterable[str] = ()) -> None:
        """Take in what a sync brought for this device.

        Args:
            changed: users whose devices are not what they were.
        """
        for event in events:
            if event.get("type") == "m.room.encrypted":
                self._receive(event)
        users = set(changed)
        self._changes.update(users)
        self._olm.add_changed_users(users)

    def _receive(self, event: Json) -> None:
        try:
            parsed = ToDeviceEvent.parse_event(event)
            if isinstance(parsed, OlmEvent):
                with self._store.database.atomic():  # a one-time key is used up when its session is stored
                    found = self._olm.handle_to_device_event(parsed)
                if isinstance(found, RoomKeyEvent):
                    self._witness.brought(found.session_id, parsed.sender_key)
        except _FAULTS as error:
            _log.warning("something sent to this device cannot be understood: %s", type(error).__name__)

    def decrypt(self, room_id: str, raw: Json) -> Json:
        """What an event in a room says: `type` and `content`, as its sender encrypted them.

        Raises:
            Locked: its key is not here; it was asked for.
            Undecipherable: it is damaged, forged, or sent again.
        """
        content = table(raw, "content")
        session_id, ciphertext = text(content, "session_id"), text(content, "ciphertext")
        if content.get("algorithm") != MEGOLM or session_id is None or ciphertext is None:
            raise Undecipherable(f"encrypted in a way that is not known: {content.get('algorithm')}")
        session = self._session(room_id, session_id)
        if session is None:
            self._request(room_id, raw)
            raise Locked(f"the key {session_id} is not here")
        try:
            plain, index = session.decrypt(ciphertext)
            said = parse(plain.encode("utf-8", "replace"))
        except _FAULTS as error:
            raise Undecipherable(f"it cannot be decrypted ({type(error).__name__})") from None
        self._check(raw, session, index)
        return said

    def _session(self, room_id: str, session_id: str) -> InboundGroupSession | None:
        """The key of a session, whoever passed it on; newer clients name no device (MSC3700)."""
        by_sender = self._olm.inbound_group_store[room_id]
        return next((found[session_id] for found in by_sender.values() if session_id in found), None)

    def _check(self, raw: Json, session: InboundGroupSession, place: int) -> None:
        """A message is sent once, by somebody whose device brought its key.

        Where we know of no owner of such a device, the homeserver's word for the sender counts, as it does in
        plain rooms.
        """
        devices = self._witness.bringers(session.id) | {session.sender_key}
        owners = set[str]().union(*(self._owners.get(device, set()) for device in devices))
        if owners and raw.get("sender") not in owners:
            raise Undecipherable(f"it was encrypted by a device of {', '.join(sorted(owners))}")
        if not self._witness.is_first(session.id, place, text(raw, "event_id") or ""):
            raise Undecipherable("its message was sent before, as another event")

    def _request(self, room_id: str, raw: Json) -> None:
        """Ask for the key of an event, once for a session; mend the way to its device if that is broken."""
        try:
            event = MegolmEvent.from_dict({**raw, "room_id": room_id})
            self._olm.check_if_wedged(event)
            if event.session_id not in self._asked:
                self._asked[event.session_id] = None
                if len(self._asked) > _REMEMBERED:
                    self._asked.popitem(last=False)
                request = event.as_key_request(event.sender, self.device_id, None, event.device_id)
                self._olm.outgoing_to_device_messages.append(request)
        except _FAULTS as error:
            _log.debug("nobody can be asked for a key: %s", type(error).__name__)

    # Devices of others

    def unknown(self, users: Iterable[str]) -> set[str]:
        """Those of these users whose devices have to be asked for."""
        wanted = set(users)
        return wanted.difference(self._olm.tracked_users - self._olm.users_for_key_query)

    @property
    def changed(self) -> set[str]:
        """Users whose devices are not what they were."""
        return set(self._olm.users_for_key_query)

    def marks(self, users: Iterable[str]) -> Mapping[str, int]:
        """How often the devices of these users changed so far, for `queried`."""
        return {user: self._changes[user] for user in users}

    def queried(
        self, users: Iterable[str], answer: Json, marks: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        """The answer of `/keys/query` for these users.

        Whoever is not in it stays unknown: their homeserver may be down.

        Args:
            marks: from before the question; whose devices changed since is asked for again.
        """
        found = table(answer, "device_keys")
        for user in users:  # one by one: a broken device of one is nobody else's trouble
            if user not in found:
                continue
            self._olm.users_for_key_query.discard(user)
            self._olm.tracked_users.add(user)
            self._queried(user, _sound(table(found, user)))
            if self._changes[user] != marks.get(user, self._changes[user]):
                self._olm.users_for_key_query.add(user)

    def _queried(self, user: str, devices: Json) -> None:
        try:
            with self._store.database.atomic():
                self._olm.handle_response(KeysQueryResponse({user: devices}, {}))
                self._revive(user, devices)
            for device in self._olm.device_store.active_user_devices(user):
                self._own(device.curve25519, user)
        except _FAULTS as error:
            _log.warning("the devices of %s cannot be understood: %s", user, type(error).__name__)

    def _revive(self, user: str, devices: Json) -> None:
        """Nio takes a device that was left out once for gone for ever."""
        back: dict[str, OlmDevice] = {}
        for device in self._olm.device_store[user].values():
            key = table(devices, device.id, "keys").get(f"ed25519:{device.id}")
            if device.deleted and device.ed25519 == key:
                back[device.id] = device
        for device in back.values():
            device.deleted = False
        if back:
            self._store.save_device_keys({user: back})

    def _own(self, sender_key: str, user: str) -> None:
        """Several may say that a key is theirs; only who has it can encrypt with it."""
        self._owners.setdefault(sender_key, set()).add(user)

    def unmet(self, users: Iterable[str]) -> Devices:
        """Devices of these users with which there is no session, nor those with a broken one."""
        missing: dict[str, set[str]] = {}
        for user, devices in self._olm.get_missing_sessions(list(users)).items():
            missing.setdefault(user, set()).update(devices)
        return missing

    @property
    def wedged(self) -> Devices:
        """Devices with which a new session has to be made."""
        wedged: dict[str, set[str]] = {}
        for device in self._olm.wedged_devices:
            wedged.setdefault(device.user_id, set()).add(device.device_id)
        return wedged

    def claimed(self, answer: Json) -> None:
        """The answer of `/keys/claim`: sessions are made with these keys."""
        found = table(answer, "one_time_keys")
        for user in found:
            for device in table(found, user):
                try:
                    with self._store.database.atomic():
                        one = {user: {device: table(found, user, device)}}
                        self._olm.handle_response(KeysClaimResponse(one, {}))
                except _FAULTS as error:
                    _log.warning("no session with a device of %s: %s", user, type(error).__name__)

    # What is sent to devices of others

    @property
    def outgoing(self) -> Sequence[tuple[str, Json, ToDeviceMessage]]:
        """What has to be sent to devices: its type, its messages, and what `sent` wants to be told."""
        return [
            (message.type, message.as_dict(), message) for message in self._olm.outgoing_to_device_messages
        ]

    def sent(self, message: ToDeviceMessage) -> None:
        """It was sent. Nio would remember for ever which keys were asked for."""
        if isinstance(message, RoomKeyRequestMessage):
            self._olm.outgoing_to_device_messages.remove(message)
        else:
            self._olm.handle_response(ToDeviceResponse(message))

    # Messages to rooms

    def lacking(self, room_id: str, users: Collection[str], most_messages: int) -> Sequence[str]:
        """Those of these users with a device that cannot read `encrypt` yet: mostly nobody.

        The session is a new one when somebody left, or a device was removed: they must not read on.
        """
        devices = {
            (user, device.id): device
            for user in users
            for device in self._olm.device_store.active_user_devices(user)
            if (user, device.id) != (self.user_id, self.device_id)
        }
        session = self._olm.outbound_group_sessions.get(room_id)
        if session is None or session.expired or session.users_shared_with - devices.keys():
            self._olm.create_outbound_group_session(room_id)
            session = self._olm.outbound_group_sessions[room_id]
            session.max_messages = most_messages
        met = self._olm.session_store
        left = {
            place[0]
            for place in devices.keys() - session.users_shared_with
            if met.get(devices[place].curve25519)
        }
        return sorted(left)

    def share(self, room_id: str, users: Sequence[str]) -> Sequence[tuple[set[tuple[str, str]], Json]]:
        """What has to be sent to the devices of these users, some of those that `lacking` named.

        Returns:
            Bodies of `/sendToDevice`, each with what `shared` wants to be told.
        """
        self._olm.outbound_group_sessions[room_id].shared = False  # where it is true nio makes another one
        with self._store.database.atomic():
            return list(
                self._olm.share_group_session_parallel(room_id, list(users), ignore_unverified_devices=True)
            )

    def shared(self, room_id: str, devices: set[tuple[str, str]]) -> None:
        """These devices have the key."""
        self._olm.outbound_group_sessions[room_id].users_shared_with.update(devices)

    def encrypt(self, room_id: str, kind: str, content: Json) -> Json:
        """The content of `m.room.encrypted` for an event; `share` comes first."""
        self._olm.outbound_group_sessions[room_id].mark_as_shared()
        sealed: Json = self._olm.group_encrypt(room_id, {"type": kind, "content": content})
        return sealed


def _sound(devices: Json) -> Json:
    """Devices as nio can bear them; their names are no business of ours."""
    return {
        device_id: json.loads(json.dumps({name: value for name, value in keys.items() if name != "unsigned"}))
        for device_id in islice(devices, MOST_DEVICES)
        if isinstance(keys := devices[device_id], dict)
        and all(isinstance(keys.get(name), kind) for name, kind in _DEVICE.items())
        and all(isinstance(key, str) for key in keys["keys"].values())
    }


_DEVICE: Mapping[str, type] = {
    "user_id": str,
    "device_id": str,
    "algorithms": list,
    "keys": dict,
    "signatures": dict,
}
