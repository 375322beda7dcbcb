"""The in-memory world: users, guilds, roles, channels, permissions, and who gets which event."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tests.labs.discord.constants import (
    ALL_PERMS,
    CONTENT_BIT,
    DEFAULT_LIMITS,
    DM,
    EVENT_INTENTS,
    EVERYONE_PERMS,
    FORUM,
    PERMS,
    TEXT,
    THREAD_TYPES,
)
from tests.labs.discord.objects import (
    new_channel,
    new_forum_fields,
    new_guild,
    new_member,
    new_role,
    new_user,
)
from tests.labs.discord.records import (
    ApiError,
    Fault,
    Interaction,
    Json,
    Ref,
    Request,
    Settings,
    Violation,
    id_of,
    now,
    snowflake_at,
)
from tests.labs.discord.session import Session

PATIENCE_S = 60.0
"""Something that never happens fails a test after this time; it never decides about a passing one."""

T = TypeVar("T")


class World:
    """State of the lab and the rules that read it. Every object is plain Discord JSON."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # the community
        self.users: dict[str, Json] = {}
        self.guilds: dict[str, Json] = {}
        self.channels: dict[str, Json] = {}
        self.members: dict[str, dict[str, Json]] = {}
        self.messages: dict[str, dict[str, Json]] = {}
        self.reactors: dict[tuple[str, str], list[str]] = {}
        self.pins: dict[str, dict[str, str]] = {}
        self.bans: dict[str, dict[str, Json]] = {}
        self.audit: dict[str, list[Json]] = {}
        self.commands: dict[str, list[Json]] = {}
        self.command_creates: Counter[str] = Counter()
        self.interactions: dict[str, Interaction] = {}
        self.uploads: dict[str, tuple[str, bytes]] = {}
        self.closed_dms: set[str] = set()
        self.starterless: set[str] = set()
        self.automod_rules: dict[str, dict[str, Json]] = {}
        self.nonces: dict[str, str] = {}
        self.edits: Counter[str] = Counter()
        self._nonces: dict[tuple[str, str, str], tuple[float, str]] = {}
        # what happened
        self.requests: list[Request] = []
        self.violations: list[Violation] = []
        self.quirks: list[Violation] = []
        self.own_violations: list[Violation] = []
        self.unimplemented: Counter[str] = Counter()
        self.crashes: list[tuple[str, str]] = []
        self.rate_limited: Counter[str] = Counter()
        self.gateway_log: list[tuple[float, str, Any]] = []
        # what a test may turn while the lab runs
        self.faults: list[Fault] = []
        self.limits = dict(DEFAULT_LIMITS)
        self.latency_s = 0.0
        self.ack_heartbeats = True
        # the network side
        self.sessions: dict[str, Session] = {}
        self.identifies = 0
        self.base_url = self.rest_url = self.gateway_url = self.resume_url = ""
        self.port = 0
        self._changed = asyncio.Event()
        self._last_id = 0
        self.bot = self.create_user("testbot", bot=True)
        self.app_id: str = self.bot["id"]

    def snowflake(self) -> str:
        """A fresh id, increasing and carrying the time."""
        self._last_id = max(self._last_id + 1, snowflake_at(time.time()))
        return str(self._last_id)

    # Building (before or after the bot connects)

    def create_user(self, name: str, *, bot: bool = False) -> Json:
        """A person, or another bot."""
        user = new_user(self.snowflake(), name, bot)
        self.users[user["id"]] = user
        return user

    def message(self, message: Ref) -> Json:
        """The message with this id, wherever it stands.

        Raises:
            LookupError: there is none, or no longer.
        """
        mid = id_of(message)
        for stored in self.messages.values():
            if mid in stored:
                return stored[mid]
        raise LookupError(f"no message {mid}")

    def create_guild(
        self,
        name: str,
        *,
        bot_permissions: int = ALL_PERMS & ~PERMS["ADMINISTRATOR"],
        everyone: int = EVERYONE_PERMS,
        locale: str = "en-US",
    ) -> Json:
        """A guild with an owner of its own and the bot in it, the bot's role on top."""
        owner = self.create_user(f"{name}-owner")
        guild = new_guild(self.snowflake(), name, owner["id"], locale)
        gid = guild["id"]
        self.guilds[gid], self.members[gid], self.bans[gid], self.audit[gid] = guild, {}, {}, []
        self.create_role(guild, "@everyone", everyone, role_id=gid)
        bot_role = self.create_role(guild, self.bot["username"], bot_permissions)
        self.add_member(guild, owner)
        self.add_member(guild, self.bot, roles=[bot_role])
        for session in self.sessions.values():
            if session.covers(gid):
                session.push("GUILD_CREATE", self.guild_create(guild, session))
        return guild

    def create_role(
        self,
        guild: Ref,
        name: str,
        permissions: int = 0,
        *,
        role_id: str | None = None,
        bot: Ref | None = None,
    ) -> Json:
        """A role above @everyone and under the bot's own role; `bot` is whom it came with."""
        gid = id_of(guild)
        roles = self.guilds[gid]["roles"]
        role = new_role(role_id or self.snowflake(), name, permissions, len(roles))
        if bot is not None:
            role |= {"managed": True, "tags": {"bot_id": id_of(bot)}}
        if len(roles) > 1:
            top = next(r for r in roles if r["name"] == self.bot["username"])
            role["position"] = len(roles) - 1
            top["position"] = max(top["position"], len(roles))
        roles.append(role)
        self.emit("GUILD_ROLE_CREATE", {"guild_id": gid, "role": role}, gid)
        return role

    def create_channel(
        self,
        guild: Ref,
        name: str,
        type: int = TEXT,
        *,
        tags: Iterable[str] = (),
        topic: str | None = None,
        overwrites: Iterable[Json] = (),
        parent: Ref | None = None,
        slowmode: int = 0,
    ) -> Json:
        """A text channel, or with `type=15` a forum with these tags."""
        gid = id_of(guild)
        position = sum(c.get("guild_id") == gid for c in self.channels.values())
        channel = new_channel(self.snowflake(), type, gid, name, position)
        channel |= {
            "topic": topic,
            "permission_overwrites": list(overwrites),
            "rate_limit_per_user": slowmode,
            "parent_id": id_of(parent) if parent else None,
        }
        if type == FORUM:
            channel |= new_forum_fields((self.snowflake(), tag) for tag in tags)
        self.channels[channel["id"]], self.messages[channel["id"]] = channel, {}
        self.emit("CHANNEL_CREATE", channel, gid)
        return channel

    def add_member(
        self, guild: Ref, user: Json, *, roles: Iterable[Ref] = (), nick: str | None = None
    ) -> Json:
        """Lets a user join."""
        gid = id_of(guild)
        member = new_member(user, [id_of(role) for role in roles], nick)
        self.members[gid][user["id"]] = member
        self.emit("GUILD_MEMBER_ADD", {**member, "guild_id": gid}, gid)
        return member

    def remove_member(self, guild: Ref, user: Ref) -> None:
        """Lets a user leave."""
        gid, uid = id_of(guild), id_of(user)
        self.members[gid].pop(uid)
        self.emit("GUILD_MEMBER_REMOVE", {"guild_id": gid, "user": self.users[uid]}, gid)

    def dm(self, user: Json) -> Json:
        """The direct-message channel between this user and the bot."""
        for channel in self.channels.values():
            if channel["type"] == DM and channel["recipients"][0]["id"] == user["id"]:
                return channel
        channel = {
            "id": self.snowflake(),
            "type": DM,
            "flags": 0,
            "recipients": [user],
            "last_message_id": None,
        }
        self.channels[channel["id"]], self.messages[channel["id"]] = channel, {}
        return channel

    # Rules

    def permissions(self, gid: str, uid: str, channel: Json | None = None) -> int:
        """What a member may do: roles, then the channel's overwrites, then a running timeout."""
        guild, member = self.guilds[gid], self.members[gid].get(uid)
        if member is None:
            return 0
        held = {gid, *member["roles"]}
        bits = 0
        for role in guild["roles"]:
            if role["id"] in held:
                bits |= int(role["permissions"])
        if guild["owner_id"] == uid or bits & PERMS["ADMINISTRATOR"]:
            return ALL_PERMS
        source = channel
        if channel and channel["type"] in THREAD_TYPES:
            source = self.channels.get(str(channel.get("parent_id")))
        overwrites = {o["id"]: o for o in (source or {}).get("permission_overwrites", [])}
        for layer in ([gid], member["roles"], [uid]):
            found = [overwrites[key] for key in layer if key in overwrites]
            for overwrite in found:
                bits &= ~int(overwrite["deny"])
            for overwrite in found:
                bits |= int(overwrite["allow"])
        until = member["communication_disabled_until"]
        if until and until > now():
            bits &= PERMS["VIEW_CHANNEL"] | PERMS["READ_MESSAGE_HISTORY"]
        return bits if bits & PERMS["VIEW_CHANNEL"] or channel is None else 0

    def need(self, gid: str | None, channel: Json | None, *names: str) -> None:
        """Raises the error Discord gives a bot that lacks these permissions."""
        if gid is None:
            return
        if gid not in self.guilds:
            raise ApiError(404, 10004, "Unknown Guild")
        bits = self.permissions(gid, self.app_id, channel)
        if channel is not None and not bits & PERMS["VIEW_CHANNEL"]:
            raise ApiError(403, 50001, "Missing Access")
        if any(not bits & PERMS[name] for name in names):
            raise ApiError(403, 50013, "Missing Permissions")

    def need_outranks(self, gid: str, uid: str) -> None:
        """Raises 50013 unless the bot's top role is above the member's."""

        def top(who: str) -> int:
            held = self.members[gid][who]["roles"]
            ranks = (r["position"] for r in self.guilds[gid]["roles"] if r["id"] in held)
            return max(ranks, default=0)

        is_owner = uid == self.guilds[gid]["owner_id"]
        if is_owner or (uid in self.members[gid] and top(uid) >= top(self.app_id)):
            raise ApiError(403, 50013, "Missing Permissions")

    def log_audit(
        self, gid: str | None, action: int, target: str, reason: str | None, **extra: object
    ) -> None:
        """Writes one audit-log entry of the bot."""
        if gid is None:
            return
        entry: Json = {
            "id": self.snowflake(),
            "action_type": action,
            "user_id": self.app_id,
            "target_id": target,
            **({"reason": reason} if reason else {}),
            **extra,
        }
        self.audit[gid].insert(0, entry)
        self.emit("GUILD_AUDIT_LOG_ENTRY_CREATE", {**entry, "guild_id": gid}, gid)

    # Events

    def emit(self, event: str, data: Json, gid: str | None = None) -> None:
        """Sends an event to each session whose shard and intents cover it."""
        rule = max((p for p in EVENT_INTENTS if event.startswith(p)), key=len, default=None)
        for session in self.sessions.values():
            if not session.covers(gid):
                continue
            if rule:
                bit = EVENT_INTENTS[rule][0 if gid else 1]
                if event == "GUILD_MEMBER_UPDATE" and data["user"]["id"] == self.app_id:
                    bit = 0  # a bot is told of itself whatever it asked for
                if bit is None or not session.wants(bit):
                    continue
            session.push(event, self._redacted(event, data, session))
        self.notify()

    def _redacted(self, event: str, message: Json, session: Session) -> Json:
        if event == "AUTO_MODERATION_ACTION_EXECUTION" and not session.wants(CONTENT_BIT):
            return message | {"content": "", "matched_content": ""}
        if event not in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            return message
        return message if session.wants(CONTENT_BIT) else self.without_content(message)

    def without_content(self, message: Json) -> Json:
        """A message as a bot without MESSAGE_CONTENT gets it: whole if direct, its own or mentioning it."""
        visible = (
            "guild_id" not in self.channels[message["channel_id"]]
            or message["author"]["id"] == self.app_id
            or any(user["id"] == self.app_id for user in message["mentions"])
        )
        if visible:
            return message
        if answered := message.get("referenced_message"):
            message = message | {"referenced_message": self.without_content(answered)}
        return message | {"content": "", "embeds": [], "attachments": [], "components": []}

    def guild_create(self, guild: Json, session: Session) -> Json:
        """GUILD_CREATE as this session gets it (large guilds: the bot's own member only)."""
        gid = guild["id"]
        channels = [c for c in self.channels.values() if c.get("guild_id") == gid]
        members = list(self.members[gid].values())
        large = len(members) > 250
        count = len(members)
        if large or not session.wants(1):
            members = [self.members[gid][self.app_id]] if self.app_id in self.members[gid] else []
        threads = [c for c in channels if c["type"] in THREAD_TYPES]
        return guild | {
            "joined_at": now(),
            "large": large,
            "unavailable": False,
            "member_count": count,
            "members": members,
            "channels": [c for c in channels if c["type"] not in THREAD_TYPES],
            "threads": [t for t in threads if not t["thread_metadata"]["archived"]],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    # Waiting

    async def until(self, condition: Callable[[], T], within_s: float = PATIENCE_S) -> T:
        """Wait, without polling, for something to become true; it is asked after every change of the world.

        Returns:
            What the condition answered, which is truthy.

        Raises:
            AssertionError: it never came true, with what the bot did last.
        """
        try:
            async with asyncio.timeout(within_s):
                while not (found := condition()):
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"never came true\n{self.transcript(last=20)}") from None
        return found

    def notify(self) -> None:
        """Wake whoever waits in `until`."""
        self._changed.set()
        self._changed = asyncio.Event()

    def transcript(self, last: int = 1000) -> str:
        """REST calls and gateway frames of the bot in order, for a failing test's output."""
        rows = [(r.at, _line(r)) for r in self.requests]
        rows += [(at, f"GW   {kind} {str(data)[:120]}") for at, kind, data in self.gateway_log]
        return "\n".join(text for _, text in sorted(rows)[-last:])


def _line(request: Request) -> str:
    body = json.dumps(request.body, ensure_ascii=False)[:160]
    what = f"{request.method} {request.path}"
    return f"REST {what} -> {request.status} ({request.ms:.0f} ms) {body}"
