"""What was said before a question and belongs to it.

Each mention is its own question. What belongs to it: the messages it replies to, one by one; in a thread and
in a private conversation, what was said there; and what its asker, and nobody else, wrote just before without
addressing the bot. The store has the newest text of edited messages and no deleted ones. What it does not
have, such as what was said where the bot does not listen, may come along with the question.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.events import Channel, Message, MessageRef
from bot.storage.messages import StoredMessage

MAX_CHAIN = 40
"""Messages followed up a reply chain; longer ones would not fit into a small model's context anyway."""

MAX_SHARED = 60
"""Messages read of a thread or of a private conversation."""

JUST_BEFORE = timedelta(minutes=5)
MAX_JUST_BEFORE = 5
_SEARCHED = 40
_NO_TALK = ("moderated:", "refused:", "quotes:")
_MOMENT = timedelta(seconds=5)


class Context(Protocol):
    """Where messages are kept; `bot.storage` has the real one."""

    async def get(self, ref: MessageRef) -> StoredMessage | None:
        """A message, or None if it is not kept."""
        ...

    async def before(self, channel: Channel, at: datetime, limit: int) -> list[StoredMessage]:
        """The last messages of a place before a moment, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a conversation. `speaker` is a pseudonym, or "" for the bot itself."""

    speaker: str
    text: str


async def history_of(
    context: Context, question: Message, asker: str, now: datetime, quoted: Line | None = None
) -> tuple[Line, ...]:
    """The lines that belong to a question, oldest first, the question itself left out.

    Args:
        asker: pseudonym of who asks.
        now: answers that were completed after the question was sent count too.
        quoted: what the question replies to, as the platform tells it; counts if it is not kept here.
    """
    channel = question.ref.channel
    chain = await _chain(context, question)
    shared = await _shared(context, question, now) if channel.thread is not None or channel.private else []
    own = [] if channel.private else await _just_before(context, question, asker)
    known = {(m.channel_key, m.id): m for m in (*chain, *shared, *own)}
    known.pop((channel.key, question.ref.id), None)
    talk = [m for m in known.values() if m.text.strip() and _is_talk(m)]
    lines = tuple(Line(m.author if not m.ours else "", m.text) for m in _in_order(talk))
    return lines if quoted is None or _is_heard(chain) else (*lines, quoted)


def _is_talk(message: StoredMessage) -> bool:
    """No command, nothing that moderation took away, and nothing that no model was asked."""
    return message.outcome not in ("command", "not-found") and not message.outcome.startswith(_NO_TALK)


def _is_heard(chain: Sequence[StoredMessage]) -> bool:
    """Whether we know what is replied to; some platforms keep the words from bots that are not addressed."""
    return bool(chain) and (bool(chain[0].text.strip()) or not _is_talk(chain[0]))


async def _chain(context: Context, question: Message) -> list[StoredMessage]:
    """What the question replies to, and what that replies to; ends at a loop, a gap or MAX_CHAIN."""
    chain: list[StoredMessage] = []
    seen = {question.ref.id}
    wanted = question.reply_to
    while wanted is not None and wanted not in seen and len(chain) < MAX_CHAIN:
        seen.add(wanted)
        found = await _find(context, question.ref.channel, wanted)
        if found is None:
            break
        chain.append(found)
        if found.ours and found.reply_to is not None and not found.text:
            chain += await _first_part(context, question.ref.channel, found)
        wanted = found.reply_to
    return chain


async def _find(context: Context, channel: Channel, message_id: str) -> StoredMessage | None:
    """A message by id, in a thread or in the channel around it, where a thread's first message stands."""
    found = await context.get(MessageRef(channel, message_id))
    if found is None and channel.thread is not None:
        found = await context.get(MessageRef(channel.parent, message_id))
    return found


async def _first_part(context: Context, channel: Channel, part: StoredMessage) -> list[StoredMessage]:
    """The message that holds the text of a long answer, of which this is a continuation."""
    near = await context.before(channel, part.at + _MOMENT, _SEARCHED)
    return [m for m in near if m.ours and m.reply_to == part.reply_to and m.text]


async def _shared(context: Context, question: Message, now: datetime) -> list[StoredMessage]:
    """What was said in this thread or private conversation, with the message the thread hangs on.

    An answer of ours whose question is gone goes with it: it may repeat what its asker took back.
    """
    channel = question.ref.channel
    latest = max(now, question.at) + _MOMENT
    recent = await context.before(channel, latest, MAX_SHARED)
    if channel.thread is not None:
        root = await context.get(MessageRef(channel.parent, channel.thread))
        recent = [root, *recent] if root is not None else recent
    heard = {m.id for m in recent if not m.ours and m.at <= question.at and m.id != question.ref.id}
    return [
        m
        for m in recent
        if m.id in heard or (m.ours and (m.reply_to in heard or (m.reply_to is None and m.at <= question.at)))
    ]


async def _just_before(context: Context, question: Message, asker: str) -> list[StoredMessage]:
    """The asker's own messages just before the question, back to the last one that was for the bot."""
    recent = await context.before(question.ref.channel, question.at, _SEARCHED)
    answered = {m.reply_to for m in recent if m.ours}
    found: list[StoredMessage] = []
    for message in reversed(recent):
        if message.ours or message.author != asker or not _is_talk(message):
            continue
        too_old = question.at - message.at > JUST_BEFORE
        if too_old or message.addressed or message.id in answered or len(found) == MAX_JUST_BEFORE:
            break
        found.append(message)
    return found


def _in_order(messages: Iterable[StoredMessage]) -> list[StoredMessage]:
    """By time, and every answer of ours right behind what it answers.

    Answers to several questions at once are completed in any order; a model needs them in pairs.
    """
    by_time = sorted(messages, key=lambda m: m.at)
    present = {m.id for m in by_time}
    answers: dict[str, list[StoredMessage]] = {}
    for message in by_time:
        if message.ours and message.reply_to in present:
            answers.setdefault(message.reply_to or "", []).append(message)
    ordered: list[StoredMessage] = []
    for message in by_time:
        if not (message.ours and message.reply_to in present):
            ordered += [message, *answers.get(message.id, ())]
    return ordered
