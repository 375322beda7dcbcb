"""Members: timeouts, roles, kicks and bans."""

import time
from datetime import UTC, datetime, timedelta

from tests.labs.discord.constants import ALL_PERMS
from tests.labs.discord.records import ApiError, Json, id_of, invalid_form, snowflake_at
from tests.labs.discord.routes.registry import GUILD, MEMBER, Call, member_of, rest
from tests.labs.discord.users import Users

_LONGEST = timedelta(days=28, seconds=5)


@rest(f"GET {MEMBER}")
async def get_member(lab: Users, call: Call) -> Json:
    return member_of(lab, call)


@rest(f"GET {GUILD}/members")
async def get_members(lab: Users, call: Call) -> list[Json]:
    gid = call.params["guild_id"]
    lab.need(gid, None)
    after, limit = int(call.query.get("after", 0)), int(call.query.get("limit", 1))
    found = [m for m in lab.members[gid].values() if int(m["user"]["id"]) > after]
    return sorted(found, key=lambda m: int(m["user"]["id"]))[:limit]


@rest(f"PATCH {MEMBER}", f"PATCH {GUILD}/members/@me")
async def edit_member(lab: Users, call: Call) -> Json:
    gid, member = call.params["guild_id"], member_of(lab, call)
    uid, body = member["user"]["id"], dict(call.body)
    if "communication_disabled_until" in body:
        lab.need(gid, None, "MODERATE_MEMBERS")
        lab.need_outranks(gid, uid)
        body["communication_disabled_until"] = _timeout_end(lab, gid, uid, body)
    if "roles" in body:
        lab.need(gid, None, "MANAGE_ROLES")
        body["roles"] = [str(role) for role in body["roles"] or []]
    member |= {key: value for key, value in body.items() if key in member}
    changes = [{"key": key, "new_value": value} for key, value in body.items()]
    lab.log_audit(gid, 24, uid, call.reason, changes=changes)
    lab.emit("GUILD_MEMBER_UPDATE", {**member, "guild_id": gid}, gid)
    return member


def _timeout_end(lab: Users, gid: str, uid: str, body: Json) -> str | None:
    given = body["communication_disabled_until"]
    if not given:
        return None
    if lab.permissions(gid, uid) == ALL_PERMS:  # owners and administrators
        raise ApiError(403, 50013, "Missing Permissions")
    until = datetime.fromisoformat(given).astimezone(UTC)
    if until > datetime.now(UTC) + _LONGEST:
        code = "MEMBER_TIMEOUT_TOO_LONG"
        raise invalid_form("communication_disabled_until", code, "at most 28 days")
    return until.isoformat()


@rest(f"PUT {MEMBER}/roles/{{role_id}}")
async def add_role(lab: Users, call: Call) -> None:
    _set_role(lab, call, True)


@rest(f"DELETE {MEMBER}/roles/{{role_id}}")
async def remove_role(lab: Users, call: Call) -> None:
    _set_role(lab, call, False)


def _set_role(lab: Users, call: Call, on: bool) -> None:
    gid, rid, member = call.params["guild_id"], call.params["role_id"], member_of(lab, call)
    lab.need(gid, None, "MANAGE_ROLES")
    if rid not in [id_of(role) for role in lab.guilds[gid]["roles"]]:
        raise ApiError(404, 10011, "Unknown Role")
    member["roles"] = [r for r in member["roles"] if r != rid] + ([rid] if on else [])
    lab.log_audit(gid, 25, call.params["user_id"], call.reason)
    lab.emit("GUILD_MEMBER_UPDATE", {**member, "guild_id": gid}, gid)


@rest(f"DELETE {MEMBER}")
async def kick(lab: Users, call: Call) -> None:
    gid, uid = call.params["guild_id"], call.params["user_id"]
    member_of(lab, call)
    lab.need(gid, None, "KICK_MEMBERS")
    lab.need_outranks(gid, uid)
    lab.log_audit(gid, 20, uid, call.reason)
    lab.remove_member(gid, uid)


@rest(f"PUT {GUILD}/bans/{{user_id}}")
async def ban(lab: Users, call: Call) -> None:
    gid, uid = call.params["guild_id"], call.params["user_id"]
    lab.need(gid, None, "BAN_MEMBERS")
    if uid not in lab.users:
        raise ApiError(404, 10013, "Unknown User")
    lab.need_outranks(gid, uid)
    lab.bans[gid][uid] = {"user": lab.users[uid], "reason": call.reason}
    given = {**call.query, **call.body}  # discord.py puts these in the query
    seconds = int(given.get("delete_message_seconds") or 0)
    seconds = seconds or int(given.get("delete_message_days") or 0) * 86_400
    if seconds:
        _delete_recent(lab, gid, uid, seconds)
    lab.log_audit(gid, 22, uid, call.reason)
    if uid in lab.members[gid]:
        lab.remove_member(gid, uid)
    lab.emit("GUILD_BAN_ADD", {"guild_id": gid, "user": lab.users[uid]}, gid)


def _delete_recent(lab: Users, gid: str, uid: str, seconds: int) -> None:
    oldest = snowflake_at(time.time() - seconds)
    for channel in [c for c in lab.channels.values() if c.get("guild_id") == gid]:
        stored = lab.messages[channel["id"]].values()
        gone = [m["id"] for m in stored if m["author"]["id"] == uid and int(m["id"]) > oldest]
        if gone:
            lab.delete_messages(channel, gone)


@rest(f"DELETE {GUILD}/bans/{{user_id}}")
async def unban(lab: Users, call: Call) -> None:
    gid, uid = call.params["guild_id"], call.params["user_id"]
    lab.need(gid, None, "BAN_MEMBERS")
    if lab.bans[gid].pop(uid, None) is None:
        raise ApiError(404, 10026, "Unknown Ban")
    lab.log_audit(gid, 23, uid, call.reason)
    lab.emit("GUILD_BAN_REMOVE", {"guild_id": gid, "user": lab.users[uid]}, gid)


@rest(f"GET {GUILD}/bans")
async def get_bans(lab: Users, call: Call) -> list[Json]:
    lab.need(call.params["guild_id"], None, "BAN_MEMBERS")
    return list(lab.bans[call.params["guild_id"]].values())
