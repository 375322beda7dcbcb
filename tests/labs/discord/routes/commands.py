"""Application commands: reading and bulk overwrite, with the daily limit on new names."""

from typing import Any

from tests.labs.discord.records import ApiError, Json, invalid_form
from tests.labs.discord.routes.registry import APP, Call, rest
from tests.labs.discord.users import Users

_DEFAULTS: Json = {
    "default_member_permissions": None,
    "description": "",
    "dm_permission": True,
    "contexts": None,
    "integration_types": [0],
    "nsfw": False,
    "type": 1,
}
_MOST = {1: 100, 2: 15, 3: 15}


def _key(item: Json) -> tuple[Any, int]:
    return item.get("name"), item.get("type") or 1


@rest(f"GET {APP}/commands", f"GET {APP}/guilds/{{guild_id}}/commands")
async def get_commands(lab: Users, call: Call) -> list[Json]:
    return lab.commands.get(call.params.get("guild_id", "global"), [])


@rest(f"PUT {APP}/commands", f"PUT {APP}/guilds/{{guild_id}}/commands")
async def put_commands(lab: Users, call: Call) -> list[Json]:
    scope = call.params.get("guild_id", "global")
    if scope != "global" and scope not in lab.guilds:
        raise ApiError(403, 50001, "Missing Access")
    keys = [_key(item) for item in call.body]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            code = "APPLICATION_COMMANDS_DUPLICATE_NAME"
            raise invalid_form(f"{index}.name", code, "duplicate command name")
    for kind, most in _MOST.items():
        if sum(key[1] == kind for key in keys) > most:
            message = f"Maximum number of application commands reached ({most})."
            raise ApiError(400, 30032, message)
    old = {_key(item): item["id"] for item in lab.commands.get(scope, [])}
    _spend_creates(lab, scope, sum(key not in old for key in keys))
    made = [_stored(lab, scope, item, old.get(_key(item))) for item in call.body]
    lab.commands[scope] = made
    return made


def _spend_creates(lab: Users, scope: str, new: int) -> None:
    most = lab.settings.daily_command_creates
    if most is not None and lab.command_creates[scope] + new > most:
        message = f"Max number of daily application command creates has been reached ({most})"
        raise ApiError(400, 30034, message)
    lab.command_creates[scope] += new


def _stored(lab: Users, scope: str, item: Json, known_id: str | None) -> Json:
    given = {key: value for key, value in item.items() if value is not None}
    command = _DEFAULTS | given | {"application_id": lab.app_id}
    command |= {"id": known_id or lab.snowflake(), "version": lab.snowflake()}
    if scope != "global":
        command["guild_id"] = scope
    if command["default_member_permissions"] is not None:
        command["default_member_permissions"] = str(command["default_member_permissions"])
    return command
