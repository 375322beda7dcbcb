"""Guilds, their roles and the audit log."""

from tests.labs.discord.records import Json
from tests.labs.discord.routes.registry import GUILD, Call, rest
from tests.labs.discord.users import Users


@rest(f"GET {GUILD}")
async def get_guild(lab: Users, call: Call) -> Json:
    lab.need(call.params["guild_id"], None)
    return lab.guilds[call.params["guild_id"]]


@rest(f"GET {GUILD}/roles")
async def get_roles(lab: Users, call: Call) -> list[Json]:
    lab.need(call.params["guild_id"], None)
    roles: list[Json] = lab.guilds[call.params["guild_id"]]["roles"]
    return roles


@rest(f"POST {GUILD}/roles")
async def create_role(lab: Users, call: Call) -> Json:
    gid = call.params["guild_id"]
    lab.need(gid, None, "MANAGE_ROLES")
    name, bits = call.body.get("name") or "new role", int(call.body.get("permissions") or 0)
    role = lab.create_role(gid, name, bits)
    lab.log_audit(gid, 30, role["id"], call.reason)
    return role


@rest(f"GET {GUILD}/audit-logs")
async def get_audit_log(lab: Users, call: Call) -> Json:
    gid = call.params["guild_id"]
    lab.need(gid, None, "VIEW_AUDIT_LOG")
    wanted, limit = call.query.get("action_type"), int(call.query.get("limit", 50))
    found = [e for e in lab.audit[gid] if wanted is None or e["action_type"] == int(wanted)]
    return {
        "audit_log_entries": found[:limit],
        "users": list(lab.users.values()),
        "integrations": [],
        "webhooks": [],
        "guild_scheduled_events": [],
        "threads": [],
        "application_commands": [],
        "auto_moderation_rules": list(lab.automod_rules.get(gid, {}).values()),
    }
