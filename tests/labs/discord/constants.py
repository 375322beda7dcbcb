"""Permission bits, intents, limits and the client deviations that Discord accepts."""

from typing import Final

# Milliseconds between the Unix epoch and Discord's, for snowflakes.
EPOCH_MS: Final = 1_420_070_400_000

PERMS: Final[dict[str, int]] = {
    name: 1 << bit
    for name, bit in {
        "KICK_MEMBERS": 1,
        "BAN_MEMBERS": 2,
        "ADMINISTRATOR": 3,
        "MANAGE_CHANNELS": 4,
        "MANAGE_GUILD": 5,
        "ADD_REACTIONS": 6,
        "VIEW_AUDIT_LOG": 7,
        "VIEW_CHANNEL": 10,
        "SEND_MESSAGES": 11,
        "MANAGE_MESSAGES": 13,
        "EMBED_LINKS": 14,
        "ATTACH_FILES": 15,
        "READ_MESSAGE_HISTORY": 16,
        "MENTION_EVERYONE": 17,
        "MANAGE_ROLES": 28,
        "MANAGE_WEBHOOKS": 29,
        "MANAGE_THREADS": 34,
        "CREATE_PUBLIC_THREADS": 35,
        "CREATE_PRIVATE_THREADS": 36,
        "SEND_MESSAGES_IN_THREADS": 38,
        "MODERATE_MEMBERS": 40,
        "PIN_MESSAGES": 51,
        "BYPASS_SLOWMODE": 52,
    }.items()
}
ALL_PERMS: Final = (1 << 53) - 1
EVERYONE_PERMS: Final = sum(
    PERMS[name]
    for name in (
        "VIEW_CHANNEL",
        "SEND_MESSAGES",
        "EMBED_LINKS",
        "ATTACH_FILES",
        "READ_MESSAGE_HISTORY",
        "ADD_REACTIONS",
        "CREATE_PUBLIC_THREADS",
        "SEND_MESSAGES_IN_THREADS",
    )
)

TEXT, DM, FORUM, MEDIA = 0, 1, 15, 16
THREAD_TYPES: Final = (10, 11, 12)

EPHEMERAL: Final = 1 << 6
COMPONENTS_V2: Final = 1 << 15

# Intents that an app must be granted; the bit and its name in `Settings.privileged`.
PRIVILEGED: Final[dict[int, str]] = {
    1: "GUILD_MEMBERS",
    8: "GUILD_PRESENCES",
    15: "MESSAGE_CONTENT",
}
KNOWN_INTENTS: Final = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))
MEMBERS_BIT, CONTENT_BIT = 1, 15
# Flag of an application in few guilds that has that intent: GATEWAY_MESSAGE_CONTENT_LIMITED.
CONTENT_FLAG: Final = 1 << 19

# Event-name prefix -> (guild intent bit, direct-message intent bit). The longest prefix wins;
# an event without a prefix here is always sent, and one with a bit of None never.
EVENT_INTENTS: Final[dict[str, tuple[int, int | None]]] = {
    "GUILD_": (0, None),
    "CHANNEL_": (0, None),
    "THREAD_": (0, None),
    "GUILD_MEMBER_": (1, None),
    "GUILD_BAN_": (2, None),
    "GUILD_AUDIT_": (2, None),
    "MESSAGE_": (9, 12),
    "MESSAGE_REACTION_": (10, 13),
    "TYPING_": (11, 14),
    "AUTO_MODERATION_RULE_": (20, None),
    "AUTO_MODERATION_ACTION_": (21, None),
}

# Calls per seconds for each route. Discord publishes no sizes: these are community-observed
# guesses, meant to be overridden through `lab.limits[...]`.
DEFAULT_LIMITS: Final[dict[str, tuple[int, float]]] = {
    "POST /channels/{channel_id}/messages": (5, 5.0),
    "PATCH /channels/{channel_id}/messages/{message_id}": (5, 5.0),
    "DELETE /channels/{channel_id}/messages/{message_id}": (5, 1.0),
    "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me": (1, 0.25),
    "POST /channels/{channel_id}/messages/bulk-delete": (1, 1.0),
    "PATCH /channels/{channel_id}": (2, 600.0),
    "PUT /applications/{application_id}/commands": (2, 60.0),
    "*": (50, 1.0),
}
GLOBAL_LIMIT: Final = (50, 1.0)

# What discord.py 2.7.1 sends against the published document and Discord accepts nevertheless;
# such findings go to `lab.quirks` instead of `lab.violations`.
CLIENT_QUIRKS: Final = (
    r"PATCH .*fields not in the specification: \['tts'\]",
    r"threads unknown query.*'use_nested_fields'",
    r"PUT .*/bans/.*(unknown query parameter 'delete_message_|required body is missing)",
)
