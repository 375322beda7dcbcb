"""People whose client encrypts: it is matrix-nio's, and knows nothing of ours."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from nio import AsyncClient, AsyncClientConfig, MegolmEvent, RoomSendResponse, SyncResponse
from nio.crypto import DeviceStore, GroupSessionStore, SessionStore
from nio.exceptions import EncryptionError
from nio.store import MatrixStore

from tests.labs.people import Json, Person, Refused
from tests.labs.synapse import Login

logging.getLogger("nio").setLevel(logging.CRITICAL)


class Memory(MatrixStore):  # type: ignore[misc]
    """Keys that nobody keeps. Stores in files share one binding of their tables, whatever the thread."""

    def __post_init__(self) -> None:
        """Opens no database."""

    def load_account(self) -> None:
        return None

    def load_sessions(self) -> SessionStore:
        return SessionStore()

    def load_inbound_group_sessions(self) -> GroupSessionStore:
        return GroupSessionStore()

    def load_device_keys(self) -> DeviceStore:
        return DeviceStore()

    def load_outgoing_key_requests(self) -> dict[str, object]:
        return {}

    def load_encrypted_rooms(self) -> set[str]:
        return set()

    def load_sync_token(self) -> None:
        return None

    def is_device_verified(self, device: object) -> bool:
        return False

    is_device_blacklisted = is_device_verified

    def is_device_ignored(self, device: object) -> bool:
        return True

    def save(self, *anything: object) -> None:
        """Nothing is kept."""

    save_account = save_session = save_inbound_group_session = save_device_keys = save
    add_outgoing_key_request = remove_outgoing_key_request = save_encrypted_rooms = save
    save_sync_token = delete_encrypted_room = ignore_devices = save


class SecretivePerson(Person):
    """What they say in an encrypted room is encrypted, and they read what others encrypt for them.

    Their keys are of a device of their own: whoever syncs for a device takes away what is sent to it.
    """

    def __init__(self, url: str, login: Login, http: aiohttp.ClientSession) -> None:
        super().__init__(url, login, http)
        config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False, store=Memory)
        self.client = AsyncClient(url, login.user_id, "", "unused", config)
        self._one = asyncio.Lock()
        self._opened: dict[str, Json] = {}
        self._fresh = True

    async def send(self, room: str, kind: str, content: Json) -> str:
        if kind != "m.room.message":
            return await super().send(room, kind, content)
        async with self._one:
            await self.catch_up()
            known = self.client.rooms.get(room)
            if known is None or not known.encrypted:
                return await super().send(room, kind, content)
            answer = await self.client.room_send(room, kind, content, ignore_unverified_devices=True)
        if not isinstance(answer, RoomSendResponse):
            raise Refused(0, {"error": repr(answer)})
        return str(answer.event_id)

    async def read(self, room: str) -> list[Json]:
        raws = await super().read(room)
        async with self._one:
            if any(raw["type"] == "m.room.encrypted" and raw["event_id"] not in self._opened for raw in raws):
                await self.catch_up()
            return [self._open(room, raw) for raw in raws]

    async def catch_up(self) -> None:
        """Take in keys, devices and rooms."""
        answer: Any = await self.client.sync(timeout=0, full_state=self._fresh)
        if not isinstance(answer, SyncResponse):
            raise Refused(0, {"error": repr(answer)})
        self._fresh = False
        if self.client.should_upload_keys:
            await self.client.keys_upload()
        if self.client.should_query_keys:
            await self.client.keys_query()
        await self.client.send_to_device_messages()

    def _open(self, room: str, raw: Json) -> Json:
        """The event as their client shows it; what they cannot read stays encrypted."""
        if raw["type"] != "m.room.encrypted" or not raw.get("content"):
            return raw
        if raw["event_id"] not in self._opened:
            event = MegolmEvent.from_dict({**raw, "room_id": room})
            try:
                found = self.client.decrypt_event(event)
            except EncryptionError:
                return raw
            content = {**found.source["content"]}
            if "m.relates_to" in raw["content"]:
                content["m.relates_to"] = raw["content"]["m.relates_to"]
            self._opened[raw["event_id"]] = {**raw, "type": found.source["type"], "content": content}
        return self._opened[raw["event_id"]]


@asynccontextmanager
async def secretive_person(url: str, login: Login) -> AsyncIterator[SecretivePerson]:
    """Somebody at an encrypting client, whose device is known to the homeserver."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as http:
        person = SecretivePerson(url, login, http)
        try:
            await person.client.login(login.password)
            await person.catch_up()
            yield person
        finally:
            await person.client.close()
