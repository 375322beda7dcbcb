"""What the people who run a guild do: roles, permissions, channels, and taking the bot out."""

from collections.abc import Iterable

from tests.labs.discord.records import Json, Ref, id_of
from tests.labs.discord.users import Users


class Staff(Users):
    """Changes of a guild while the bot looks on; each raises the events that Discord sends."""

    def set_permissions(self, guild: Ref, role: Ref, permissions: int) -> None:
        """Give a role exactly these permission bits; the id of the guild is the role of everyone."""
        gid, rid = id_of(guild), id_of(role)
        found: Json = next(each for each in self.guilds[gid]["roles"] if each["id"] == rid)
        found["permissions"] = str(permissions)
        self.emit("GUILD_ROLE_UPDATE", {"guild_id": gid, "role": found}, gid)

    def tag_bot(self, guild: Ref, role: Ref, bot: Ref | None) -> None:
        """Mark a role as the one that came with a bot, or take the mark away."""
        gid, rid = id_of(guild), id_of(role)
        found: Json = next(each for each in self.guilds[gid]["roles"] if each["id"] == rid)
        found["managed"] = bot is not None
        found.pop("tags", None)
        if bot is not None:
            found["tags"] = {"bot_id": id_of(bot)}
        self.emit("GUILD_ROLE_UPDATE", {"guild_id": gid, "role": found}, gid)

    def delete_role(self, guild: Ref, role: Ref) -> None:
        """Delete a role; its members lose it."""
        gid, rid = id_of(guild), id_of(role)
        self.guilds[gid]["roles"] = [each for each in self.guilds[gid]["roles"] if each["id"] != rid]
        for member in self.members[gid].values():
            member["roles"] = [each for each in member["roles"] if each != rid]
        self.emit("GUILD_ROLE_DELETE", {"guild_id": gid, "role_id": rid}, gid)

    def set_overwrites(self, channel: Ref, overwrites: Iterable[Json]) -> None:
        """Replace a channel's permission overwrites: `{"id", "type": 0 role | 1 member, "allow", "deny"}`."""
        where = self.channels[id_of(channel)]
        where["permission_overwrites"] = list(overwrites)
        self.emit("CHANNEL_UPDATE", where, where["guild_id"])

    def set_roles(self, guild: Ref, user: Ref, roles: Iterable[Ref]) -> None:
        """Give a member these roles and no others."""
        gid = id_of(guild)
        member = self.members[gid][id_of(user)]
        member["roles"] = [id_of(role) for role in roles]
        self.emit("GUILD_MEMBER_UPDATE", {**member, "guild_id": gid}, gid)

    def bot_role(self, guild: Ref) -> Json:
        """The role that came with the bot."""
        held = self.members[id_of(guild)][self.app_id]["roles"]
        found: Json = next(role for role in self.guilds[id_of(guild)]["roles"] if role["id"] in held)
        return found

    def delete_channel(self, channel: Ref) -> None:
        """Delete a channel with its threads, or a thread."""
        where = self.channels.pop(id_of(channel))
        for thread in [each for each in self.channels.values() if each.get("parent_id") == where["id"]]:
            self.delete_channel(thread)
        kind = "THREAD" if "thread_metadata" in where else "CHANNEL"
        self.emit(f"{kind}_DELETE", where, where["guild_id"])

    def delete_many(self, channel: Ref, messages: Iterable[Ref]) -> None:
        """Delete messages in bulk, as a moderator's tool does."""
        self.delete_messages(self.channels[id_of(channel)], [id_of(message) for message in messages])

    def send_webhook(self, channel: Ref, name: str, content: str) -> Json:
        """A message of a webhook: its author is no member, and counts as a bot."""
        where = self.channels[id_of(channel)]
        author = {**self.create_user(name, bot=True), "discriminator": "0000"}
        return self.post_message(where, author, {"content": content}, webhook_id=author["id"])

    def notice(self, channel: Ref, author: Json, kind: int, content: str = "") -> Json:
        """A message that Discord writes in somebody's name: kind 6 a pin, 7 a join, 18 a thread opened here.

        Source: the message types of discord.com/developers/docs/resources/message.
        """
        return self.post_message(self.channels[id_of(channel)], author, {"content": content}, kind=kind)

    def unfurl(self, message: Json, embed: Json) -> None:
        """Attach the preview of a link, some time after the message: an update that is no edit."""
        message["embeds"] = [*message["embeds"], {"type": "article", **embed}]
        self.emit_message("MESSAGE_UPDATE", message)

    def remove_bot(self, guild: Ref) -> None:
        """Take the bot out of a guild."""
        gid = id_of(guild)
        self.members[gid].pop(self.app_id)
        self.emit("GUILD_DELETE", {"id": gid}, gid)
