"""Gateway plumbing: a WebSocket with its compression, and a session that outlives it."""

import asyncio
import json
import secrets
import zlib
from collections import deque

import zstandard
from aiohttp import web

from tests.labs.discord.records import Json


def _dump(payload: Json) -> str:
    return json.dumps(payload, separators=(",", ":"))


class Connection:
    """One WebSocket with its compression context and ordered writer."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, compress: str) -> None:
        self.ws, self.request = ws, request
        self.session: Session | None = None
        self.closing = False
        self._queue: asyncio.Queue[str | bytes | int] = asyncio.Queue()
        self._zlib = zlib.compressobj() if compress == "zlib-stream" else None
        self._zstd = zstandard.ZstdCompressor().compressobj() if compress == "zstd-stream" else None
        self.writer = asyncio.create_task(self._write())

    def send(self, payload: Json | str) -> None:
        """Queues a frame, compressed in order."""
        text = payload if isinstance(payload, str) else _dump(payload)
        if self._zlib:
            packed = self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
            self._queue.put_nowait(packed)
        elif self._zstd:
            packed = self._zstd.compress(text.encode())
            self._queue.put_nowait(packed + self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        else:
            self._queue.put_nowait(text)

    def send_op(self, op: int, data: object = None) -> None:
        """Queues a frame that is not an event."""
        self.send({"op": op, "d": data, "s": None, "t": None})

    def close(self, code: int | None) -> None:
        """Closes with a code after what is queued; None cuts the TCP connection at once."""
        if code is not None:
            self.closing = True
            self._queue.put_nowait(code)
        elif self.request.transport:
            self.request.transport.abort()

    async def _write(self) -> None:
        try:
            while True:
                item = await self._queue.get()
                if isinstance(item, int):
                    await self.ws.close(code=item)
                    return
                if isinstance(item, bytes):
                    await self.ws.send_bytes(item)
                else:
                    await self.ws.send_str(item)
        except (ConnectionError, RuntimeError):
            return  # the client is gone; what it missed stays in its session


class Session:
    """A gateway session: numbers its events and keeps them for RESUME."""

    def __init__(self, intents: int, shard: tuple[int, int], history: int) -> None:
        self.id = secrets.token_hex(16)
        self.intents, self.shard, self.seq = intents, shard, 0
        self.buffer: deque[tuple[int, str]] = deque(maxlen=history)
        self.connection: Connection | None = None

    def wants(self, bit: int) -> bool:
        """Whether this intent bit was asked for."""
        return bool(self.intents >> bit & 1)

    def covers(self, guild_id: str | None) -> bool:
        """Whether events of this guild (None: direct messages) belong to the session's shard."""
        index, count = self.shard
        return (int(guild_id) >> 22) % count == index if guild_id else index == 0

    def push(self, event: str, data: Json) -> None:
        """Numbers, keeps and, when connected, sends one event."""
        self.seq += 1
        text = _dump({"op": 0, "t": event, "s": self.seq, "d": data})
        self.buffer.append((self.seq, text))
        if self.connection:
            self.connection.send(text)
