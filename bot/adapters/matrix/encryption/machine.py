"""The keys of one device, kept by matrix-nio's Olm machine. It asks nobody anything and runs in one thread.

Of nio only this machine and its store are used; requests are `Encryption`'s. Everything that arrives was
written by somebody else, and a fault in it touches nothing but itself.

Source: specification, "End-to-End Encryption"; nio 0.26, `nio.crypto.olm_machine`.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import peewee
import vodozemac
from nio.crypto import Olm
from nio.event_builders import ToDeviceMessage
from nio.events import MegolmEvent, OlmEvent, ToDeviceEvent
from nio.exceptions import EncryptionError, LocalProtocolError, VerificationError
from nio.responses import KeysClaimResponse, KeysQueryResponse, KeysUploadResponse, ToDeviceResponse
from nio.store import SqliteStore

from bot.adapters.matrix.calls import MEGOLM
from bot.adapters.matrix.encryption.errors import KeysUnreadable, Undecipherable
from bot.adapters.reading import Json, integer, parse, table, text
from bot.core.errors import Locked

_REMEMBERED = 10_000
_FAULTS: tuple[type[Exception], ...] = (
    *(
        fault
        for fault in vars(vodozemac).values()
        if isinstance(fault, type) and issubclass(fault, Exception)
    ),
    *(EncryptionError, LocalProtocolError, VerificationError),
    *(LookupError, ValueError, TypeError, AttributeError, AssertionError, StopIteration),
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
        self._seen: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._spare_is_used = False
        self._owners: dict[str, set[str]] = {}
        for device in self._olm.device_store:
            self._own(device.curve25519, device.user_id)

    def close(self) -> None:
        """Close the store; everything is in it already."""
        self._store.database.close()

    # Our own keys

    @property
    def signing_key(self) -> str:
        """The public Ed25519 key of this device, in base64."""
        return str(self._olm.account.identity_keys["ed25519"])

    @property
    def is_published(self) -> bool:
        """Whether the homeserver was given this device's keys."""
        return bool(self._olm.account.shared)

    def forgotten(self) -> None:
        """The homeserver does not have the keys of this device (any more)."""
        self._olm.account.shared = False

    def to_upload(self) -> Json | None:
        """The body of `/keys/upload`, or None if nothing is to be published.

        One-time keys are stored before anybody hears of them: a key that is lost makes a message unreadable.
        """
        body: Json = {}
        if not self.is_published or self._spare_is_used:
            body["fallback_keys"] = self._spare_key()
        if self._olm.should_upload_keys:
            body |= self._olm.share_keys()
        if body:
            self._olm.save_account()
        return body or None

    def _spare_key(self) -> Json:
        """A key for when all others are used up, while we are away (MSC2732); nio knows none."""
        account = self._olm.account._account
        account.generate_fallback_key()
        spare: Json = {}
        for name, key in account.fallback_key.items():
            signed: Json = {"key": key.to_base64(), "fallback": True}
            signatures = {self.user_id: {f"ed25519:{self.device_id}": self.sign(signed)}}
            spare[f"signed_curve25519:{name}"] = signed | {"signatures": signatures}
        return spare

    def uploaded(self, answer: Json) -> None:
        """The homeserver has them."""
        self._spare_is_used = False
        counts = table(answer, "one_time_key_counts")
        signed = integer(counts, "signed_curve25519") or 0
        self._olm.handle_response(KeysUploadResponse(integer(counts, "curve25519") or 0, signed))

    @property
    def keys_left(self) -> int | None:
        """How many one-time keys the homeserver still has, as it last said."""
        left: int | None = self._olm.uploaded_key_count
        return left

    # What others send to this device

    def receive(
        self,
        events: Sequence[Json],
        changed: Iterable[str] = (),
        one_time_keys: int | None = None,
        *,
        spare_is_used: bool = False,
    ) -> None:
        """Take in what a sync brought for this device.

        Args:
            changed: users whose devices are not what they were.
            one_time_keys: how many of ours the homeserver still has, if it says so.
            spare_is_used: somebody took the key that is for when those are used up.
        """
        self._spare_is_used = self._spare_is_used or spare_is_used
        for event in events:
            if event.get("type") == "m.room.encrypted":
                self._receive(event)
        self._olm.add_changed_users(set(changed))
        if one_time_keys is not None:
            self._olm.uploaded_key_count = one_time_keys

    def _receive(self, event: Json) -> None:
        try:
            parsed = ToDeviceEvent.parse_event(event)
            if isinstance(parsed, OlmEvent):
                with self._store.database.atomic():  # a one-time key is used up when its session is stored
                    self._olm.handle_to_device_event(parsed)
        except _FAULTS as error:
            _log.warning("something sent to this device cannot be understood: %r", error)

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
        session = self._session(room_id, text(content, "sender_key"), session_id)
        if session is None:
            self._request(room_id, raw)
            raise Locked(f"the key {session_id} is not here")
        try:
            plain, index = session.decrypt(ciphertext)
            said = parse(plain.encode("utf-8", "replace"))
        except _FAULTS as error:
            raise Undecipherable(f"it cannot be decrypted: {error!r}") from error
        self._check(raw, session.sender_key, (session_id, index))
        return said

    def _session(self, room_id: str, sender_key: str | None, session_id: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
        """The key of a session; newer clients no longer name the device that made it (MSC3700)."""
        by_sender = self._olm.inbound_group_store[room_id]
        if sender_key is not None:
            return by_sender.get(sender_key, {}).get(session_id)
        return next((found[session_id] for found in by_sender.values() if session_id in found), None)

    def _check(self, raw: Json, sender_key: str, message: tuple[str, int]) -> None:
        """A message is sent once, by the one whose device encrypted it."""
        owners = self._owners.get(sender_key)
        if owners is not None and raw.get("sender") not in owners:
            raise Undecipherable(f"it was encrypted by a device of {', '.join(owners)}")
        event_id = text(raw, "event_id") or ""
        if self._seen.setdefault(message, event_id) != event_id:
            raise Undecipherable("its message was sent before, as another event")
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def _request(self, room_id: str, raw: Json) -> None:
        """Ask for the key of an event, once for a session; mend the way to its device if that is broken."""
        try:
            event = MegolmEvent.from_dict({**raw, "room_id": room_id})
            self._olm.check_if_wedged(event)
            waiting = {
                getattr(message, "request_id", "") for message in self._olm.outgoing_to_device_messages
            }
            if event.session_id not in waiting | self._olm.outgoing_key_requests.keys():
                request = event.as_key_request(event.sender, self.device_id, None, event.device_id)
                self._olm.outgoing_to_device_messages.append(request)
        except _FAULTS as error:
            _log.debug("nobody can be asked for a key: %r", error)

    # Devices of others

    def unknown(self, users: Iterable[str]) -> set[str]:
        """Those of these users whose devices have to be asked for."""
        wanted = set(users)
        return wanted.difference(self._olm.tracked_users - self._olm.users_for_key_query)

    @property
    def changed(self) -> set[str]:
        """Users whose devices are not what they were."""
        return set(self._olm.users_for_key_query)

    def queried(self, users: Iterable[str], answer: Json) -> None:
        """The answer of `/keys/query` for these users."""
        found = table(answer, "device_keys")
        for user in users:  # one by one: a broken device of one is nobody else's trouble
            try:
                with self._store.database.atomic():
                    self._olm.handle_response(KeysQueryResponse({user: _sound(table(found, user))}, {}))
            except _FAULTS as error:
                _log.warning("the devices of %s cannot be understood: %r", user, error)
                self._olm.users_for_key_query.discard(user)
                self._olm.tracked_users.add(user)
            for device in self._olm.device_store.active_user_devices(user):
                self._own(device.curve25519, user)

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
                    _log.warning("no session with a device of %s: %r", user, error)

    # What is sent to devices of others

    @property
    def outgoing(self) -> Sequence[tuple[str, Json, object]]:
        """What has to be sent to devices: its type, its messages, and what `sent` wants to be told."""
        return [
            (message.type, message.as_dict(), message) for message in self._olm.outgoing_to_device_messages
        ]

    def sent(self, message: object) -> None:
        """It was sent."""
        self._olm.handle_response(ToDeviceResponse(message if isinstance(message, ToDeviceMessage) else None))

    # Messages to rooms

    def share(
        self, room_id: str, users: Collection[str], most_messages: int
    ) -> Sequence[tuple[object, Json]]:
        """What has to be sent to devices before `encrypt` can be read by all of them: mostly nothing.

        The session is a new one when somebody left, or a device was removed: they must not read on.

        Returns:
            Bodies of `/sendToDevice`, each with what `shared` wants to be told.
        """
        devices = {
            (user, device.id)
            for user in users
            for device in self._olm.device_store.active_user_devices(user)
            if (user, device.id) != (self.user_id, self.device_id)
        }
        session = self._olm.outbound_group_sessions.get(room_id)
        if session is None or session.expired or session.users_shared_with - devices:
            self._olm.create_outbound_group_session(room_id)
            session = self._olm.outbound_group_sessions[room_id]
            session.max_messages = most_messages
        session.shared = False  # nio makes another session where it is true
        with self._store.database.atomic():
            return list(
                self._olm.share_group_session_parallel(room_id, list(users), ignore_unverified_devices=True)
            )

    def shared(self, room_id: str, devices: object) -> None:
        """These devices have the key."""
        if isinstance(devices, set):
            self._olm.outbound_group_sessions[room_id].users_shared_with.update(devices)

    def encrypt(self, room_id: str, kind: str, content: Json) -> Json:
        """The content of `m.room.encrypted` for an event; `share` comes first."""
        self._olm.outbound_group_sessions[room_id].mark_as_shared()
        sealed: Json = self._olm.group_encrypt(room_id, {"type": kind, "content": content})
        return sealed

    # For people

    def sign(self, document: Json) -> str:
        """This device's signature of an object, without its `signatures` and `unsigned`."""
        return str(self._olm.sign_json({k: v for k, v in document.items() if k not in _UNSIGNED}))


_UNSIGNED = ("signatures", "unsigned")


def _sound(devices: Json) -> Json:
    """Devices as nio can bear them."""
    return {
        device_id: json.loads(json.dumps(keys))
        for device_id in islice(devices, 1_000)
        if isinstance(keys := devices[device_id], dict)
        and all(isinstance(keys.get(name), kind) for name, kind in _DEVICE.items())
    }


_DEVICE: Mapping[str, type] = {
    "user_id": str,
    "device_id": str,
    "algorithms": list,
    "keys": dict,
    "signatures": dict,
}
