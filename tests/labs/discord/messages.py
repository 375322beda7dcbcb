"""Messages, reactions and threads: how they are stored, limited and announced."""

import re
import time
from collections.abc import Iterable

from tests.labs.discord.constants import COMPONENTS_V2, EPHEMERAL, FORUM, MEDIA, PERMS
from tests.labs.discord.objects import new_thread
from tests.labs.discord.records import (
    ApiError,
    Interaction,
    Json,
    Ref,
    Upload,
    id_of,
    invalid_form,
    now,
    number_components,
    walk_components,
)
from tests.labs.discord.world import World


def check_message_limits(body: Json) -> None:
    """The limits Discord enforces beyond its published schema."""
    if len(body.get("content") or "") > 2000:
        raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    if len(str(body.get("nonce") or "")) > 25:
        raise invalid_form("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    embeds = body.get("embeds") or []
    if sum(map(_embed_size, embeds)) > 6000:
        raise invalid_form("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds 6000")
    if (body.get("flags") or 0) & COMPONENTS_V2 and (body.get("content") or embeds):
        code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
        raise invalid_form("content", code, "not with components v2")
    parts = walk_components(body.get("components") or [])
    ids = [part["custom_id"] for part in parts if part.get("custom_id")]
    if len(ids) != len(set(ids)):
        code = "COMPONENT_CUSTOM_ID_DUPLICATED"
        raise invalid_form("components", code, "Component custom id cannot be duplicated")


def _embed_size(embed: Json) -> int:
    texts = [embed.get("title") or "", embed.get("description") or ""]
    texts.append((embed.get("footer") or {}).get("text", ""))
    texts.append((embed.get("author") or {}).get("name", ""))
    texts += [f["name"] + f["value"] for f in embed.get("fields", [])]
    return sum(map(len, texts))


class Messages(World):
    """What can be done to messages, whoever does it."""

    def post_message(
        self,
        channel: Json,
        author: Json,
        body: Json,
        files: Iterable[Upload] = (),
        *,
        interaction: Interaction | None = None,
        message_id: str | None = None,
        kind: int = 0,
        webhook_id: str | None = None,
    ) -> Json:
        """Stores a message and announces it, unless it is ephemeral.

        The nonce goes into MESSAGE_CREATE only: the stored message does not carry it.
        """
        gid, files = channel.get("guild_id"), list(files)
        carries = ("content", "embeds", "components", "sticker_ids", "poll")
        if not kind and not files and not any(body.get(key) for key in carries):
            raise ApiError(400, 50006, "Cannot send an empty message")
        check_message_limits(body)
        self._wake_thread(channel)
        message: Json = {
            "id": message_id or self.snowflake(),
            "channel_id": channel["id"],
            "type": kind,
            "content": body.get("content") or "",
            "author": author,
            "mentions": [],
            "mention_roles": [],
            "mention_everyone": False,
            "tts": False,
            "attachments": [self._store_upload(part) for part in files],
            "embeds": [{"type": "rich", **embed} for embed in body.get("embeds") or []],
            "timestamp": now(),
            "edited_timestamp": None,
            "flags": body.get("flags") or 0,
            "pinned": False,
            "components": number_components(body.get("components") or []),
        }
        self._mark_mentions(message, body.get("allowed_mentions"), gid)
        if body.get("message_reference"):
            self._mark_reply(message, body, channel)
        if author["id"] == self.app_id:
            message["application_id"] = self.app_id
        if webhook_id:
            message["webhook_id"] = webhook_id
        if interaction:
            message |= {
                "type": 20 if interaction.type == 2 else 0,
                "webhook_id": self.app_id,
                "interaction_metadata": {
                    "id": interaction.id,
                    "type": 2,
                    "user": interaction.user,
                    "authorizing_integration_owners": {"0": gid or "0"},
                },
            }
        self.messages[channel["id"]][message["id"]] = message
        if not message["flags"] & EPHEMERAL:
            channel["last_message_id"] = message["id"]
            self.emit_message("MESSAGE_CREATE", message | self._note_nonce(message, body))
        return message

    def sent_with_nonce(self, channel: Json, author: Json, body: Json) -> Json | None:
        """What the author has already sent here with this nonce, if `enforce_nonce` asks."""
        nonce = body.get("nonce")
        if nonce is None or not body.get("enforce_nonce"):
            return None
        at, key = self._nonces.get((channel["id"], author["id"], str(nonce)), (-1e9, ""))
        found = self.messages[channel["id"]].get(key)
        recent = time.monotonic() - at < self.settings.nonce_window_s
        return found | {"nonce": nonce} if found and recent else None

    def _note_nonce(self, message: Json, body: Json) -> Json:
        """Remembers the nonce for its window; the field that echoes it."""
        nonce, current = body.get("nonce"), time.monotonic()
        if nonce is None:
            return {}
        self.nonces[message["id"]] = str(nonce)
        key = (message["channel_id"], message["author"]["id"], str(nonce))
        self._nonces.pop(key, None)
        self._nonces[key] = (current, message["id"])
        stale = current - self.settings.nonce_window_s
        while self._nonces and next(iter(self._nonces.values()))[0] < stale:
            del self._nonces[next(iter(self._nonces))]
        return {"nonce": nonce}

    def patch_message(self, message: Json, body: Json, files: Iterable[Upload] = ()) -> Json:
        """Applies an edit of the bot."""
        check_message_limits(body)
        empty: Json = {"content": "", "embeds": [], "flags": 0}
        hidden = message["flags"] & EPHEMERAL  # no edit shows it to others
        for key, default in empty.items():
            if key in body:
                message[key] = body[key] if body[key] is not None else default
        message["flags"] |= hidden
        message["embeds"] = [{"type": "rich", **embed} for embed in message["embeds"]]
        if "components" in body:
            message["components"] = number_components(body["components"] or [])
        if "attachments" in body:
            kept = {str(a["id"]) for a in body["attachments"] or []}
            message["attachments"] = [a for a in message["attachments"] if a["id"] in kept]
        message["attachments"] += [self._store_upload(part) for part in files]
        message["edited_timestamp"] = now()
        self.edits[message["id"]] += 1
        if not message["flags"] & EPHEMERAL:
            self.emit_message("MESSAGE_UPDATE", message)
        return message

    def delete_messages(self, channel: Json, ids: list[str]) -> None:
        """Deletes one message, or several in bulk."""
        gid = channel.get("guild_id")
        stored = self.messages[channel["id"]]
        hidden = {key for key in ids if key in stored and stored[key]["flags"] & EPHEMERAL}
        gone = [key for key in ids if stored.pop(key, None) and key not in hidden]
        base = {"channel_id": channel["id"], **({"guild_id": gid} if gid else {})}
        if len(ids) > 1:
            self.emit("MESSAGE_DELETE_BULK", {"ids": gone, **base}, gid)
        elif gone:
            self.emit("MESSAGE_DELETE", {"id": gone[0], **base}, gid)

    def emit_message(self, event: str, message: Json) -> None:
        """Announces a message with the guild fields that the gateway adds."""
        gid = self.channels[message["channel_id"]].get("guild_id")
        data = dict(message)
        if gid:
            data["guild_id"] = gid
            if member := self.members[gid].get(message["author"]["id"]):
                data["member"] = {k: v for k, v in member.items() if k != "user"}
        self.emit(event, data, gid)

    def set_reaction(self, message: Json, user: Json, emoji: str, on: bool) -> None:
        """Adds or removes one reaction ("👍" or "name:id"); a repeat changes nothing."""
        name, _, custom = emoji.partition(":")
        entry = {"id": custom or None, "name": name}
        people = self.reactors.setdefault((message["id"], emoji), [])
        if (user["id"] in people) == on:
            return
        if on:
            people.append(user["id"])
        else:
            people.remove(user["id"])
        reactions = [r for r in message.get("reactions", []) if r["emoji"] != entry]
        if people:
            reactions.append(
                {
                    "emoji": entry,
                    "count": len(people),
                    "count_details": {"burst": 0, "normal": len(people)},
                    "burst_colors": [],
                    "me": self.app_id in people,
                    "me_burst": False,
                }
            )
        message["reactions"] = reactions
        gid = self.channels[message["channel_id"]].get("guild_id")
        data: Json = {
            "user_id": user["id"],
            "channel_id": message["channel_id"],
            "message_id": message["id"],
            "emoji": entry,
            "burst": False,
            "type": 0,
            **({"guild_id": gid} if gid else {}),
        }
        if on:
            data |= {"message_author_id": message["author"]["id"], "burst_colors": []}
            if gid:
                data["member"] = self.members[gid][user["id"]]
        self.emit(f"MESSAGE_REACTION_{'ADD' if on else 'REMOVE'}", data, gid)

    def open_thread(
        self,
        parent: Json,
        name: str,
        owner: Json,
        *,
        type: int = 11,
        thread_id: str | None = None,
        archive_after: int | None = None,
        tags: Iterable[Ref] = (),
    ) -> Json:
        """A thread or forum post, still without messages."""
        tid = thread_id or self.snowflake()
        thread = new_thread(tid, type, parent, name, owner["id"], archive_after or 4320)
        thread["rate_limit_per_user"] = parent.get("default_thread_rate_limit_per_user") or 0
        if parent["type"] in (FORUM, MEDIA):
            thread["applied_tags"] = [id_of(tag) for tag in tags]
        self.channels[tid], self.messages[tid] = thread, {}
        self.emit("THREAD_CREATE", thread | {"newly_created": True}, parent["guild_id"])
        return thread

    def _wake_thread(self, channel: Json) -> None:
        meta = channel.get("thread_metadata")
        if meta and meta["archived"]:
            if meta["locked"]:
                raise ApiError(400, 50083, "Thread is archived")
            meta |= {"archived": False, "archive_timestamp": now()}
            self.emit("THREAD_UPDATE", channel, channel["guild_id"])

    def _mark_mentions(self, message: Json, allowed: Json | None, gid: str | None) -> None:
        """Fills the mention fields from the content, as far as allowed_mentions lets it."""
        rules = allowed or {}
        parse = None if allowed is None else rules.get("parse", [])
        text = message["content"]
        users = [u for u in dict.fromkeys(re.findall(r"<@!?(\d+)>", text)) if u in self.users]
        if parse is not None and "users" not in parse:
            listed = {str(u) for u in rules.get("users", [])}
            users = [u for u in users if u in listed]
        message["mentions"] = [self.users[u] for u in users]
        roles = list(dict.fromkeys(re.findall(r"<@&(\d+)>", text))) if gid else []
        if parse is not None and "roles" not in parse:
            listed = {str(r) for r in rules.get("roles", [])}
            roles = [r for r in roles if r in listed]
        message["mention_roles"] = roles
        if re.search(r"@(everyone|here)\b", text) and (parse is None or "everyone" in parse):
            bit = PERMS["MENTION_EVERYONE"]
            may = not gid or self.permissions(gid, message["author"]["id"]) & bit
            message["mention_everyone"] = bool(may)

    def _mark_reply(self, message: Json, body: Json, channel: Json) -> None:
        reference = body["message_reference"]
        gid, key = channel.get("guild_id"), str(reference["message_id"])
        target = self.messages[channel["id"]].get(key)
        if target is None and reference.get("fail_if_not_exists", True):
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        message |= {
            "type": 19,
            "referenced_message": target,
            "message_reference": {
                "type": 0,
                "message_id": key,
                "channel_id": channel["id"],
                **({"guild_id": gid} if gid else {}),
            },
        }
        allowed = body.get("allowed_mentions") or {}
        pinged = allowed.get("replied_user", not body.get("allowed_mentions"))
        if target and pinged and target["author"] not in message["mentions"]:
            message["mentions"].append(target["author"])

    def _store_upload(self, part: Upload) -> Json:
        _, name, data = part
        key = self.snowflake()
        self.uploads[key] = (name, data)
        url = f"{self.base_url}/cdn/{key}/{name}"
        return {
            "id": key,
            "filename": name,
            "size": len(data),
            "url": url,
            "proxy_url": url,
        }
