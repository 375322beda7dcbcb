"""Where a message goes: `route` is a pure function from a message and its situation to one of four ways."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.conversation.policy import ChannelPolicy, can_be_archived, channel_policy
from bot.core.events import Message
from bot.knowledge.questions import asks_for_help
from bot.storage.store import Store

AnswerMode = Literal["mention", "question", "all", "never"]

SLASH_NAME = "/llmos"
"""Some clients send unknown slash commands as plain text; then this arrives."""

STALE_AFTER = timedelta(minutes=15)
"""Questions older than this are not answered after a restart; moderation is never skipped."""

QUESTION_MARKS = ("?", "？")

_NARROW = str.maketrans("／！", "/!")
"""Chinese keyboards write these for a slash and an exclamation mark."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Stay silent; `outcome` is what `why` explains."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Invoke:
    """Run a command; `line` is what was typed after the prefix."""

    line: str


@dataclass(frozen=True, slots=True)
class Converse:
    """Answer `question` with the model."""

    question: str


@dataclass(frozen=True, slots=True)
class Recall:
    """Stay silent, unless it was answered before; `outcome` is what `why` explains otherwise."""

    outcome: str


Route = Ignore | Invoke | Converse | Recall


@dataclass(frozen=True, slots=True)
class Situation:
    """What the router has to know besides the message.

    Attributes:
        answer: the channel's policy.
        prefix: what commands start with, such as "!llmos".
        commands: the name paths of all commands, such as ("channel", "set").
        replies_to_us: the message replies to one of the bot's own.
        in_our_thread: it stands in a thread the bot opened.
        too_old: it waited too long, for example while the bot was down.
        hints: what is asked here is followed: it may have been answered before, or never be.
    """

    answer: AnswerMode
    prefix: str
    commands: frozenset[tuple[str, ...]]
    replies_to_us: bool = False
    in_our_thread: bool = False
    too_old: bool = False
    hints: bool = False


def route(message: Message, situation: Situation) -> Route:
    """Decide what becomes of a message that moderation let stand.

    Machines are never answered. A command works in every channel, also where the bot is told to be silent:
    how else would a moderator end the silence?
    """
    if message.notice:
        return Ignore("ignored:notice")
    if message.author.is_bot:
        return Ignore("ignored:bot")
    line = command_line(message, situation)
    said = message.text if message.addressed is None else message.addressed
    if line is None and not _is_meant_for_us(message, situation):
        silent = "ignored:never-here" if situation.answer == "never" else "ignored:not-addressed"
        return Recall(silent) if _may_repeat(message, situation) else Ignore(silent)
    if situation.too_old:
        return Ignore("ignored:too-old")
    if line is not None:
        return Invoke(line)
    if not said.strip() and not message.attachments:
        return Invoke("help") if message.addressed is not None else Ignore("ignored:not-addressed")
    return Converse(said.strip())


def command_line(message: Message, situation: Situation) -> str | None:
    """The command in a message without its prefix, or None when it is talk.

    After a mention, or alone with the bot, a slash is enough; without a slash the words must name a command
    and nothing that people say: "help" alone, or a two-word name such as "channel set".
    """
    for prefix in (situation.prefix, SLASH_NAME):
        line = _after_prefix(message.text, prefix)
        if line is None and message.addressed is not None:
            line = _after_prefix(message.addressed, prefix)
        if line is not None:
            return line or "help"
    said = (message.addressed or "").strip()
    if said[:1].translate(_NARROW) == "/" and len(said) > 1 and not said[1].isspace():
        return said[1:]
    return said if _names_command(said, situation.commands) else None


def is_talk(message: Message, situation: Situation) -> bool:
    """People say it to each other: it is no program's, nothing said to the bot, and has words or a file."""
    if message.notice or message.author.is_bot or message.addressed is not None:
        return False
    if situation.replies_to_us or situation.in_our_thread:
        return False
    if not message.text.strip() and not message.attachments:
        return False
    return command_line(message, situation) is None


def _after_prefix(text: str, prefix: str) -> str | None:
    head, *rest = text.strip().split(None, 1) or [""]
    if head.translate(_NARROW).casefold() != prefix.translate(_NARROW).casefold():
        return None
    return rest[0] if rest else ""


def _names_command(said: str, commands: frozenset[tuple[str, ...]]) -> bool:
    words = tuple(said.casefold().split())
    if words in commands:
        return True
    return len(words) > 1 and (words[:2] in commands or (words[:1] == ("ask",) and ("ask",) in commands))


def _is_meant_for_us(message: Message, situation: Situation) -> bool:
    if situation.answer == "never":
        return False
    if message.addressed is not None or situation.replies_to_us or situation.in_our_thread:
        return True
    if situation.answer == "all":
        return True
    return situation.answer == "question" and message.text.rstrip().endswith(QUESTION_MARKS)


def _may_repeat(message: Message, situation: Situation) -> bool:
    """Whether it may be a question that was answered before; a post of a forum may ask by its title."""
    if not situation.hints or situation.too_old or message.reply_to is not None:
        return False
    is_post = message.ref.id == message.ref.channel.thread
    return is_talk(message, situation) and (is_post or asks_for_help("", message.text))


def follows(policy: ChannelPolicy) -> bool:
    """Whether moderators want to know what becomes of a place's questions."""
    return policy.duplicates != "off" or policy.unanswered != "off"


class Router:
    """Routes messages by what the store knows at this moment; all it adds to `route` is the situation."""

    def __init__(
        self, store: Store, *, prefix: str, commands: frozenset[tuple[str, ...]], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._commands = commands
        self._now = now

    def __call__(self, message: Message) -> Route:
        """Decide what becomes of a message that moderation let stand."""
        return route(message, self._situation(message))

    def archives(self, message: Message) -> bool:
        """Whether a message that moderation let stand is kept to be found: it is talk, where talk is kept."""
        channel = message.ref.channel
        if not channel_policy(self._store.policies, channel).archive or not can_be_archived(channel):
            return False
        return is_talk(message, self._situation(message))

    def talks(self, message: Message) -> bool:
        """Whether people say it to each other."""
        return is_talk(message, self._situation(message))

    def _situation(self, message: Message) -> Situation:
        channel, known = message.ref.channel, self._store.messages
        policy = channel_policy(self._store.policies, channel)
        return Situation(
            answer=policy.answer,
            prefix=self._prefix,
            commands=self._commands,
            replies_to_us=message.reply_to is not None and known.is_ours(channel, message.reply_to),
            in_our_thread=known.opened_thread(channel),
            too_old=self._now() - message.at > STALE_AFTER,
            hints=follows(policy) and can_be_archived(channel),
        )
