"""Conversation context: what was said where, sealed, for `context_hours`."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy import Row as SqlRow

from bot.core.errors import ValueUnreadable
from bot.core.events import Channel, Identity, Message, MessageRef
from bot.storage.reader import Reader
from bot.storage.schema import messages
from bot.storage.seal import Seal
from bot.storage.writer import Row

K = TypeVar("K")

_log = logging.getLogger(__name__)

OWN_MESSAGES = 50_000
"""How many of the bot's own messages are known in memory."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as the context remembers it.

    Attributes:
        author: pseudonym; "" for the bot's own.
        text: what was said; of a message to the bot, without the mention of the bot.
        addressed: it was said to the bot.
    """

    id: str
    channel_key: str
    author: str
    ours: bool
    text: str
    at: datetime
    reply_to: str | None
    addressed: bool


@dataclass(frozen=True, slots=True)
class SaidMessage:
    """A message the bot wrote; `to` is the member it answers, for whom it can be exported and forgotten."""

    ref: MessageRef
    text: str
    reply_to: str | None
    at: datetime
    to: Identity | None = None


Refuses = Callable[[str, datetime], bool]
"""Whether what a pseudonym wrote at a time may not be kept."""

_Found = SqlRow[str, str, str, bool, bytes, datetime, str | None, bool]
_COLUMNS = ("message_id", "channel_key", "author", "ours", "body", "at", "reply_to", "addressed")
_SELECT = select(*(messages.c[name] for name in _COLUMNS)).where(messages.c.body.is_not(None))


def _at(ref: MessageRef) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (messages.c.channel_key == ref.channel.key, messages.c.message_id == ref.id)


class Messages:
    """Reads of context; writes go through `Store.settle`."""

    def __init__(self, reader: Reader, seal: Seal) -> None:
        """Call `load` before use."""
        self._reader, self._seal = reader, seal
        self._own: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._spoke: OrderedDict[str, None] = OrderedDict()

    async def load(self) -> None:
        """Learn which messages are the bot's own."""
        query = select(messages.c.channel_key, messages.c.message_id).where(messages.c.ours)
        found = await self._reader.rows(query.order_by(messages.c.seq.desc()).limit(OWN_MESSAGES))
        for channel_key, message_id in reversed(found):
            self._remember(channel_key, message_id)

    def is_ours(self, channel: Channel, message_id: str) -> bool:
        """The bot wrote this message (one of its newest 50,000)."""
        return (channel.key, message_id) in self._own

    def we_spoke_in(self, channel: Channel) -> bool:
        """The bot has written in this thread; a channel itself is never "ours"."""
        return channel.thread is not None and channel.key in self._spoke

    async def get(self, ref: MessageRef) -> StoredMessage | None:
        """A message, or None if it is not kept (any more)."""
        found = self._open(await self._reader.rows(_SELECT.where(*_at(ref))))
        return found[0] if found else None

    async def before(self, channel: Channel, at: datetime, limit: int) -> list[StoredMessage]:
        """The last messages of exactly this place before a moment, oldest first."""
        query = _SELECT.where(messages.c.channel_key == channel.key, messages.c.at < at)
        newest = await self._reader.rows(
            query.order_by(messages.c.at.desc(), messages.c.seq.desc()).limit(limit)
        )
        return self._open(reversed(newest))

    async def outcome(self, ref: MessageRef) -> str | None:
        """What the bot made of a message, and why."""
        found = await self._reader.first(select(messages.c.outcome).where(*_at(ref)))
        return found[0] if found else None

    def row(self, message: Message, outcome: str, refuses: Refuses) -> Row | None:
        """A member's message for `Writes.hear`, or None if it may not be kept."""
        channel, author = message.ref.channel, self._seal.pseudonym(message.author.identity)
        if refuses(author, message.at):
            return None
        return {
            "channel_key": channel.key,
            "message_id": message.ref.id,
            "author": author,
            "ours": False,
            "addressed": message.addressed is not None,
            "reply_to": message.reply_to,
            "at": message.at,
            "body": self._seal.seal(message.text if message.addressed is None else message.addressed),
            "outcome": outcome,
        }

    def own_row(self, said: SaidMessage, refuses: Refuses) -> Row:
        """A message of the bot's own for `Writes.say`; it stays ours even without its text."""
        key = said.ref.channel.key
        to = None if said.to is None else self._seal.pseudonym(said.to)
        keep_text = to is None or not refuses(to, said.at)
        self._remember(key, said.ref.id)
        return {
            "channel_key": key,
            "message_id": said.ref.id,
            "author": "",
            "ours": True,
            "addressed": False,
            "reply_to": said.reply_to,
            "at": said.at,
            "body": self._seal.seal(said.text) if keep_text else None,
            "outcome": "",
            "b_to": to if keep_text else None,
            "b_place": key,
            "b_question": said.reply_to,
        }

    def edit_row(self, ref: MessageRef, text: str) -> Row:
        """A new text for `Writes.edit`."""
        return {"b_place": ref.channel.key, "b_id": ref.id, "b_body": self._seal.seal(text)}

    def remove_row(self, ref: MessageRef) -> Row:
        """A message for `Writes.remove`."""
        self._own.pop((ref.channel.key, ref.id), None)
        return {"b_place": ref.channel.key, "b_id": ref.id}

    def _remember(self, channel_key: str, message_id: str) -> None:
        _newest(self._own, (channel_key, message_id))
        _newest(self._spoke, channel_key)

    def _open(self, found: Iterable[_Found]) -> list[StoredMessage]:
        return [message for message in map(self._opened, found) if message is not None]

    def _opened(self, found: _Found) -> StoredMessage | None:
        message_id, channel_key, author, ours, body, at, reply_to, addressed = found
        try:
            text = self._seal.open(body)
        except ValueUnreadable as error:
            _log.error("a stored message is left out: %s", error, extra={"channel": channel_key})
            return None
        return StoredMessage(message_id, channel_key, author, ours, text, at, reply_to, addressed)


def _newest(known: OrderedDict[K, None], key: K) -> None:
    known[key] = None
    known.move_to_end(key)
    if len(known) > OWN_MESSAGES:
        known.popitem(last=False)
