"""How a REST handler is registered, what it gets, and the checks most of them share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.labs.discord.records import ApiError, Json, Upload
from tests.labs.discord.users import Users

CHANNEL = "/channels/{channel_id}"
MESSAGE = CHANNEL + "/messages/{message_id}"
GUILD = "/guilds/{guild_id}"
MEMBER = GUILD + "/members/{user_id}"
HOOK = "/webhooks/{webhook_id}/{webhook_token}"
APP = "/applications/{application_id}"


@dataclass
class Call:
    """One call: path parameters, JSON body ({} when empty), query, audit reason, files."""

    params: dict[str, str]
    body: Any
    query: Json
    reason: str | None
    files: list[Upload]


Made = tuple[int, Json]
"""A status other than 200, and the body."""

# Answers the JSON body, (status, body), or None for 204.
Handler = Callable[[Users, Call], Awaitable[Any]]
ROUTES: dict[str, Handler] = {}


def rest(*routes: str) -> Callable[[Handler], Handler]:
    """Registers a handler for these "METHOD /template" routes."""

    def add(handler: Handler) -> Handler:
        ROUTES.update(dict.fromkeys(routes, handler))
        return handler

    return add


def channel_of(lab: Users, call: Call, *needed: str) -> Json:
    """The channel of the path, once the bot may see it and has the permissions."""
    channel = lab.channels.get(call.params["channel_id"])
    if channel is None:
        raise ApiError(404, 10003, "Unknown Channel")
    lab.need(channel.get("guild_id"), channel, *needed)
    return channel


def message_of(lab: Users, call: Call) -> Json:
    """The message of the path."""
    stored = lab.messages.get(call.params["channel_id"], {})
    message = stored.get(call.params["message_id"])
    if message is None:
        raise ApiError(404, 10008, "Unknown Message")
    return message


def member_of(lab: Users, call: Call) -> Json:
    """The member of the path; "@me" is the bot."""
    uid = call.params.get("user_id") or lab.app_id
    member = lab.members.get(call.params["guild_id"], {}).get(uid)
    if member is None:
        raise ApiError(404, 10007, "Unknown Member")
    return member
