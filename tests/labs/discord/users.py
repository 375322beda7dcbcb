"""What people do: the part of the driver that stands for users and their clients."""

import asyncio
import copy
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from tests.labs.discord.automod import AutoMod
from tests.labs.discord.constants import ALL_PERMS, DM, EVERYONE_PERMS, PERMS, THREAD_TYPES
from tests.labs.discord.records import Interaction, Json, Ref, Settings, id_of, now, walk_components


def check_value(option: Json, value: object) -> None:
    """Refuse what a client does not let one type for an option.

    Raises:
        ValueError: the value is of another kind, too small or too large, too short or too long.
    """
    kind, unit = option["type"], "value"
    match kind, value:
        case 3, str():
            size, unit = float(len(value)), "length"
        case (4, int()) | (10, int() | float()) if not isinstance(value, bool):
            size = float(value)
        case 5, bool():
            return
        case 6 | 7 | 8 | 9 | 11, dict():
            return
        case _:
            raise ValueError(f"{value!r} is no value of {option['name']}, an option of type {kind}")
    if not option.get(f"min_{unit}", size) <= size <= option.get(f"max_{unit}", size):
        raise ValueError(f"{value!r} is outside of what {option['name']} takes")


class Users(AutoMod):
    """Actions of users. They refuse what a real client would not offer, unless `force`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._last_sent: dict[tuple[str, str], float] = {}

    # Messages

    def send(
        self,
        user: Json,
        channel: Ref,
        content: str,
        *,
        reply_to: Json | None = None,
        attachments: Iterable[tuple[str, bytes]] = (),
        force: bool = False,
    ) -> Json:
        """A message of a user. PermissionError when muted, timed out, slowed down or blocked."""
        where = self.channels[id_of(channel)]
        if not force:
            self._check_may_send(user, where)
        hits = [] if force else self.screen(user, where, content)
        body: Json = {"content": content}
        if reply_to:
            body["message_reference"] = {"message_id": reply_to["id"]}
        files = [(f"files[{i}]", name, data) for i, (name, data) in enumerate(attachments)]
        message = self.post_message(where, user, body, files)
        self._last_sent[user["id"], where["id"]] = time.monotonic()
        self.apply_rules(hits, user, where, content, message)
        return message

    def _check_may_send(self, user: Json, channel: Json) -> None:
        gid = channel.get("guild_id")
        if not gid:
            return
        bits = self.permissions(gid, user["id"], channel)
        thread = channel["type"] in THREAD_TYPES
        if not bits & PERMS["SEND_MESSAGES_IN_THREADS" if thread else "SEND_MESSAGES"]:
            raise PermissionError(f"{user['username']} may not write in #{channel['name']}")
        wait: int = channel.get("rate_limit_per_user") or 0
        if not wait or user["bot"] or bits & PERMS["BYPASS_SLOWMODE"]:
            return
        left = self._last_sent.get((user["id"], channel["id"]), -1e9) + wait - time.monotonic()
        if left > 0:
            raise PermissionError(f"slowmode: {user['username']} has to wait {left:.1f} s (20016)")

    def edit(self, message: Json, content: str, *, force: bool = False) -> Json:
        """An edit by the author. PermissionError when AutoMod blocks it."""
        user, where = message["author"], self.channels[message["channel_id"]]
        hits = [] if force else self.screen(user, where, content)
        message |= {"content": content, "edited_timestamp": now()}
        self.edits[message["id"]] += 1
        self.emit_message("MESSAGE_UPDATE", message)
        self.apply_rules(hits, user, where, content, message)
        return message

    def delete(self, message: Json) -> None:
        """A deletion by the author or a moderator."""
        self.delete_messages(self.channels[message["channel_id"]], [message["id"]])

    def react(self, user: Json, message: Json, emoji: str) -> None:
        """Adds a reaction."""
        self.set_reaction(message, user, emoji, True)

    def unreact(self, user: Json, message: Json, emoji: str) -> None:
        """Takes a reaction back."""
        self.set_reaction(message, user, emoji, False)

    def type(self, user: Json, channel: Ref) -> None:
        """Shows that somebody is typing."""
        cid = id_of(channel)
        gid = self.channels[cid].get("guild_id")
        data: Json = {"channel_id": cid, "user_id": user["id"], "timestamp": int(time.time())}
        if gid:
            data |= {"guild_id": gid, "member": self.members[gid][user["id"]]}
        self.emit("TYPING_START", data, gid)

    def archive(self, thread: Json, *, locked: bool = False) -> None:
        """Archives a thread, and locks it when asked to."""
        state = {"archived": True, "locked": locked, "archive_timestamp": now()}
        thread["thread_metadata"] |= state
        self.emit("THREAD_UPDATE", thread, thread["guild_id"])

    async def forum_post(
        self,
        user: Json,
        forum: Ref,
        name: str,
        content: str,
        *,
        tags: Iterable[Ref] = (),
        starter_delay_s: float = 0.0,
    ) -> Json:
        """A forum post. Discord announces the thread before its first message exists.

        `starter_delay_s` widens that gap, in which writing to the thread fails with 40058 and
        fetching the starter message with 10008. A post that AutoMod blocks is not opened.
        """
        parent = self.channels[id_of(forum)]
        hits = self.screen(user, parent, content)
        thread = self.open_thread(parent, name, user, tags=[id_of(tag) for tag in tags])
        self.starterless.add(thread["id"])
        await asyncio.sleep(starter_delay_s)
        self.starterless.discard(thread["id"])
        starter = self.post_message(thread, user, {"content": content}, message_id=thread["id"])
        self.apply_rules(hits, user, thread, content, starter)
        return thread

    # Commands, components, modals

    def slash(
        self,
        user: Json,
        channel: Ref,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        locale: str = "en-US",
        kind: int = 1,
        focused: str | None = None,
        target: Json | None = None,
        force: bool = False,
    ) -> Interaction:
        """Invokes `"group sub"`; users, channels and roles are given as their objects.

        `focused` names the option being typed (autocomplete); `kind` 2 or 3 with `target`
        is a context menu on a user or message. Raises LookupError for an unregistered command,
        PermissionError for one that is hidden from this user or place, ValueError for missing,
        undeclared or illegal options. With `force` none of that is checked, as if no client were between.
        """
        where = self.channels[id_of(channel)]
        gid = where.get("guild_id")
        root, *subs = name.split(" ") if kind == 1 else [name]
        command = self._find_command(root, kind, gid)
        if not force:
            self._check_offered(command, user, where)
        data: Json = {"id": command["id"], "name": root, "type": kind}
        if command.get("guild_id"):
            data["guild_id"] = command["guild_id"]
        level, wrap = command, data
        for sub in subs:
            found = [o for o in level.get("options", []) if o["name"] == sub and o["type"] < 3]
            if not found:
                raise LookupError(f"/{root} has no subcommand {sub!r}")
            level = found[0]
            wrap["options"] = [{"name": sub, "type": level["type"]}]
            wrap = wrap["options"][0]
        resolved: Json = {}
        wrap["options"] = self._fill_options(level, dict(options or {}), focused, gid, resolved, force=force)
        if target:
            data["target_id"] = target["id"]
            self._resolve_into(resolved, gid, target)
        if resolved:
            data["resolved"] = resolved
        return self._interact(4 if focused else 2, user, where, data, locale=locale)

    def click(
        self, user: Json, message: Json, custom_id: str, values: list[str] | None = None
    ) -> Interaction:
        """Clicks a button, or picks values of a select, that the message carries and enables."""
        parts = walk_components(message["components"])
        part = next((p for p in parts if p.get("custom_id") == custom_id), None)
        if part is None:
            raise LookupError(f"no component {custom_id!r} on the message")
        if part.get("disabled"):
            raise PermissionError(f"component {custom_id!r} is disabled")
        data: Json = {"custom_id": custom_id, "component_type": part["type"]}
        data["id"] = part.get("id", 1)
        if values is not None:
            data["values"] = values
        where = self.channels[message["channel_id"]]
        return self._interact(3, user, where, data, message=message)

    def submit_modal(
        self, user: Json, opened: Interaction, values: Mapping[str, str], *, locale: str = "en-US"
    ) -> Interaction:
        """Fills in the modal that an interaction opened and submits it."""
        if not opened.modal:
            raise LookupError("that interaction opened no modal")
        rows = copy.deepcopy(opened.modal["components"])
        for part in walk_components(rows):
            if part.get("custom_id") in values:
                part["value"] = values[part["custom_id"]]
        data = {"custom_id": opened.modal["custom_id"], "components": rows}
        return self._interact(5, user, opened.channel, data, message=opened.message, locale=locale)

    def _find_command(self, root: str, kind: int, gid: str | None) -> Json:
        pool = [*self.commands.get(gid or "", []), *self.commands.get("global", [])]
        for command in pool:
            if command["name"] == root and command["type"] == kind:
                return command
        known = [c["name"] for c in pool]
        raise LookupError(f"command {root!r} is not registered; registered: {known}")

    def _check_offered(self, command: Json, user: Json, channel: Json) -> None:
        gid, name = channel.get("guild_id"), command["name"]
        declared = command.get("default_member_permissions")
        needed = int(declared or 0) if declared != "0" else PERMS["ADMINISTRATOR"]  # 0 is for nobody else
        if gid and needed & ~self.permissions(gid, user["id"], channel):
            who = user["username"]
            raise PermissionError(f"/{name} is hidden from {who}: default_member_permissions")
        contexts = command.get("contexts")
        if contexts is not None and (0 if gid else 1) not in contexts:
            raise PermissionError(f"/{name} is not offered in this context: {contexts}")

    def _fill_options(
        self, level: Json, given: Json, focused: str | None, gid: str | None, resolved: Json, *, force: bool
    ) -> list[Json]:
        declared = {o["name"]: o for o in level.get("options", []) if o["type"] > 2}
        if force:
            found = {key: declared.get(key, {"type": 3}) for key in given}
            return [{"name": key, "type": found[key]["type"], "value": given[key]} for key in given]
        if unknown := [key for key in given if key not in declared]:
            raise ValueError(f"options {unknown} are not declared; declared: {list(declared)}")
        needed = [name for name, option in declared.items() if option.get("required")]
        missing = [name for name in needed if name not in given]
        if missing and not focused:
            raise ValueError(f"missing required options {missing}")
        filled: list[Json] = []
        for key, value in given.items():
            option = declared[key]
            choices = [choice["value"] for choice in option.get("choices") or []]
            if choices and not focused and value not in choices:
                raise ValueError(f"{value!r} is not a choice of {key}: {choices}")
            if key != focused:
                check_value(option, value)
            if isinstance(value, dict):
                self._resolve_into(resolved, gid, value)
                value = value["id"]
            entry = {"name": key, "type": option["type"], "value": value}
            filled.append(entry | ({"focused": True} if key == focused else {}))
        return filled

    def _resolve_into(self, resolved: Json, gid: str | None, thing: Json) -> None:
        def put(kind: str, value: Json) -> None:
            resolved.setdefault(kind, {})[thing["id"]] = value

        if "username" in thing:
            put("users", thing)
            if gid and (member := self.members[gid].get(thing["id"])):
                slim = {k: v for k, v in member.items() if k not in ("user", "deaf", "mute")}
                put("members", slim | {"permissions": str(self.permissions(gid, thing["id"]))})
        elif "filename" in thing:
            put("attachments", thing)
        elif "author" in thing:
            put("messages", thing)
        elif "type" in thing:
            put("channels", thing | {"permissions": str(EVERYONE_PERMS)})
        else:
            put("roles", thing)

    def _interact(
        self,
        kind: int,
        user: Json,
        channel: Json,
        data: Json,
        *,
        message: Json | None = None,
        locale: str = "en-US",
    ) -> Interaction:
        gid = channel.get("guild_id")
        token = "aW50ZXJhY3Rpb246" + secrets.token_urlsafe(48)
        made = Interaction(self.snowflake(), token, kind, user, channel, data, gid, message)
        self.interactions[made.id] = made
        own = self.permissions(gid, self.app_id, channel) if gid else ALL_PERMS
        payload: Json = {
            "id": made.id,
            "application_id": self.app_id,
            "type": kind,
            "token": token,
            "version": 1,
            "data": data,
            "channel": channel,
            "channel_id": channel["id"],
            "locale": locale,
            "app_permissions": str(own),
            "entitlements": [],
            "attachment_size_limit": 10 << 20,
            "context": 1 if channel["type"] == DM else 0,
            "authorizing_integration_owners": {"0": gid or "0"},
        }
        if gid:
            guild_locale = self.guilds[gid]["preferred_locale"]
            bits = self.permissions(gid, user["id"], channel)
            payload |= {
                "guild_id": gid,
                "guild_locale": guild_locale,
                "guild": {"id": gid, "locale": guild_locale, "features": []},
                "member": {**self.members[gid][user["id"]], "permissions": str(bits)},
            }
        else:
            payload["user"] = user
        if message:
            payload["message"] = message
        self.emit("INTERACTION_CREATE", payload, gid)
        return made
