"""AutoMod rules."""

from tests.labs.discord.automod import TIMEOUT
from tests.labs.discord.records import ApiError, Json
from tests.labs.discord.routes.registry import GUILD, Call, rest
from tests.labs.discord.users import Users

RULES = GUILD + "/auto-moderation/rules"
RULE = RULES + "/{rule_id}"


def _guild_of(lab: Users, call: Call) -> str:
    """The guild of the path, once the bot may do what the call asks."""
    gid = call.params["guild_id"]
    lab.need(gid, None, "MANAGE_GUILD")
    if any(action["type"] == TIMEOUT for action in call.body.get("actions") or []):
        lab.need(gid, None, "MODERATE_MEMBERS")
    return gid


def _rule_of(lab: Users, call: Call) -> Json:
    rule = lab.automod_rules.get(_guild_of(lab, call), {}).get(call.params["rule_id"])
    if rule is None:
        raise ApiError(404, 0, "404: Not Found")
    return rule


@rest(f"GET {RULES}")
async def get_rules(lab: Users, call: Call) -> list[Json]:
    return list(lab.automod_rules.get(_guild_of(lab, call), {}).values())


@rest(f"GET {RULE}")
async def get_rule(lab: Users, call: Call) -> Json:
    return _rule_of(lab, call)


@rest(f"POST {RULES}")
async def create_rule(lab: Users, call: Call) -> Json:
    gid = _guild_of(lab, call)
    rule = lab.create_rule(gid, call.body, lab.bot)
    lab.log_audit(gid, 140, rule["id"], call.reason)
    return rule


@rest(f"PATCH {RULE}")
async def modify_rule(lab: Users, call: Call) -> Json:
    rule = lab.modify_rule(_rule_of(lab, call), call.body)
    lab.log_audit(rule["guild_id"], 141, rule["id"], call.reason)
    return rule


@rest(f"DELETE {RULE}")
async def delete_rule(lab: Users, call: Call) -> None:
    rule = _rule_of(lab, call)
    lab.delete_rule(rule)
    lab.log_audit(rule["guild_id"], 142, rule["id"], call.reason)
