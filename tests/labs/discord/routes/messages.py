"""Messages and pins."""

import time

from tests.labs.discord.constants import DM, EPHEMERAL, FORUM, MEDIA, THREAD_TYPES
from tests.labs.discord.records import ApiError, Json, invalid_form, now, snowflake_at
from tests.labs.discord.routes.registry import CHANNEL, MESSAGE, Call, channel_of, message_of, rest
from tests.labs.discord.users import Users

_BULK_AGE = 14 * 86_400
_MOST_PINS = 250


@rest(f"GET {CHANNEL}/messages")
async def get_history(lab: Users, call: Call) -> list[Json]:
    return [_readable(lab, message) for message in _history(lab, call)]


def _readable(lab: Users, message: Json) -> Json:
    """What the bot may read of it: the portal's switch for content counts here, not the session's intent."""
    return message if "MESSAGE_CONTENT" in lab.settings.privileged else lab.without_content(message)


def _history(lab: Users, call: Call) -> list[Json]:
    channel = channel_of(lab, call, "READ_MESSAGE_HISTORY")
    stored = lab.messages[channel["id"]].values()
    found = sorted((m for m in stored if not m["flags"] & EPHEMERAL), key=lambda m: int(m["id"]))
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        text = "int value should be between 1 and 100."
        raise invalid_form("limit", "NUMBER_TYPE_MAX", text)
    if after := call.query.get("after"):
        return [m for m in found if int(m["id"]) > int(after)][:limit][::-1]
    if around := call.query.get("around"):
        older = [m for m in found if int(m["id"]) <= int(around)][-(limit // 2 + 1) :]
        newer = [m for m in found if int(m["id"]) > int(around)][: limit // 2]
        return (older + newer)[::-1][:limit]
    if before := call.query.get("before"):
        found = [m for m in found if int(m["id"]) < int(before)]
    return found[::-1][:limit]


@rest(f"GET {MESSAGE}")
async def get_message(lab: Users, call: Call) -> Json:
    channel_of(lab, call, "READ_MESSAGE_HISTORY")
    return _readable(lab, message_of(lab, call))


@rest(f"POST {CHANNEL}/messages")
async def create_message(lab: Users, call: Call) -> Json:
    channel = channel_of(lab, call)
    thread = channel["type"] in THREAD_TYPES
    needed = ["SEND_MESSAGES_IN_THREADS" if thread else "SEND_MESSAGES"]
    needed += ["EMBED_LINKS"] if call.body.get("embeds") else []
    needed += ["ATTACH_FILES"] if call.files else []
    lab.need(channel.get("guild_id"), channel, *needed)
    if channel["type"] == DM and channel["recipients"][0]["id"] in lab.closed_dms:
        raise ApiError(403, 50007, "Cannot send messages to this user")
    if channel["id"] in lab.starterless:
        text = "Cannot message this thread until after the post author has sent an initial message"
        raise ApiError(400, 40058, text)
    if channel["type"] in (FORUM, MEDIA):
        raise ApiError(400, 50008, "Cannot send messages in a non-text channel")
    if existing := lab.sent_with_nonce(channel, lab.bot, call.body):
        return existing
    message = lab.post_message(channel, lab.bot, call.body, call.files)
    nonce = call.body.get("nonce")
    return message if nonce is None else message | {"nonce": nonce}


@rest(f"PATCH {MESSAGE}")
async def edit_message(lab: Users, call: Call) -> Json:
    channel_of(lab, call)
    message = message_of(lab, call)
    if message["author"]["id"] != lab.app_id:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    return lab.patch_message(message, call.body, call.files)


@rest(f"DELETE {MESSAGE}")
async def delete_message(lab: Users, call: Call) -> None:
    channel, message = channel_of(lab, call), message_of(lab, call)
    if message["author"]["id"] != lab.app_id:
        if "guild_id" not in channel:
            raise ApiError(403, 50003, "Cannot execute action on a DM channel")
        lab.need(channel["guild_id"], channel, "MANAGE_MESSAGES")
        details = {"channel_id": channel["id"], "count": "1"}
        author = message["author"]["id"]
        lab.log_audit(channel["guild_id"], 72, author, call.reason, options=details)
    lab.delete_messages(channel, [message["id"]])


@rest(f"POST {CHANNEL}/messages/bulk-delete")
async def bulk_delete(lab: Users, call: Call) -> None:
    channel = channel_of(lab, call, "MANAGE_MESSAGES")
    ids = [str(key) for key in call.body["messages"]]
    if not 2 <= len(ids) <= 100:
        text = "Must be between 2 and 100 in length."
        raise invalid_form("messages", "BASE_TYPE_BAD_LENGTH", text)
    oldest = snowflake_at(time.time() - _BULK_AGE)
    if any(int(key) < oldest for key in ids):
        text = "You can only bulk delete messages that are under 14 days old."
        raise ApiError(400, 50034, text)
    details = {"count": str(len(ids))}
    lab.log_audit(channel.get("guild_id"), 73, channel["id"], call.reason, options=details)
    lab.delete_messages(channel, ids)


@rest(f"POST {CHANNEL}/typing")
async def start_typing(lab: Users, call: Call) -> None:
    lab.type(lab.bot, channel_of(lab, call, "SEND_MESSAGES"))


@rest(f"GET {CHANNEL}/messages/pins")
async def get_pins(lab: Users, call: Call) -> Json:
    cid = channel_of(lab, call)["id"]
    stored, pinned = lab.messages[cid], lab.pins.get(cid, {})
    latest = sorted(((at, key) for key, at in pinned.items() if key in stored), reverse=True)
    if before := call.query.get("before"):
        latest = [each for each in latest if each[0] < before.replace(" ", "+")]
    limit = int(call.query.get("limit") or 50)
    items = [{"pinned_at": at, "message": _readable(lab, stored[key])} for at, key in latest[:limit]]
    return {"items": items, "has_more": len(latest) > limit}


@rest(f"PUT {CHANNEL}/messages/pins/{{message_id}}", f"PUT {CHANNEL}/pins/{{message_id}}")
async def pin(lab: Users, call: Call) -> None:
    _set_pin(lab, call, True)


@rest(f"DELETE {CHANNEL}/messages/pins/{{message_id}}", f"DELETE {CHANNEL}/pins/{{message_id}}")
async def unpin(lab: Users, call: Call) -> None:
    _set_pin(lab, call, False)


def _set_pin(lab: Users, call: Call, on: bool) -> None:
    channel, message = channel_of(lab, call, "PIN_MESSAGES"), message_of(lab, call)
    gid = channel.get("guild_id")
    pinned = lab.pins.setdefault(channel["id"], {})
    pinned.pop(message["id"], None)
    if on and len(pinned) >= _MOST_PINS:
        raise ApiError(400, 30003, f"Maximum number of pins reached ({_MOST_PINS})")
    if on:
        pinned[message["id"]] = now()
    message["pinned"] = on
    details = {"channel_id": channel["id"], "message_id": message["id"]}
    author = message["author"]["id"]
    lab.log_audit(gid, 74 if on else 75, author, call.reason, options=details)
    data = {"channel_id": channel["id"], "guild_id": gid, "last_pin_timestamp": now()}
    lab.emit("CHANNEL_PINS_UPDATE", data, gid)
