"""Channels."""

from tests.labs.discord.records import Json, now
from tests.labs.discord.routes.registry import CHANNEL, GUILD, Call, Made, channel_of, rest
from tests.labs.discord.users import Users

_THREAD_KEYS = ("archived", "locked", "auto_archive_duration")


@rest(f"GET {CHANNEL}")
async def get_channel(lab: Users, call: Call) -> Json:
    return channel_of(lab, call)


@rest(f"PATCH {CHANNEL}")
async def edit_channel(lab: Users, call: Call) -> Json:
    channel = channel_of(lab, call)
    thread = channel.get("thread_metadata")
    if not (thread and channel["owner_id"] == lab.app_id):
        needed = "MANAGE_THREADS" if thread else "MANAGE_CHANNELS"
        lab.need(channel.get("guild_id"), channel, needed)
    if thread and call.body.get("archived", thread["archived"]) != thread["archived"]:
        thread["archive_timestamp"] = now()
    for key, value in call.body.items():
        if thread and key in _THREAD_KEYS:
            thread[key] = value
        else:
            channel[key] = value
    lab.log_audit(channel["guild_id"], 111 if thread else 11, channel["id"], call.reason)
    lab.emit("THREAD_UPDATE" if thread else "CHANNEL_UPDATE", channel, channel["guild_id"])
    return channel


@rest(f"DELETE {CHANNEL}")
async def delete_channel(lab: Users, call: Call) -> Json:
    channel = channel_of(lab, call)
    thread = "thread_metadata" in channel
    gid = channel.get("guild_id")
    lab.need(gid, channel, "MANAGE_THREADS" if thread else "MANAGE_CHANNELS")
    lab.channels.pop(channel["id"])
    lab.log_audit(gid, 112 if thread else 12, channel["id"], call.reason)
    lab.emit("THREAD_DELETE" if thread else "CHANNEL_DELETE", channel, gid)
    return channel


@rest(f"GET {GUILD}/channels")
async def get_channels(lab: Users, call: Call) -> list[Json]:
    lab.need(call.params["guild_id"], None)
    mine = [c for c in lab.channels.values() if c.get("guild_id") == call.params["guild_id"]]
    return [channel for channel in mine if "thread_metadata" not in channel]


@rest(f"POST {GUILD}/channels")
async def create_channel(lab: Users, call: Call) -> Made:
    gid, body = call.params["guild_id"], call.body
    lab.need(gid, None, "MANAGE_CHANNELS")
    return 201, lab.create_channel(
        gid,
        body["name"],
        body.get("type") or 0,
        topic=body.get("topic"),
        overwrites=body.get("permission_overwrites") or (),
        parent=body.get("parent_id"),
        slowmode=body.get("rate_limit_per_user") or 0,
    )


@rest(f"PUT {CHANNEL}/permissions/{{overwrite_id}}")
async def set_overwrite(lab: Users, call: Call) -> None:
    key = call.params["overwrite_id"]
    made = {"id": key, "type": call.body["type"], "allow": "0", "deny": "0"}
    made |= {name: str(call.body[name]) for name in ("allow", "deny") if call.body.get(name)}
    _change_overwrites(lab, call, [made])


@rest(f"DELETE {CHANNEL}/permissions/{{overwrite_id}}")
async def drop_overwrite(lab: Users, call: Call) -> None:
    _change_overwrites(lab, call, [])


def _change_overwrites(lab: Users, call: Call, made: list[Json]) -> None:
    channel = channel_of(lab, call, "MANAGE_ROLES")
    others = [o for o in channel["permission_overwrites"] if o["id"] != call.params["overwrite_id"]]
    known = len(others) < len(channel["permission_overwrites"])
    channel["permission_overwrites"] = [*others, *made]
    lab.log_audit(channel["guild_id"], (14 if made else 15) if known else 13, channel["id"], call.reason)
    lab.emit("CHANNEL_UPDATE", channel, channel["guild_id"])
