"""AutoMod: the rules of a guild, what triggers them and what they then do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.labs.discord.constants import PERMS
from tests.labs.discord.messages import Messages
from tests.labs.discord.records import ApiError, Json, Ref, id_of, invalid_form

KEYWORD, SPAM, PRESET, MENTION_SPAM, PROFILE = 1, 3, 4, 5, 6
BLOCK, ALERT, TIMEOUT = 1, 2, 3
_ALERT_MESSAGE = 24

# Rules of one trigger type that a guild can have.
MAX_RULES: Final = {KEYWORD: 6, SPAM: 1, PRESET: 1, MENTION_SPAM: 1, PROFILE: 1}
_WORDS: Final[Json] = {"keyword_filter": (), "regex_patterns": (), "allow_list": ()}
_METADATA: Final[dict[int, Json]] = {
    KEYWORD: _WORDS,
    SPAM: {},
    PRESET: {"allow_list": (), "presets": ()},
    MENTION_SPAM: {"mention_total_limit": 20, "mention_raid_protection_enabled": False},
    PROFILE: _WORDS,
}


@dataclass
class Hit:
    """A rule that a text triggers, and what in the text did it."""

    rule: Json
    keyword: str | None = None
    content: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether the rule keeps the message from being posted."""
        return any(action["type"] == BLOCK for action in self.rule["actions"])


def _finds(keyword: str, text: str, *, wide: bool = False) -> Iterator[re.Match[str]]:
    """Where a keyword with its wildcards stands; `wide` takes in the rest of the word."""
    core = keyword.strip("*")
    if not core:
        return iter(())
    head, tail = keyword.startswith("*"), keyword.endswith("*")
    edge = r"\w" if head or tail else r"\S"  # a whole word stands between white space
    rest = r"\w*" if wide else ""
    before = rest if head else f"(?<!{edge})"
    after = rest if tail else f"(?!{edge})"
    return re.finditer(before + re.escape(core) + after, text, re.IGNORECASE)


def find_keyword(metadata: Json, text: str) -> tuple[str, str] | None:
    """The first keyword or pattern that the text has outside what is allowed, and its match."""
    allowed = [m.span() for word in metadata["allow_list"] for m in _finds(word, text, wide=True)]
    searches = [(word, _finds(word, text)) for word in metadata["keyword_filter"]]
    searches += [(rule, re.finditer(rule, text)) for rule in metadata["regex_patterns"]]
    for keyword, found in searches:
        for match in found:
            covered = any(a <= match.start() and match.end() <= b for a, b in allowed)
            if match[0] and not covered:
                return keyword, match[0]
    return None


