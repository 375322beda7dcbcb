"""From an event as a homeserver gives it to an event of the core.

Everything in it was written by somebody else: no field need be there, or be of the right type.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.adapters.matrix.mentions import addressed, spelled_out, without_fallback
from bot.adapters.matrix.rooms import Room
from bot.adapters.reading import Json, flag, integer, table, text
from bot.core.events import (
    Attachment,
    Deletion,
    Edit,
    Encrypted,
    Join,
    Message,
    MessageRef,
    Reaction,
    Readable,
)

REPLACE, THREAD, ANNOTATION = "m.replace", "m.thread", "m.annotation"
ENCRYPTED = "m.room.encrypted"

_LONGEST_ID = 255  # bytes; specification, "Identifier grammar"
_LONGEST_EMOJI = 100
_CLOCK_SKEW = timedelta(minutes=5)
_EPOCH = datetime.fromtimestamp(0, UTC)
_LAST_MS = 253_402_300_799_000  # the end of the year 9999
_SECRETS = ("v", "key", "iv", "hashes")
_MEDIA = frozenset({"m.image", "m.file", "m.audio", "m.video"})


class Malformed(ValueError):
    """An event that no correct client sends."""


@dataclass(frozen=True, slots=True)
class Known:
    """What later events need to know about an event.

    Attributes:
        sender: None where only the rest was kept.
        thread: root of the thread it stands in.
        target: the message a reaction is about.
        emoji: of a reaction.
    """

    sender: str | None
    thread: str | None = None
    target: str | None = None
    emoji: str | None = None


NOTHING_KNOWN = Known(None)


def event_id(raw: Json) -> str:
    """The id of an event.

    Raises:
        Malformed: it has none.
    """
    return _id(raw, "event_id", "$")


def known(raw: Json) -> Known:
    """What is worth remembering of an event.

    Raises:
        Malformed
    """
    relation = _relation(raw)
    if relation.get("rel_type") == THREAD:
        return Known(_id(raw, "sender", "@"), thread=_id(relation, "event_id", "$"))
    if raw.get("type") == "m.reaction" and not is_redacted(raw):
        return Known(_id(raw, "sender", "@"), target=_id(relation, "event_id", "$"), emoji=_emoji(relation))
    return Known(_id(raw, "sender", "@"))


def subject(raw: Json) -> str | None:
    """The id of the event that this one edits, redacts or reacts to.

    Raises:
        Malformed
    """
    match raw.get("type"):
        case "m.room.redaction":
            inside = table(raw, "content")  # where it stands since room version 11
            return _id(raw if text(raw, "redacts") is not None else inside, "redacts", "$")
        case "m.reaction" if not is_redacted(raw):
            return _id(_relation(raw), "event_id", "$")
        case "m.room.message" | "m.room.encrypted" if _relation(raw).get("rel_type") == REPLACE:
            return _id(_relation(raw), "event_id", "$")
    return None


def thread_of(raw: Json) -> str | None:
    """The root of the thread a message stands in."""
    relation = _relation(raw)
    return text(relation, "event_id") if relation.get("rel_type") == THREAD else None


def is_redacted(raw: Json) -> bool:
    """Whether its content was taken away."""
    return "redacted_because" in table(raw, "unsigned")


def is_join_of(raw: Json, user_id: str) -> bool:
    """Whether somebody comes into the room with this event, and does not only change their name."""
    if raw.get("type") != "m.room.member" or raw.get("state_key") != user_id:
        return False
    before = table(raw, "unsigned", "prev_content").get("membership")
    return table(raw, "content").get("membership") == "join" and before != "join"


def decode(raw: Json, room: Room, user_id: str, about: Known, now: datetime) -> Readable | None:
    """What happened, or None for what the core has no word for and for what we did ourselves.

    Args:
        user_id: ours.
        about: the event named by `subject`.
        now: messages of clocks that run ahead get this time.

    Raises:
        Malformed
    """
    kind, sender = raw.get("type"), _id(raw, "sender", "@")
    if kind == "m.room.redaction":
        return _redaction(raw, room, about, now)
    if sender == user_id or is_redacted(raw):
        return None
    match kind:
        case "m.room.message" if _relation(raw).get("rel_type") == REPLACE:
            return _edit(raw, room, user_id, about, now)
        case "m.room.message":
            return message(raw, room, user_id, now)
        case "m.reaction":
            return _reaction(raw, room, about)
        case "m.room.member" if is_join_of(raw, _id(raw, "state_key", "@")):
            return Join(room.channel(), room.author(_id(raw, "state_key", "@")), _time(raw))
    return None


def encrypted(raw: Json, room: Room, user_id: str, about: Known, now: datetime) -> Encrypted | None:
    """An event that has to be decrypted first; where it stands is not encrypted.

    Raises:
        Malformed
    """
    sender = _id(raw, "sender", "@")
    if sender == user_id or is_redacted(raw):
        return None
    channel = room.channel(about.thread if about.sender is not None else thread_of(raw))
    return Encrypted(channel, room.author(sender), event_id(raw), time_of(raw, now), json.dumps(raw))


def decode_decrypted(raw: Json, room: Room, user_id: str, about: Known, now: datetime) -> Readable | None:
    """What an event says that was decrypted; only messages are encrypted, whatever it calls itself.

    Raises:
        Malformed
    """
    return decode(raw, room, user_id, about, now) if raw.get("type") == "m.room.message" else None


def message(raw: Json, room: Room, user_id: str, now: datetime) -> Message | None:
    """A message as it was sent first; None for what only looks like one.

    Raises:
        Malformed
    """
    content = table(raw, "content")
    ref = MessageRef(room.channel(thread_of(raw)), event_id(raw))
    return _message(raw, content, content, ref, room, user_id, now)


def title_of(raw: Json) -> str:
    """The first line of a message, for people."""
    body = text(table(raw, "content"), "body") or ""
    return without_fallback(table(raw, "content"), body).strip().partition("\n")[0][:100]


def time_of(raw: Json, now: datetime) -> datetime:
    """When it was sent, by the clock of the sender's homeserver, but not in the future."""
    return min(_time(raw), now + _CLOCK_SKEW)


