"""The shortest possible programs on matrix-nio, to measure ours beside them.

`listen` is a bare loop of `AsyncClient.sync()` that tells when a message is in hand. `answer` is the bot of
matrix-nio's own examples: `sync_forever` with a callback that replies at once. Neither stores, decides or
survives anything. matrix-nio has no types: it is used here only.
"""

import asyncio
import json
import logging
import sys
from typing import NoReturn

from nio import AsyncClient, AsyncClientConfig, MatrixRoom, RoomMessageText, SyncResponse

from tests.bench.guests import FILTER
from tests.bench.programs import READY, tell
from tests.labs.secretive import Memory
from tests.labs.synapse import Login

LISTEN, ANSWER, ANSWER_ENCRYPTED = "listen", "answer", "answer-encrypted"

_LONG_POLL_MS = 30_000


class SyncFailed(Exception):
    """The peer is so short that it does not know what to do."""


class Peer:
    """An account with nio's client."""

    def __init__(self, url: str, login: Login, *, encrypts: bool = False) -> None:
        config = AsyncClientConfig(encryption_enabled=encrypts, store_sync_tokens=False, store=Memory)
        self._client = AsyncClient(url, login.user_id, store_path="unused", config=config)
        self._client.user_id, self._client.device_id = login.user_id, login.device_id
        self._client.access_token = login.access_token
        if encrypts:
            self._client.load_store()
        self._encrypts, self._id = encrypts, login.user_id

    async def listen(self) -> NoReturn:
        """Tell when each message is in hand."""
        await self._sync(0)
        tell(READY)
        while True:
            for event_id in await self._sync(_LONG_POLL_MS):
                tell(event_id)

    async def answer(self) -> None:
        """Repeat what others say."""
        await self._sync(0)
        if self._encrypts:
            await self._client.keys_upload()
        self._client.add_event_callback(self._reply, RoomMessageText)
        tell(READY)
        await self._client.sync_forever(timeout=_LONG_POLL_MS, sync_filter=FILTER)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _sync(self, timeout_ms: int) -> list[str]:
        """The ids of new messages."""
        found = await self._client.sync(timeout=timeout_ms, sync_filter=FILTER)
        if not isinstance(found, SyncResponse):
            raise SyncFailed(str(found))
        rooms = found.rooms.join.values()
        events = (event for room in rooms for event in room.timeline.events)
        return [str(event.event_id) for event in events if isinstance(event, RoomMessageText)]

    async def _reply(self, room: MatrixRoom, event: RoomMessageText) -> None:
        if event.sender != self._id:
            content = {"msgtype": "m.text", "body": event.body.partition(": ")[2]}
            await self._client.room_send(
                room.room_id, "m.room.message", content, ignore_unverified_devices=True
            )


def command(kind: str, url: str, login: Login) -> tuple[str, ...]:
    """How it is started; the token is for this run's own homeserver."""
    account = [login.user_id, login.device_id, login.access_token]
    return (__name__, kind, url, json.dumps(account))


async def main(kind: str, url: str, account: str) -> None:
    user_id, device_id, token = json.loads(account)
    peer = Peer(url, Login(user_id, "", token, device_id), encrypts=kind == ANSWER_ENCRYPTED)
    try:
        await (peer.listen() if kind == LISTEN else peer.answer())
    finally:
        await peer.close()


if __name__ == "__main__":
    logging.getLogger("nio").setLevel(logging.ERROR)
    asyncio.run(main(*sys.argv[1:]))
