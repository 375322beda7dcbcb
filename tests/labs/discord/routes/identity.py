"""Who the bot is, and where its gateway is."""

from tests.labs.discord.constants import CONTENT_BIT, CONTENT_FLAG, PRIVILEGED
from tests.labs.discord.records import ApiError, Json
from tests.labs.discord.routes.registry import Call, rest
from tests.labs.discord.users import Users


@rest("GET /users/@me")
async def get_me(lab: Users, call: Call) -> Json:
    return lab.bot | {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


@rest("GET /users/{user_id}")
async def get_user(lab: Users, call: Call) -> Json:
    user = lab.users.get(call.params["user_id"])
    if user is None:
        raise ApiError(404, 10013, "Unknown User")
    return user


@rest("GET /applications/@me", "GET /oauth2/applications/@me")
async def get_application(lab: Users, call: Call) -> Json:
    flags = CONTENT_FLAG if PRIVILEGED[CONTENT_BIT] in lab.settings.privileged else 0
    return {
        "id": lab.app_id,
        "name": lab.bot["username"],
        "icon": None,
        "description": "",
        "type": None,
        "verify_key": "0" * 64,
        "flags": flags,
        "flags_new": str(flags),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": next(iter(lab.users.values())),
        "team": None,
        "bot": lab.bot,
        "bot_public": True,
        "bot_require_code_grant": False,
        "approximate_guild_count": len(lab.guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": [],
        "integration_types_config": {"0": {}, "1": {}},
    }


@rest("GET /gateway/bot")
async def get_gateway(lab: Users, call: Call) -> Json:
    start_limit = {
        "total": lab.settings.daily_identifies,
        "remaining": max(lab.settings.daily_identifies - lab.identifies, 0),
        "reset_after": 86_400_000,
        "max_concurrency": lab.settings.max_concurrency,
    }
    url, shards = lab.gateway_url, lab.settings.shards
    return {"url": url, "shards": shards, "session_start_limit": start_limit}


@rest("POST /users/@me/channels")
async def open_dm(lab: Users, call: Call) -> Json:
    user = lab.users.get(str(call.body["recipient_id"]))
    if user is None:
        raise ApiError(400, 50033, "Invalid Recipient(s)")
    return lab.dm(user)
