"""Threads: making, joining and listing them."""

from collections.abc import Iterable
from datetime import UTC, datetime

from tests.labs.discord.constants import FORUM, MEDIA, PERMS
from tests.labs.discord.records import ApiError, Json, invalid_form, now
from tests.labs.discord.routes.registry import (
    CHANNEL,
    GUILD,
    MESSAGE,
    Call,
    Made,
    channel_of,
    message_of,
    rest,
)
from tests.labs.discord.users import Users

_PUBLIC, _PRIVATE = (10, 11), (12,)


@rest(f"POST {MESSAGE}/threads", f"POST {CHANNEL}/threads")
async def create_thread(lab: Users, call: Call) -> Made:
    parent = channel_of(lab, call, "CREATE_PUBLIC_THREADS")
    key = call.params.get("message_id")
    if key and key in lab.channels:
        raise ApiError(400, 160004, "A thread has already been created for this message")
    forum = parent["type"] in (FORUM, MEDIA)
    tags = call.body.get("applied_tags") or ()
    if forum and parent["flags"] & 1 << 4 and not tags:
        raise ApiError(400, 40067, "A tag is required to create a forum post in this channel")
    message = message_of(lab, call) if key else None
    thread = lab.open_thread(
        parent,
        call.body["name"],
        lab.bot,
        thread_id=key,
        tags=tags,
        type=11 if key or forum else call.body.get("type") or 12,
        archive_after=call.body.get("auto_archive_duration"),
    )
    thread["member"] = _joined(lab, thread)
    if message:
        message |= {"flags": message["flags"] | 1 << 5, "thread": thread}
        lab.emit_message("MESSAGE_UPDATE", message)
    if forum:
        body = call.body["message"]
        starter = lab.post_message(thread, lab.bot, body, call.files, message_id=thread["id"])
        return 201, thread | {"message": starter}
    return 201, thread


@rest(f"PUT {CHANNEL}/thread-members/@me")
async def join_thread(lab: Users, call: Call) -> None:
    thread = channel_of(lab, call)
    thread.setdefault("member", _joined(lab, thread))


@rest(f"DELETE {CHANNEL}/thread-members/@me")
async def leave_thread(lab: Users, call: Call) -> None:
    channel_of(lab, call).pop("member", None)


@rest(f"GET {CHANNEL}/thread-members/{{user_id}}")
async def get_thread_member(lab: Users, call: Call) -> Json:
    thread, user = channel_of(lab, call), call.params["user_id"]
    if user != thread["owner_id"]:  # who else is in a thread is not kept
        raise ApiError(404, 10007, "Unknown Member")
    return _joined(lab, thread) | {"user_id": user}


@rest(
    f"PUT {CHANNEL}/thread-members/{{user_id}}",
    f"DELETE {CHANNEL}/thread-members/{{user_id}}",
)
async def change_thread_member(lab: Users, call: Call) -> None:
    channel_of(lab, call)  # who else is in a thread is not kept


@rest(f"GET {GUILD}/threads/active")
async def get_active_threads(lab: Users, call: Call) -> Json:
    gid = call.params["guild_id"]
    lab.need(gid, None)
    mine = [c for c in lab.channels.values() if c.get("guild_id") == gid]
    found = [t for t in _threads(mine, archived=False) if _may_see(lab, t)]
    return _listing(sorted(found, key=_by_id, reverse=True))


@rest(f"GET {CHANNEL}/threads/archived/public")
async def get_public_archived(lab: Users, call: Call) -> Json:
    parent = channel_of(lab, call, "READ_MESSAGE_HISTORY")
    return _page(call, _archived(lab, parent, _PUBLIC))


@rest(f"GET {CHANNEL}/threads/archived/private")
async def get_private_archived(lab: Users, call: Call) -> Json:
    parent = channel_of(lab, call, "READ_MESSAGE_HISTORY", "MANAGE_THREADS")
    return _page(call, _archived(lab, parent, _PRIVATE))


@rest(f"GET {CHANNEL}/users/@me/threads/archived/private")
async def get_joined_archived(lab: Users, call: Call) -> Json:
    parent = channel_of(lab, call, "READ_MESSAGE_HISTORY")
    joined = [t for t in _archived(lab, parent, _PRIVATE) if "member" in t]
    before = int(call.query.get("before") or 1 << 63)
    found = [t for t in joined if _by_id(t) < before]
    return _listing(sorted(found, key=_by_id, reverse=True), _limit(call))


def _joined(lab: Users, thread: Json) -> Json:
    return {"id": thread["id"], "user_id": lab.app_id, "join_timestamp": now(), "flags": 0}


def _by_id(thread: Json) -> int:
    return int(thread["id"])


def _when(text: str) -> datetime:
    """A time from a query or a thread; a plus sign that the query lost is put back."""
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise invalid_form("before", "DATE_TIME_TYPE_PARSE", "not an ISO8601 time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _archived_at(thread: Json) -> datetime:
    return _when(thread["thread_metadata"]["archive_timestamp"])


def _may_see(lab: Users, thread: Json) -> bool:
    """Private threads are shown to those in them and to MANAGE_THREADS."""
    bits = lab.permissions(thread["guild_id"], lab.app_id, thread)
    inside = thread["type"] not in _PRIVATE or "member" in thread
    return bool(bits & PERMS["VIEW_CHANNEL"] and (inside or bits & PERMS["MANAGE_THREADS"]))


def _threads(channels: Iterable[Json], *, archived: bool) -> list[Json]:
    threads = [c for c in channels if "thread_metadata" in c]
    return [t for t in threads if t["thread_metadata"]["archived"] == archived]


def _archived(lab: Users, parent: Json, kinds: tuple[int, ...]) -> list[Json]:
    mine = [c for c in lab.channels.values() if c.get("parent_id") == parent["id"]]
    return [t for t in _threads(mine, archived=True) if t["type"] in kinds]


def _limit(call: Call) -> int:
    limit = int(call.query.get("limit") or 50)
    if not 2 <= limit <= 100:
        text = "int value should be between 2 and 100."
        raise invalid_form("limit", "NUMBER_TYPE_MIN", text)
    return limit


def _page(call: Call, threads: list[Json]) -> Json:
    """Archived threads, the latest archived first."""
    if before := call.query.get("before"):
        end = _when(before)
        threads = [t for t in threads if _archived_at(t) < end]
    return _listing(sorted(threads, key=_archived_at, reverse=True), _limit(call))


def _listing(threads: list[Json], limit: int | None = None) -> Json:
    shown = threads[:limit]
    return {
        "threads": shown,
        "members": [thread["member"] for thread in shown if "member" in thread],
        "has_more": len(shown) < len(threads),
    }
