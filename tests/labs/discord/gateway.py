"""The gateway side: HELLO, IDENTIFY, RESUME, heartbeats, member chunks and close codes."""

import asyncio
import json
import time
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from tests.labs.discord.constants import KNOWN_INTENTS, MEMBERS_BIT, PRIVILEGED
from tests.labs.discord.records import Json, Settings
from tests.labs.discord.session import Connection, Session
from tests.labs.discord.staff import Staff

RESUME_PATH = "/resume"
_NAMES = {2: "IDENTIFY", 3: "PRESENCE", 6: "RESUME", 8: "MEMBERS"}


class Gateway(Staff):
    """Serves gateway v10 connections and lets a test break them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._identified: dict[int, float] = {}
        self.gateway_faults: dict[str, str] = {}

    # What a test may do to it

    def drop(self, code: int | None = None) -> None:
        """Cuts every connection: TCP abort, or a close frame with `code`. Sessions stay."""
        for session in list(self.sessions.values()):
            if session.connection:
                session.connection.close(code)
                session.connection = None

    def break_gateway(self, address: str, how: str | None) -> None:
        """Decides what becomes of new connections.

        Args:
            address: "gateway", where sessions begin, or "resume", where READY sends those that resume one.
            how: "503" refuses the WebSocket, "cut" closes it with 4000 before HELLO, None serves it.
        """
        if how is None:
            self.gateway_faults.pop(address, None)
        else:
            self.gateway_faults[address] = how

    def request_reconnect(self) -> None:
        """Sends op 7: the client should reconnect and resume."""
        for session in self.sessions.values():
            if session.connection:
                session.connection.send_op(7)

    def invalidate(self, resumable: bool = False) -> None:
        """Sends op 9; unless `resumable` the sessions are gone and IDENTIFY must follow."""
        connections = [s.connection for s in self.sessions.values() if s.connection]
        if not resumable:
            self.sessions.clear()
        for connection in connections:
            connection.send_op(9, resumable)

    def gateway_events(self, kind: str) -> list[Any]:
        """What the log holds of this kind, such as "IDENTIFY", "RESUME" or "close"."""
        return [data for _, name, data in self.gateway_log if name == kind]

    # Serving

    async def serve_gateway(self, request: web.Request) -> web.WebSocketResponse:
        """One client connection from HELLO to its end."""
        fault = self.gateway_faults.get("resume" if request.path == RESUME_PATH else "gateway")
        if fault is not None:
            self._log("broken", fault)
            self.notify()
        if fault == "503":
            raise web.HTTPServiceUnavailable
        ws = web.WebSocketResponse(max_msg_size=1 << 16)
        await ws.prepare(request)
        if fault == "cut":
            await ws.close(code=4000)
            return ws
        connection = Connection(ws, request, request.query.get("compress", ""))
        interval = self.settings.heartbeat_ms
        connection.send_op(10, {"heartbeat_interval": interval, "_trace": []})
        frames: deque[float] = deque()
        client_code: int | None = None
        try:
            while True:
                frame = await ws.receive(timeout=interval / 1000 * 2)
                if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    if frame.type is WSMsgType.CLOSE and not connection.closing:
                        client_code = frame.data
                    break
                code = 4008 if self._too_many(frames) else self._receive_raw(connection, frame.data)
                self.notify()
                if code:
                    connection.close(code)
                    break
        except TimeoutError:
            connection.close(4009)
        finally:
            await self._end(connection, client_code)
        return ws

    async def _end(self, connection: Connection, client_code: int | None) -> None:
        if connection.closing:  # the writer sends the close frame once this reader has stopped
            await asyncio.wait([connection.writer], timeout=2)
        connection.writer.cancel()
        session = connection.session
        if session and session.connection is connection:
            session.connection = None
        if session and client_code in (1000, 1001):  # only a client's clean close ends a session
            self.sessions.pop(session.id, None)
        self._log("close", client_code)
        self.notify()

    @staticmethod
    def _too_many(frames: deque[float]) -> bool:
        """Counts a frame: a client may send 120 in 60 s."""
        frames.append(time.monotonic())
        while frames[0] < frames[-1] - 60:
            frames.popleft()
        return len(frames) > 120

    def _log(self, kind: str, data: object) -> None:
        self.gateway_log.append((time.monotonic(), kind, data))

    def _receive_raw(self, connection: Connection, raw: str | bytes) -> int | None:
        try:
            frame = json.loads(raw)
            return self._receive(connection, frame["op"], frame.get("d"))
        except (ValueError, KeyError, TypeError):
            return 4002

    def _receive(self, connection: Connection, op: int, data: Json) -> int | None:
        """Handles one client frame; answers the close code when it broke the protocol."""
        if op == 1:
            if self.ack_heartbeats:
                connection.send_op(11)
            return None
        shown = {k: v for k, v in (data or {}).items() if k != "token"}
        self._log(_NAMES.get(op, f"op{op}"), shown)
        session = connection.session
        if op in (2, 6):
            if session:
                return 4005
            if data["token"] != self.settings.token:
                return 4004
            return (self._identify if op == 2 else self._resume)(connection, data)
        if session is None:
            return 4003
        if op == 8:
            self._send_members(session, data)
        elif op not in (3, 4, 31):
            return 4001
        return None

    def _identify(self, connection: Connection, data: Json) -> int | None:
        intents, shard = data["intents"], data.get("shard") or (0, 1)
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return 4013
        granted = set(self.settings.privileged)
        if any(intents >> bit & 1 and name not in granted for bit, name in PRIVILEGED.items()):
            return 4014
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            return 4010
        if self.identifies >= self.settings.daily_identifies:
            return 4004  # Discord resets the token of a bot that uses them up
        if self._too_soon(shard[0]):
            connection.send_op(9, False)
            return None
        self.identifies += 1
        session = Session(intents, (shard[0], shard[1]), self.settings.history)
        self.sessions[session.id] = session
        connection.session, session.connection = session, connection
        mine = [guild for guild in self.guilds.values() if session.covers(guild["id"])]
        own = self.bot | {"verified": True, "mfa_enabled": True, "email": None}
        session.push(
            "READY",
            {
                "v": 10,
                "user": own,
                "guilds": [{"id": guild["id"], "unavailable": True} for guild in mine],
                "session_type": "normal",
                "session_id": session.id,
                "resume_gateway_url": self.resume_url,
                "shard": list(shard),
                "application": {"id": self.app_id, "flags": 0},
                "private_channels": [],
            },
        )
        for guild in mine:
            session.push("GUILD_CREATE", self.guild_create(guild, session))
        return None

    def _too_soon(self, shard: int) -> bool:
        """Whether the shard's concurrency key identified within the interval; see Settings."""
        key, current = shard % self.settings.max_concurrency, time.monotonic()
        since = current - self._identified.get(key, -1e9)
        enforced = self.settings.identify_interval_s
        if since < (enforced or 5.0):
            self._log("IDENTIFY_TOO_SOON", {"key": key, "after_s": round(since, 3)})
            if enforced:
                return True
        self._identified[key] = current
        return False

    def _resume(self, connection: Connection, data: Json) -> int | None:
        session = self.sessions.get(data["session_id"])
        seen = data["seq"]
        if session is None or (session.buffer and session.buffer[0][0] > seen + 1):
            connection.send_op(9, False)
            return None
        if seen > session.seq:
            return 4007
        connection.session, session.connection = session, connection
        for seq, text in session.buffer:
            if seq > seen:
                connection.send(text)
        session.push("RESUMED", {"_trace": []})
        return None

    def _send_members(self, session: Session, data: Json) -> None:
        gid = str(data["guild_id"])
        found = list(self.members[gid].values())
        if data.get("user_ids"):
            given = data["user_ids"]
            wanted = {str(u) for u in (given if isinstance(given, list) else [given])}
            found = [m for m in found if m["user"]["id"] in wanted]
        elif data.get("query"):
            found = [m for m in found if m["user"]["username"].startswith(data["query"])]
            found = found[: data["limit"]]
        elif not session.wants(MEMBERS_BIT):
            return
        parts = [found[i : i + 1000] for i in range(0, len(found), 1000)] or [[]]
        for index, part in enumerate(parts):
            session.push(
                "GUILD_MEMBERS_CHUNK",
                {
                    "guild_id": gid,
                    "members": part,
                    "chunk_index": index,
                    "chunk_count": len(parts),
                    "not_found": [],
                    "nonce": data.get("nonce"),
                },
            )
