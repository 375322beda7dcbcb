"""New Discord objects with the fields that the published schemas require."""

from collections.abc import Iterable

from tests.labs.discord.records import Json, now


def new_user(uid: str, name: str, bot: bool) -> Json:
    """A user object."""
    return {
        "id": uid,
        "username": name,
        "global_name": None if bot else name.title(),
        "avatar": None,
        "discriminator": "0",
        "public_flags": 0,
        "flags": 0,
        "bot": bot,
        "primary_guild": None,
    }


def new_guild(gid: str, name: str, owner_id: str, locale: str) -> Json:
    """A guild object without roles, members or channels."""
    nothing: Json = dict.fromkeys(
        (
            "icon",
            "splash",
            "discovery_splash",
            "banner",
            "home_header",
            "description",
            "afk_channel_id",
            "system_channel_id",
            "widget_channel_id",
            "max_presences",
            "vanity_url_code",
            "rules_channel_id",
            "safety_alerts_channel_id",
            "public_updates_channel_id",
            "incidents_data",
            "application_id",
        )
    )
    zero: Json = dict.fromkeys(
        (
            "system_channel_flags",
            "verification_level",
            "mfa_level",
            "explicit_content_filter",
            "nsfw_level",
            "premium_tier",
            "premium_subscription_count",
        ),
        0,
    )
    return {
        "id": gid,
        "name": name,
        "owner_id": owner_id,
        "preferred_locale": locale,
        "region": "local",
        "afk_timeout": 300,
        "widget_enabled": False,
        "nsfw": False,
        "default_message_notifications": 1,
        "max_members": 500_000,
        "premium_progress_bar_enabled": False,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "features": ["COMMUNITY"],
        "emojis": [],
        "stickers": [],
        "roles": [],
        **nothing,
        **zero,
    }


def new_role(rid: str, name: str, permissions: int, position: int) -> Json:
    """A role object."""
    return {
        "id": rid,
        "name": name,
        "permissions": str(permissions),
        "position": position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def new_member(user: Json, roles: list[str], nick: str | None) -> Json:
    """A member object."""
    return {
        "user": user,
        "nick": nick,
        "avatar": None,
        "banner": None,
        "roles": roles,
        "joined_at": now(),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }


def new_channel(cid: str, kind: int, gid: str, name: str, position: int) -> Json:
    """A guild channel."""
    return {
        "id": cid,
        "type": kind,
        "guild_id": gid,
        "name": name,
        "position": position,
        "flags": 0,
        "nsfw": False,
        "last_message_id": None,
    }


def new_forum_fields(tags: Iterable[tuple[str, str]]) -> Json:
    """What a forum has beyond a channel; tags are (id, name)."""
    available = [
        {"id": tid, "name": name, "moderated": False, "emoji_id": None, "emoji_name": None}
        for tid, name in tags
    ]
    return {
        "available_tags": available,
        "default_reaction_emoji": None,
        "default_sort_order": None,
        "default_forum_layout": 0,
    }


def new_thread(tid: str, kind: int, parent: Json, name: str, owner_id: str, archive_after: int) -> Json:
    """A thread of this parent channel."""
    return {
        "id": tid,
        "type": kind,
        "flags": 0,
        "guild_id": parent["guild_id"],
        "name": name,
        "parent_id": parent["id"],
        "owner_id": owner_id,
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "rate_limit_per_user": 0,
        "last_message_id": None,
        "thread_metadata": {
            "archived": False,
            "archive_timestamp": now(),
            "locked": False,
            "auto_archive_duration": archive_after,
            "create_timestamp": now(),
        },
    }