class AutoMod(Messages):
    """Keeps the rules and applies those on keywords and mentions to what users write."""

    def create_rule(self, guild: Ref, body: Json, creator: Ref | None = None) -> Json:
        """A new rule from a body as REST takes it; made by the owner unless `creator` is given.

        As on Discord, a rule is off without `"enabled": True`.
        """
        gid, trigger = id_of(guild), body["trigger_type"]
        rules = self.automod_rules.setdefault(gid, {})
        most = MAX_RULES[trigger]
        if sum(rule["trigger_type"] == trigger for rule in rules.values()) >= most:
            code = "AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED"
            text = f"Maximum number of rules with trigger type {trigger} is {most}"
            errors = {"_errors": [{"code": code, "message": text}]}
            raise ApiError(400, 50035, "Invalid Form Body", errors=errors)
        rule: Json = {
            "id": self.snowflake(),
            "guild_id": gid,
            "creator_id": id_of(creator) if creator else self.guilds[gid]["owner_id"],
            "name": body["name"],
            "event_type": body["event_type"],
            "trigger_type": trigger,
            "trigger_metadata": self._metadata_of(trigger, body.get("trigger_metadata")),
            "actions": self._actions_of(gid, trigger, body.get("actions")),
            "enabled": bool(body.get("enabled")),
            "exempt_roles": [str(key) for key in body.get("exempt_roles") or []],
            "exempt_channels": [str(key) for key in body.get("exempt_channels") or []],
        }
        rules[rule["id"]] = rule
        self._tell("AUTO_MODERATION_RULE_CREATE", rule)
        return rule

    def modify_rule(self, rule: Json, body: Json) -> Json:
        """Changes the given fields; trigger metadata and actions are replaced as a whole."""
        trigger, changed = rule["trigger_type"], dict[str, Any]()
        if "trigger_metadata" in body:
            changed["trigger_metadata"] = self._metadata_of(trigger, body["trigger_metadata"])
        if "actions" in body:
            changed["actions"] = self._actions_of(rule["guild_id"], trigger, body["actions"])
        for key in ("exempt_roles", "exempt_channels"):
            if key in body:
                changed[key] = [str(value) for value in body[key] or []]
        for key in ("name", "event_type", "enabled"):
            if body.get(key) is not None:
                changed[key] = body[key]
        rule |= changed
        self._tell("AUTO_MODERATION_RULE_UPDATE", rule)
        return rule

    def delete_rule(self, rule: Json) -> None:
        """Takes a rule away."""
        del self.automod_rules[rule["guild_id"]][rule["id"]]
        self._tell("AUTO_MODERATION_RULE_DELETE", rule)

    def screen(self, user: Json, channel: Json, content: str) -> list[Hit]:
        """What a user's text triggers. Blocked: the actions run and PermissionError is raised.

        Otherwise the caller posts the message and then runs the actions with `apply_rules`.
        """
        hits = list(self._triggered(user, channel, content))
        blocking = next((hit.rule for hit in hits if hit.blocks), None)
        if blocking is None:
            return hits
        self.apply_rules(hits, user, channel, content)
        custom = next(a["metadata"] for a in blocking["actions"] if a["type"] == BLOCK)
        why = custom.get("custom_message", "no explanation")
        text = f"AutoMod rule {blocking['name']!r} blocked {user['username']}: {why} (200000)"
        raise PermissionError(text)

    def apply_rules(
        self, hits: list[Hit], user: Json, channel: Json, content: str, message: Json | None = None
    ) -> None:
        """Runs the actions of triggered rules; `message` is None when it was blocked."""
        for hit in hits:
            for action in hit.rule["actions"]:
                more: Json = {"message_id": message["id"]} if message else {}
                if action["type"] == ALERT:
                    more |= self._alert(hit, action["metadata"], user, channel, content)
                elif action["type"] == TIMEOUT:
                    self._time_out(channel["guild_id"], user, action["metadata"])
                data: Json = {
                    "guild_id": channel["guild_id"],
                    "action": action,
                    "rule_id": hit.rule["id"],
                    "rule_trigger_type": hit.rule["trigger_type"],
                    "user_id": user["id"],
                    "channel_id": channel["id"],
                    "content": content,
                    "matched_keyword": hit.keyword,
                    "matched_content": hit.content,
                    **more,
                }
                self._tell("AUTO_MODERATION_ACTION_EXECUTION", data)

    # Inside

    def _tell(self, event: str, data: Json) -> None:
        """Sends an AutoMod event, which only bots with MANAGE_GUILD get."""
        gid = data["guild_id"]
        if self.permissions(gid, self.app_id) & PERMS["MANAGE_GUILD"]:
            self.emit(event, data, gid)

    def _triggered(self, user: Json, channel: Json, content: str) -> Iterator[Hit]:
        gid = channel.get("guild_id")
        rules = self.automod_rules.get(gid) if gid else None
        if not gid or not rules or user["bot"]:
            return
        if self.permissions(gid, user["id"]) & PERMS["MANAGE_GUILD"]:
            return
        held = {gid, *self.members[gid].get(user["id"], {}).get("roles", [])}
        places = {channel["id"], channel.get("parent_id")}
        for rule in list(rules.values()):
            exempt = held & {*rule["exempt_roles"]} or places & {*rule["exempt_channels"]}
            if not rule["enabled"] or exempt:
                continue
            metadata = rule["trigger_metadata"]
            if rule["trigger_type"] == KEYWORD and (found := find_keyword(metadata, content)):
                yield Hit(rule, *found)
            elif rule["trigger_type"] == MENTION_SPAM:
                unique = set(re.findall(r"<@[!&]?(\d+)>", content))
                if len(unique) > metadata["mention_total_limit"]:
                    yield Hit(rule)

    def _alert(self, hit: Hit, metadata: Json, user: Json, channel: Json, content: str) -> Json:
        """Posts the system message; its author is the user, its text is in an embed."""
        where = self.channels.get(metadata["channel_id"])
        if where is None:
            return {}
        shown = {
            "rule_name": hit.rule["name"],
            "channel_id": channel["id"],
            "keyword": hit.keyword or "",
            "keyword_matched_content": hit.content or "",
        }
        fields = [{"name": k, "value": v, "inline": False} for k, v in shown.items()]
        embed = {"type": "auto_moderation_message", "description": content, "fields": fields}
        posted = self.post_message(where, user, {"embeds": [embed]}, kind=_ALERT_MESSAGE)
        return {"alert_system_message_id": posted["id"]}

    def _time_out(self, gid: str, user: Json, metadata: Json) -> None:
        member = self.members[gid][user["id"]]
        until = datetime.now(UTC) + timedelta(seconds=metadata["duration_seconds"])
        member["communication_disabled_until"] = until.isoformat()
        self.emit("GUILD_MEMBER_UPDATE", {**member, "guild_id": gid}, gid)

    def _metadata_of(self, trigger: int, given: Json | None) -> Json:
        """Trigger metadata with every field that an answer carries."""
        filled: Json = {}
        for key, default in _METADATA[trigger].items():
            value = (given or {}).get(key)
            value = default if value is None else value
            filled[key] = list(value) if isinstance(default, tuple) else value
        for pattern in filled.get("regex_patterns", []):
            try:
                re.compile(pattern)
            except re.error as error:
                path = "trigger_metadata.regex_patterns"
                raise invalid_form(path, "INVALID_REGEX", f"{pattern}: {error}") from None
        return filled

    def _actions_of(self, gid: str, trigger: int, given: list[Json] | None) -> list[Json]:
        """Actions as they are stored, once they fit the trigger and the guild."""
        if not given:
            raise invalid_form("actions", "BASE_TYPE_REQUIRED", "This field is required")
        stored: list[Json] = []
        for index, action in enumerate(given):
            kind, path = action["type"], f"actions.{index}.metadata"
            metadata = {k: v for k, v in (action.get("metadata") or {}).items() if v is not None}
            if kind == BLOCK and len(metadata.get("custom_message", "")) > 150:
                text = "Must be 150 or fewer in length."
                raise invalid_form(f"{path}.custom_message", "BASE_TYPE_MAX_LENGTH", text)
            if kind == ALERT:
                metadata = {"channel_id": str(metadata["channel_id"])}
                if self.channels.get(metadata["channel_id"], {}).get("guild_id") != gid:
                    raise invalid_form(f"{path}.channel_id", "CHANNEL_INVALID", "Unknown channel")
            if kind == TIMEOUT:
                metadata.setdefault("duration_seconds", 0)
                if trigger not in (KEYWORD, MENTION_SPAM):
                    text = "A timeout needs a keyword or mention-spam rule"
                    raise invalid_form(f"actions.{index}.type", "ACTION_INVALID", text)
            stored.append({"type": kind, "metadata": metadata})
        return stored
