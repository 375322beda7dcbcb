"""Records and small functions shared by every part of the lab."""

import asyncio
import copy
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.labs.discord.constants import EPOCH_MS, PRIVILEGED

Json = dict[str, Any]
Ref = Json | str
"""A Discord object, or its id."""
# One uploaded file: form field, file name, bytes.
Upload = tuple[str, str, bytes]


def now() -> str:
    """The current time as Discord writes it."""
    return datetime.now(UTC).isoformat()


def id_of(thing: Ref) -> str:
    """The id of a Discord object, or the id itself."""
    return str(thing["id"] if isinstance(thing, dict) else thing)


def snowflake_at(unix_seconds: float) -> int:
    """The smallest id that can exist at this time."""
    return (int(unix_seconds * 1000) - EPOCH_MS) << 22


def walk_components(parts: Iterable[Json]) -> Iterator[Json]:
    """Every component of a message or modal, containers before their children."""
    for part in parts:
        yield part
        children = list(part.get("components") or [])
        children += [part[key] for key in ("accessory", "component") if part.get(key)]
        yield from walk_components(children)


def number_components(parts: Iterable[Json]) -> list[Json]:
    """A copy of the components in which each has an id, as Discord stores them."""
    copied = copy.deepcopy(list(parts))
    for index, part in enumerate(walk_components(copied), 1):
        part.setdefault("id", index)
    return copied


class ApiError(Exception):
    """An error answer in Discord's JSON form."""

    def __init__(self, status: int, code: int, message: str, **extra: object) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "code": code, **extra}


def invalid_form(path: str, code: str, message: str) -> ApiError:
    """Error 50035 with the offending field named the way Discord nests it."""
    node: Json = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        node = {part: node}
    return ApiError(400, 50035, "Invalid Form Body", errors=node)


@dataclass
class Settings:
    """Everything a test can choose for a lab; it reads them at each use, so that a test can change them."""

    token: str = "lab-token"
    heartbeat_ms: int = 41_250
    # Privileged intents granted in the portal; using another one closes with 4014.
    privileged: Iterable[str] = tuple(PRIVILEGED.values())
    # Events kept for RESUME, per session.
    history: int = 10_000
    # Seconds until an unanswered interaction is unknown (10062).
    interaction_deadline_s: float = 3.0
    # Seconds for which an interaction's token can be used.
    token_life_s: float = 900.0
    # IDENTIFYs a day; the next one closes with 4004.
    daily_identifies: int = 1000
    # Check the lab's own answers against the response schemas too.
    check_responses: bool = True
    # Enforce the rate-limit buckets and the global 50 a second.
    limits_enabled: bool = True
    # Recommended shard count and concurrency told by GET /gateway/bot.
    shards: int = 1
    max_concurrency: int = 1
    # Seconds between IDENTIFYs of one concurrency key. 0 only records a breach in
    # `lab.gateway_log`; 5.0 refuses it with INVALID_SESSION as Discord does.
    identify_interval_s: float = 0.0
    # New command names a day for each scope before 30034; None means no limit.
    daily_command_creates: int | None = 200
    # Seconds in which `enforce_nonce` finds a nonce again; Discord says "the past few minutes".
    nonce_window_s: float = 180.0


@dataclass
class Violation:
    """A call, or an answer of the lab, that Discord's OpenAPI document does not allow."""

    where: str
    kind: str
    detail: str
    body: Any = None


@dataclass
class Request:
    """One REST call as the bot made it, and what it got."""

    at: float
    method: str
    path: str
    route: str
    body: Any
    query: Json
    reason: str | None
    files: list[tuple[str, int]]
    status: int = 0
    ms: float = 0.0


@dataclass
class Fault:
    """Makes the next `count` calls matching `pattern` ("METHOD /template") fail or stall.

    With `executed` a call first takes effect and only its answer is lost, late or replaced; a
    call that would be refused anyway gets its own answer and does not use the fault up.
    """

    pattern: str
    status: int = 500
    count: int = 1
    retry_after_s: float = 0.3
    is_global: bool = False
    cloudflare: bool = False
    drop: bool = False
    delay_s: float = 0.0
    executed: bool = False
    gate: asyncio.Event | None = None
    """A call that meets the fault is held up until this is set."""

    async def hold(self) -> None:
        """Be as late as it was ordered."""
        await asyncio.sleep(self.delay_s)
        if self.gate is not None:
            await self.gate.wait()


_STATES = {
    None: "pending",
    4: "replied",
    5: "deferred",
    6: "deferred_update",
    7: "updated",
    8: "autocompleted",
    9: "modal",
}


@dataclass
class Interaction:
    """One invocation by a user and all that the bot did with it."""

    id: str
    token: str
    type: int
    user: Json
    channel: Json
    data: Json
    guild_id: str | None
    message: Json | None = None
    created: float = field(default_factory=time.monotonic)
    ack_type: int | None = None
    ack_ms: float | None = None
    deferred_flags: int = 0
    original: str | None = None
    followups: list[str] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> str:
        """How the bot has answered so far, in a word."""
        return _STATES.get(self.ack_type, "other")
