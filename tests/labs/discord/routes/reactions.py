"""Reactions."""

from tests.labs.discord.records import Json
from tests.labs.discord.routes.registry import MESSAGE, Call, channel_of, message_of, rest
from tests.labs.discord.users import Users

ALL = MESSAGE + "/reactions"
EMOJI = ALL + "/{emoji_name}"


@rest(f"PUT {EMOJI}/@me")
async def add_reaction(lab: Users, call: Call) -> None:
    channel_of(lab, call, "READ_MESSAGE_HISTORY", "ADD_REACTIONS")
    lab.set_reaction(message_of(lab, call), lab.bot, call.params["emoji_name"], True)


@rest(f"DELETE {EMOJI}/@me", f"DELETE {EMOJI}/{{user_id}}")
async def remove_reaction(lab: Users, call: Call) -> None:
    uid = call.params.get("user_id")
    channel_of(lab, call, *(["MANAGE_MESSAGES"] if uid else []))
    user = lab.users[uid] if uid else lab.bot
    lab.set_reaction(message_of(lab, call), user, call.params["emoji_name"], False)


@rest(f"GET {EMOJI}")
async def get_reactors(lab: Users, call: Call) -> list[Json]:
    channel_of(lab, call, "READ_MESSAGE_HISTORY")
    key = (message_of(lab, call)["id"], call.params["emoji_name"])
    after, limit = int(call.query.get("after", 0)), int(call.query.get("limit", 25))
    people = sorted((p for p in lab.reactors.get(key, []) if int(p) > after), key=int)
    return [lab.users[person] for person in people[:limit]]


@rest(f"DELETE {ALL}", f"DELETE {EMOJI}")
async def clear_reactions(lab: Users, call: Call) -> None:
    channel_of(lab, call, "MANAGE_MESSAGES")
    message = message_of(lab, call)
    for (mid, emoji), people in list(lab.reactors.items()):
        if mid == message["id"] and call.params.get("emoji_name", emoji) == emoji:
            for person in list(people):
                lab.set_reaction(message, lab.users[person], emoji, False)