def _message(
    raw: Json, content: Json, outer: Json, ref: MessageRef, room: Room, user_id: str, now: datetime
) -> Message | None:
    msgtype, body = text(content, "msgtype"), text(content, "body")
    if msgtype is None or body is None:
        raise Malformed("no msgtype or body")
    if msgtype.startswith("m.key.verification"):
        return None
    body = spelled_out(content, without_fallback(outer, body))
    attachments: tuple[Attachment, ...] = ()
    if msgtype in _MEDIA:
        attachments, body = _attachment(content, ref.id, body)
    return Message(
        ref,
        room.author(_id(raw, "sender", "@")),
        body,
        time_of(raw, now),
        addressed=addressed(content, body, room, user_id),
        reply_to=_reply_to(outer),
        attachments=attachments,
        notice=msgtype == "m.notice",
    )


def attachments(raw: Json) -> tuple[Attachment, ...]:
    """The files of a message event that is read again.

    Raises:
        Malformed
    """
    content = table(raw, "content")
    if text(content, "msgtype") not in _MEDIA:
        return ()
    return _attachment(content, event_id(raw), text(content, "body") or "")[0]


def _attachment(content: Json, message_id: str, body: str) -> tuple[tuple[Attachment, ...], str]:
    """The file, and its caption. Source: client-server API, "Media captions"."""
    name = text(content, "filename")
    caption = body if name is not None and name != body else ""
    sealed = table(content, "file")
    url = text(sealed or content, "url")
    if url is None or not url.startswith("mxc://"):
        return (), caption
    info = table(content, "info")
    kind = text(info, "mimetype") or "application/octet-stream"
    if text(content, "msgtype") == "m.image" and not kind.startswith("image/"):
        kind = "image/*"  # clients show it as a picture, whatever its sender says that it is
    size = max(integer(info, "size") or 0, 0)
    secret = json.dumps({part: sealed.get(part) for part in _SECRETS}) if sealed else ""
    return (Attachment(message_id, name or body, kind, size, url, secret),), caption


def _reply_to(content: Json) -> str | None:
    relation = table(content, "m.relates_to")
    if relation.get("rel_type") == THREAD and flag(relation, "is_falling_back"):
        return None  # for clients without threads it looks like a reply
    answered = text(table(relation, "m.in_reply_to"), "event_id")
    return answered if answered is not None and len(answered) <= _LONGEST_ID else None


def _edit(raw: Json, room: Room, user_id: str, about: Known, now: datetime) -> Edit | None:
    """Only the author edits; servers do not check that (specification, "Validity of replacement events")."""
    if about.sender != raw.get("sender"):
        return None
    ref = MessageRef(room.channel(about.thread), _id(_relation(raw), "event_id", "$"))
    new = table(raw, "content", "m.new_content")
    whole = _message(raw, new, {}, ref, room, user_id, now)
    return None if whole is None else Edit(whole, event_id(raw))


def _reaction(raw: Json, room: Room, about: Known) -> Reaction:
    relation = _relation(raw)
    ref = MessageRef(room.channel(about.thread), _id(relation, "event_id", "$"))
    return Reaction(ref, room.author(_id(raw, "sender", "@")), _emoji(relation), True, _time(raw))


def _redaction(raw: Json, room: Room, about: Known, now: datetime) -> Readable | None:
    gone = subject(raw)
    if about.target is not None and about.emoji is not None:
        author = room.author(about.sender or _id(raw, "sender", "@"))
        ref = MessageRef(room.channel(about.thread), about.target)
        return Reaction(ref, author, about.emoji, False, _time(raw))
    return None if gone is None else Deletion(MessageRef(room.channel(about.thread), gone), time_of(raw, now))


def _relation(raw: Json) -> Json:
    return table(raw, "content", "m.relates_to")


def _emoji(relation: Json) -> str:
    found = text(relation, "key")
    if not found or len(found) > _LONGEST_EMOJI:
        raise Malformed("no key, or a long one")
    return found


def _id(parent: Json, key: str, sigil: str) -> str:
    found = text(parent, key)
    if found is None or not found.startswith(sigil) or not 1 < len(found) <= _LONGEST_ID:
        raise Malformed(f"no {key}")
    return found


def _time(raw: Json) -> datetime:
    return _EPOCH + timedelta(milliseconds=min(max(integer(raw, "origin_server_ts") or 0, 0), _LAST_MS))
