"""The contents of the events we send, and how much fits into one."""

import json
from dataclasses import dataclass

from bot.adapters.matrix.formatting import html
from bot.adapters.reading import Json, table
from bot.core.actions import File

EVENT_BYTES = 60_000
"""An event has at most 65,536 bytes (specification, "Size limits"), its hashes and signatures included."""

MESSAGE_BYTES = 16_000
"""How much text goes into one message: an edit holds it twice, and its HTML once more."""

KEY = "org.llmos.key"
"""Where our events carry their key: a server forgets transaction ids after a day, a new device has none."""


def text_length(text: str) -> int:
    """Bytes of a text in an event: UTF-8 with JSON's escapes, as far as they add up."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")) - 2


def size(content: Json) -> int:
    """Bytes of a content in an event."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def sendable(text: str) -> str:
    """A text without what JSON in UTF-8 cannot hold: halves of characters become replacement characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass(frozen=True, slots=True)
class Frame:
    """What the messages of one answer have in common.

    Attributes:
        msgtype: `m.text` for talk; `m.notice` for output of commands and for posts, which never notifies.
        answered: id of the message that is answered, or None.
        thread: id of the root of the thread they stand in, or None.
        mentioned: user id of the asker, who is told once.
        event_bytes: how large the content of an event may be.
    """

    msgtype: str
    answered: str | None = None
    thread: str | None = None
    mentioned: str | None = None
    event_bytes: int = EVENT_BYTES

    def new(self, text: str, part: int, key: str) -> Json:
        """A message; the first one answers, and tells the asker."""
        content = _content(text, self.msgtype, self._mentions(part)) | {KEY: key}
        if relation := self._relation(part):
            content["m.relates_to"] = relation
        return _fitting(content, content, self.event_bytes)

    def attachment(self, file: File, size_bytes: int, where: Json, key: str) -> Json:
        """A message with a file; its body says what it shows.

        Args:
            where: `url`, or `file` where it is encrypted.
        """
        content: Json = {
            "msgtype": "m.image" if file.media_type.startswith("image/") else "m.file",
            "body": sendable(file.alt),
            "filename": sendable(file.name),
            "info": {"mimetype": file.media_type, "size": size_bytes},
            "m.mentions": {},
            KEY: key,
            **where,
        }
        relation = self._relation(1)
        return content | ({"m.relates_to": relation} if relation is not None else {})

    def _mentions(self, part: int) -> Json:
        return {"user_ids": [self.mentioned]} if self.mentioned is not None and part == 0 else {}

    def _relation(self, part: int) -> Json | None:
        if self.thread is not None:
            before = self.answered if self.answered is not None else self.thread
            return {
                "rel_type": "m.thread",
                "event_id": self.thread,
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": before},
            }
        if self.answered is not None and part == 0:
            return {"m.in_reply_to": {"event_id": self.answered}}
        return None


def replacement(text: str, message_id: str, original: Json, event_bytes: int = EVENT_BYTES) -> Json:
    """A new text for a message. It notifies nobody: push rules look at the outer mentions.

    Args:
        original: content of the first event. The inner mentions stay those of the whole message (source:
            specification, "Event replacements").
    """
    msgtype = original.get("msgtype")
    kind = msgtype if isinstance(msgtype, str) else "m.text"
    inner = _content(text, kind, table(original, "m.mentions"))
    content: Json = {
        "msgtype": kind,
        "body": f"* {inner['body']}",
        "m.mentions": {},
        "m.new_content": inner,
        "m.relates_to": {"rel_type": "m.replace", "event_id": message_id},
    }
    return _fitting(content, inner, event_bytes)


def _content(text: str, msgtype: str, mentions: Json) -> Json:
    text = sendable(text)
    content: Json = {"msgtype": msgtype, "body": text, "m.mentions": mentions}
    if (formatted := html(text)) is not None:
        content |= {"format": "org.matrix.custom.html", "formatted_body": formatted}
    return content


def _fitting(content: Json, formatted: Json, event_bytes: int) -> Json:
    """Leave out the HTML of a text whose markup makes the event too big; the text itself always fits."""
    if "format" in formatted and size(content) > event_bytes:
        del formatted["format"], formatted["formatted_body"]
    return content


def reaction(message_id: str, emoji: str) -> Json:
    """An emoji for a message."""
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": message_id, "key": emoji}}
