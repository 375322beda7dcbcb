"""Conversation context: what was said where, sealed, for `context_hours`.

What was said in an encrypted room can be read by the process that heard it and by nobody afterwards.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy import Row as SqlRow

from bot.core.errors import ValueEnded, ValueUnreadable
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
        outcome: what the bot made of it; "" for its own.
    """

    id: str
    channel_key: str
    author: str
    ours: bool
    text: str
    at: datetime
    reply_to: str | None
    addressed: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class SaidMessage:
    """A message the bot wrote.

    Attributes:
        to: the member it answers, for whom it can be exported and forgotten.
        asked_at: when that member asked; whoever was forgotten since has no answer kept either.
        opened_thread: it stands in a thread that the bot opened for it.
    """

    ref: MessageRef
    text: str
    reply_to: str | None
    at: datetime
    to: Identity | None = None
    asked_at: datetime | None = None
    opened_thread: bool = False


Refuses = Callable[[str, datetime], bool]
"""Whether what a pseudonym wrote at a time may not be kept."""

_Found = SqlRow[str, str, str, bool, bytes, datetime, str | None, bool, str]
_COLUMNS = ("message_id", "channel_key", "author", "ours", "body", "at", "reply_to", "addressed", "outcome")
_SELECT = select(*(messages.c[name] for name in _COLUMNS)).where(messages.c.body.is_not(None))


def _at(ref: MessageRef) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (messages.c.channel_key == ref.channel.key, messages.c.message_id == ref.id)


class Messages:
    """Reads of context; writes go through `Store.settle`."""

    def __init__(self, reader: Reader, seal: Seal) -> None:
        """Call `load` before use."""
        self._reader, self._seal = reader, seal
        self._own: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._threads: OrderedDict[str, None] = OrderedDict()

    async def load(self) -> None:
        """Learn which messages are the bot's own, and which threads."""
        query = select(messages.c.channel_key, messages.c.message_id, messages.c.opened_thread)
        newest = (
            query.where(messages.c.ours)
            .order_by(messages.c.at.desc(), messages.c.seq.desc())
            .limit(OWN_MESSAGES)
        )
        for channel_key, message_id, opened_thread in reversed(await self._reader.rows(newest)):
            self._remember(channel_key, message_id, bool(opened_thread))

    def is_ours(self, channel: Channel, message_id: str) -> bool:
        """The bot wrote this message (one of its newest 50,000)."""
        return (channel.key, message_id) in self._own

    def wrote(self, refs: Iterable[MessageRef]) -> None:
        """These messages are the bot's own from now on, though their text is stored when it is complete."""
        for ref in refs:
            self._remember(ref.channel.key, ref.id, opened_thread=False)

    def opened_thread(self, channel: Channel) -> bool:
        """The bot opened this thread: for an answer of its own, or it grew from one of its messages.

        A thread that members opened stays theirs, however much the bot says in it. Known for as long as the
        bot's messages there are (`OWN_DAYS` after the last one), for the newest 50,000 of them.
        """
        if channel.thread is None:
            return False
        return channel.key in self._threads or self.is_ours(channel.parent, channel.thread)

    async def get(self, ref: MessageRef) -> StoredMessage | None:
        """A message, or None if it is not kept (any more)."""
        found = self._open(await self._reader.rows(_SELECT.where(*_at(ref))))
        return found[0] if found else None

    async def several(self, channel: Channel, ids: Collection[str]) -> list[StoredMessage]:
        """The messages of exactly this place with these ids that are kept, in no order."""
        query = _SELECT.where(messages.c.channel_key == channel.key, messages.c.message_id.in_(ids))
        return self._open(await self._reader.rows(query))

    async def before(self, channel: Channel, at: datetime, limit: int) -> list[StoredMessage]:
        """The last messages of exactly this place before a moment, oldest first."""
        query = _SELECT.where(messages.c.channel_key == channel.key, messages.c.at < at)
        newest = await self._reader.rows(
            query.order_by(messages.c.at.desc(), messages.c.seq.desc()).limit(limit)
        )
        return self._open(reversed(newest))

    async def last_said(self, author: Identity, community: str, before: MessageRef) -> datetime | None:
        """When a member last said something in a community, as far as it is kept; commands do not count.

        Nor does what is being answered at this moment: that it is a command is only known when it has ended.

        Args:
            community: its key.
            before: a message that does not count either.
        """
        mine = messages.c.author == self._seal.pseudonym(author)
        here = messages.c.channel_key.startswith(f"{community}/", autoescape=True)
        talk = (messages.c.outcome.not_in(("command", "opened")), messages.c.message_id != before.id)
        query = select(messages.c.at).where(mine, here, *talk).order_by(messages.c.at.desc()).limit(1)
        found = await self._reader.first(query)
        return found[0] if found else None

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
            "body": self._sealed(channel, message.text if message.addressed is None else message.addressed),
            "outcome": outcome,
        }

    def own_row(self, said: SaidMessage, refuses: Refuses) -> Row:
        """A message of the bot's own for `Writes.say`; it stays ours even without its text."""
        key = said.ref.channel.key
        to = None if said.to is None else self._seal.pseudonym(said.to)
        keep_text = to is None or not refuses(to, said.asked_at or said.at)
        opened_thread = said.opened_thread or self.opened_thread(said.ref.channel)
        self._remember(key, said.ref.id, opened_thread)
        return {
            "channel_key": key,
            "message_id": said.ref.id,
            "author": "",
            "ours": True,
            "addressed": False,
            "reply_to": said.reply_to,
            "at": said.at,
            "body": self._sealed(said.ref.channel, said.text) if keep_text else None,
            "outcome": "",
            "opened_thread": opened_thread,
            "b_to": to if keep_text else None,
            "b_place": key,
            "b_question": said.reply_to if keep_text else None,
        }

    def outcome_row(self, ref: MessageRef, outcome: str) -> Row:
        """A new outcome for `Writes.outcome`."""
        return {"b_place": ref.channel.key, "b_id": ref.id, "b_outcome": outcome}

    def edit_row(self, ref: MessageRef, text: str) -> Row:
        """A new text for `Writes.edit`."""
        return {"b_place": ref.channel.key, "b_id": ref.id, "b_body": self._sealed(ref.channel, text)}

    def remove_row(self, ref: MessageRef) -> Row:
        """A message for `Writes.remove`."""
        self._own.pop((ref.channel.key, ref.id), None)
        return {"b_place": ref.channel.key, "b_id": ref.id}

    def _remember(self, channel_key: str, message_id: str, opened_thread: bool) -> None:
        _newest(self._own, (channel_key, message_id))
        if opened_thread:
            _newest(self._threads, channel_key)

    def _sealed(self, channel: Channel, text: str) -> bytes:
        return self._seal.seal(text, fleeting=channel.encrypted)

    def _open(self, found: Iterable[_Found]) -> list[StoredMessage]:
        return [message for message in map(self._opened, found) if message is not None]

    def _opened(self, found: _Found) -> StoredMessage | None:
        message_id, channel_key, author, ours, body, at, reply_to, addressed, outcome = found
        try:
            text = self._seal.open(body)
        except ValueEnded:
            return None
        except ValueUnreadable as error:
            _log.error("a stored message is left out: %s", error, extra={"channel": channel_key})
            return None
        return StoredMessage(message_id, channel_key, author, ours, text, at, reply_to, addressed, outcome)


def _newest(known: OrderedDict[K, None], key: K) -> None:
    known[key] = None
    known.move_to_end(key)
    if len(known) > OWN_MESSAGES:
        known.popitem(last=False)
