"""From what the gateway sends to events of the core. No field need be there, or be of the right type.

Source: Discord, "Gateway Events" and "Message Object".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.adapters.discord.components import pressed
from bot.adapters.discord.snowflakes import snowflake, time_of
from bot.adapters.reading import Json, flag, integer, table, tables, text, texts
from bot.core.events import (
    Attachment,
    Author,
    Channel,
    Deletion,
    Edit,
    Invocation,
    Message,
    MessageRef,
    Quote,
    Reaction,
    ThreadOpened,
)

PLATFORM = "discord"

_FILE = 11
"""The type of an option that is a file (Discord, "Application Command Option Type")."""

_WORDS = frozenset({0, 19})
"""Message types that people write: ordinary ones and replies (Discord, "Message Types")."""
_COMMAND = 2  # of interactions
_USER_MENU, _MESSAGE_MENU = 2, 3  # of commands
_GROUPS = frozenset({1, 2})  # a subcommand, a group of them
_LONGEST_EMOJI = 100


class Malformed(ValueError):
    """Something that Discord does not send."""


class Ourselves:
    """Who we are in the eyes of members.

    Attributes:
        roles: ids of the roles that stand for us alone; members pick them instead of our name.
    """

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.roles: set[str] = set()

    def learn(self, role: Json) -> None:
        """Take in a role as it is now: Discord tags the one that came with a bot."""
        role_id = snowflake(role, "id")
        if role_id is not None and snowflake(table(role, "tags"), "bot_id") == self.user_id:
            self.roles.add(role_id)
        else:
            self.roles.discard(role_id or "")

    def without_mention(self, said: str, raw: Json) -> str | None:
        """What is said to us, our mention removed; None if we are not mentioned."""
        users = {snowflake(user, "id") for user in tables(raw, "mentions")}
        roles = self.roles.intersection(texts(raw, "mention_roles"))
        if self.user_id not in users and not roles:
            return None
        ids = "|".join((rf"!?{self.user_id}", *(f"&{role}" for role in sorted(roles))))
        return re.sub(rf"[ \t]*<@(?:{ids})>[ \t]*[:,]?[ \t]*", " ", said).strip()


def message(raw: Json, place: Channel, us: Ourselves) -> Message | None:
    """A message; None for what only looks like one and for our own.

    Raises:
        Malformed
    """
    author = author_of(table(raw, "author"), raw)
    if author.id == us.user_id or _kind(raw) not in _WORDS:
        return None
    said, message_id = text(raw, "content") or "", _id(raw, "id")
    spoken = us.without_mention(said, raw)
    return Message(
        MessageRef(place, message_id),
        author,
        said,
        time_of(message_id),
        addressed=said if spoken is None and place.private else spoken,
        reply_to=snowflake(table(raw, "message_reference"), "message_id"),
        attachments=attachments(raw),
        quoted=quote(table(raw, "referenced_message")),
    )


def quote(raw: Json) -> Quote | None:
    """A message that came along with something else; None if it is gone, or has no words for us."""
    said = text(raw, "content") or ""
    try:
        return Quote(author_of(table(raw, "author"), raw), said, time_of(_id(raw, "id"))) if said else None
    except Malformed:
        return None


def edit(raw: Json, place: Channel, us: Ourselves) -> Edit | None:
    """A new text of a message; None where only something around it changed, such as the preview of a link.

    Raises:
        Malformed
    """
    version = text(raw, "edited_timestamp")
    if version is None:
        return None
    whole = message(raw, place, us)
    return None if whole is None else Edit(whole, version)


def is_whole(raw: Json) -> bool:
    """Whether an update brings the message, and not only what changed of it."""
    return bool(table(raw, "author")) and isinstance(raw.get("content"), str)


def deletions(raw: Json, place: Channel, now: datetime) -> Sequence[Deletion]:
    """What was deleted, one message or many."""
    several = [snowflake({"id": each}, "id") for each in texts(raw, "ids")]
    ids = [each for each in (*several, snowflake(raw, "id")) if each is not None]
    return [Deletion(MessageRef(place, each), now) for each in ids]


def reaction(raw: Json, place: Channel, *, added: bool, now: datetime) -> Reaction:
    """An emoji that came or went.

    Raises:
        Malformed
    """
    emoji = table(raw, "emoji")
    name, custom = text(emoji, "name") or "", snowflake(emoji, "id")
    sign = f"{name}:{custom}" if custom is not None else name
    if not sign or len(sign) > _LONGEST_EMOJI:
        raise Malformed("no emoji, or a long one")
    user = table(raw, "member", "user")
    user_id = _id(raw, "user_id")
    name = (
        text(table(raw, "member"), "nick") or text(user, "global_name") or text(user, "username") or user_id
    )
    author = Author(PLATFORM, user_id, name, flag(user, "bot"), time_of(user_id))
    return Reaction(MessageRef(place, _id(raw, "message_id")), author, sign, added, now)


def thread_opened(raw: Json, place: Channel) -> ThreadOpened:
    """A thread or forum post that was opened just now.

    Raises:
        Malformed
    """
    owner = _id(raw, "owner_id")
    return ThreadOpened(
        place, Author(PLATFORM, owner, owner), text(raw, "name") or "", time_of(_id(raw, "id"))
    )


def invocation(raw: Json, place: Channel, menus: Mapping[str, tuple[str, ...]]) -> Invocation | None:
    """A command that was called, or None for other interactions.

    Args:
        menus: the command behind each title in the menu of a message.

    Raises:
        Malformed
    """
    data = table(raw, "data")
    if raw.get("type") != _COMMAND or integer(data, "type") == _USER_MENU:
        return None
    name, call_id = text(data, "name") or "", _id(raw, "id")
    path, arguments, files = _chosen(name, tables(data, "options"))
    known = table(data, "resolved", "attachments")
    target = snowflake(data, "target_id")
    if integer(data, "type") == _MESSAGE_MENU:
        if name not in menus:
            raise Malformed(f"no menu {name!r}")
        path = menus[name]
    return Invocation(
        call_id,
        place,
        caller(raw),
        path,
        time_of(call_id),
        arguments,
        MessageRef(place, target) if target is not None else None,
        text(raw, "locale"),
        quoted=quote(table(data, "resolved", "messages", target)) if target is not None else None,
        attachments=tuple(_files(table(known, each) for each in files)),
    )


def clicked(raw: Json, place: Channel) -> Invocation | None:
    """What a button calls, in the name of who pressed it; None for a button that is not ours.

    Raises:
        Malformed
    """
    call = pressed(text(table(raw, "data"), "custom_id") or "")
    if call is None:
        return None
    call_id, below = _id(raw, "id"), snowflake(table(raw, "message"), "id")
    return Invocation(
        call_id,
        place,
        caller(raw),
        call.command,
        time_of(call_id),
        call.arguments,
        MessageRef(place, below) if below is not None else None,
        text(raw, "locale"),
    )


def caller(raw: Json) -> Author:
    """Who used an interaction; in a guild a member, elsewhere a user.

    Raises:
        Malformed
    """
    member = table(raw, "member")
    return author_of(table(member, "user") or table(raw, "user"), {"member": member})


def author_of(user: Json, raw: Json) -> Author:
    """Whoever wrote something; webhooks are machines.

    Raises:
        Malformed
    """
    user_id = _id(user, "id")
    nick = text(table(raw, "member"), "nick")
    name = nick or text(user, "global_name") or text(user, "username") or user_id
    return Author(PLATFORM, user_id, name, is_bot=flag(user, "bot") or raw.get("webhook_id") is not None)


def focused(options: Iterable[Json]) -> tuple[str, str] | None:
    """The option that is being typed, and what is typed so far."""
    for option in options:
        if _kind(option) in _GROUPS:
            return focused(tables(option, "options"))
        if flag(option, "focused"):
            return text(option, "name") or "", str(option.get("value", ""))
    return None


def _chosen(name: str, options: Sequence[Json]) -> tuple[tuple[str, ...], dict[str, object], Sequence[str]]:
    """The path of a command, its arguments and ids of files; subcommands are options that hold options."""
    path: tuple[str, ...] = (name,)
    while len(options) == 1 and _kind(options[0]) in _GROUPS:
        path += (text(options[0], "name") or "",)
        options = tables(options[0], "options")
    files = [text(option, "value") or "" for option in options if _kind(option) == _FILE]
    given = {text(option, "name") or "": _value(option) for option in options if _kind(option) != _FILE}
    return path, given, files


def _value(option: Json) -> object:
    said = text(option, "value")
    return option.get("value") if said is None else said


def _kind(thing: Json) -> int | None:
    """Its type; a message that names none is an ordinary one."""
    return integer(thing, "type") if "type" in thing else 0


def attachments(raw: Json) -> tuple[Attachment, ...]:
    """The files of a message."""
    return tuple(_files(tables(raw, "attachments")))


def _files(found: Iterable[Json]) -> Iterable[Attachment]:
    for each in found:
        attachment_id, url = snowflake(each, "id"), text(each, "url")
        if attachment_id is not None and url is not None:
            kind = text(each, "content_type") or "application/octet-stream"
            size = max(integer(each, "size") or 0, 0)
            yield Attachment(attachment_id, text(each, "filename") or "file", kind, size, url)


def _id(parent: Json, key: str) -> str:
    found = snowflake(parent, key)
    if found is None:
        raise Malformed(f"no {key}")
    return found
