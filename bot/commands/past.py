"""What members said in a place, read from the platform's history when somebody asks; nothing is kept."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.commands.command import PLATFORM_TIMEOUT_S, Context
from bot.conversation.running import Handle
from bot.conversation.sourced import one_line
from bot.conversation.summary import MOST_CHARS, Said, extract, key_sentence
from bot.core.errors import PlatformError, UserError
from bot.core.events import Channel, Message, MessageRef
from bot.core.text import _, ngettext
from bot.knowledge.segmenting import words

PAGE_TIMEOUT_S = 60.0
"""A platform that asks for patience gets this much for the next message."""

TOLD_EVERY = 100
"""Messages between two signs of progress."""

QUOTE_CHARS, NAME_CHARS = 200, 60

_CLOCKS_DIFFER = timedelta(minutes=5)

_MENTION = re.compile(r"<@!?(\d{1,25})>")
"""Discord's; a quote names who was meant and calls nobody."""


class Past:
    """One place since a moment.

    Attributes:
        said: what members said to each other, oldest first, without commands, programs, what moderation took
            away, and who wants nothing kept.
        names: what those who wrote are called, by their ids.
        spoke_at: when the caller last said something there.
        read: messages looked at.
        wordless: messages of members without a word that we can read.
        cut: there was more than `most`; the rest is newer.
        failed: the platform did not give the history, or not to its end.
    """

    def __init__(self, context: Context, place: Channel, since: datetime, most: int) -> None:
        self.place, self.since = place, since
        self.said: list[Message] = []
        self.names: dict[str, str] = {}
        self.spoke_at: datetime | None = None
        self.read = self.wordless = 0
        self.cut = self.failed = False
        self._context, self._most = context, most
        self._outcomes: dict[str, str] = {}

    async def take(self, handle: Handle) -> AsyncIterator[int]:
        """Read on; yields now and then how many messages there were.

        Raises:
            Stopped: somebody stopped it.
        """
        services = self._context.services
        await self._remember()
        history = services.directory.history(self.place, self.since)
        while (message := await handle.unless_stopped(self._next(history))) is not None:
            if self.read == self._most:
                self.cut = True
                return
            self.read += 1
            self.names[message.author.id] = message.author.name
            if not words(message.text[:MOST_CHARS]):
                self.wordless += not message.author.is_bot
            elif self._is_talk(message):
                mine = message.author.identity == self._context.caller.identity
                if mine and self._outcomes.get(message.ref.id) != "opened":  # it may be a command
                    self.spoke_at = message.at
                if self._may_be_told(message):
                    self.said.append(message)
            if self.read % TOLD_EVERY == 0:
                yield self.read

    async def _remember(self) -> None:
        """What became of messages, as far as it is kept: history does not say what was a command."""
        messages = self._context.services.store.messages
        soon = self._context.services.now() + _CLOCKS_DIFFER
        kept = await messages.before(self.place, soon, self._most)
        self._outcomes = {each.id: each.outcome for each in kept}
        if self.place.thread is not None:
            root = await messages.get(MessageRef(self.place.parent, self.place.thread))
            self._outcomes |= {} if root is None else {root.id: root.outcome}

    async def _next(self, history: AsyncIterator[Message]) -> Message | None:
        try:
            async with asyncio.timeout(PAGE_TIMEOUT_S):
                return await anext(history, None)
        except (PlatformError, TimeoutError):
            self.failed = True
            return None

    def _is_talk(self, message: Message) -> bool:
        """Whether a member said it to others, and it was left to stand."""
        outcome = self._outcomes.get(message.ref.id, "")
        if message.author.is_bot or message.notice or message.ref.id == self._context.to.id:
            return False
        told_apart = outcome == "command" or outcome.startswith("moderated:")
        return not (told_apart or self._is_command(message.text))

    def _may_be_told(self, message: Message) -> bool:
        store = self._context.services.store
        return not store.privacy.refuses(store.seal.pseudonym(message.author.identity), message.at)

    def _is_command(self, text: str) -> bool:
        head = (text.split(None, 1) or [""])[0].casefold()
        return head.startswith("/") or head == self._context.prefix.strip().casefold()


async def readable_place(context: Context, place: Channel) -> bool:
    """Whether the caller may read a place now.

    Raises:
        UserError: the platform did not tell.
    """
    return place.private or await find_place(context, place.thread or place.id) is not None


async def find_place(context: Context, id: str) -> Channel | None:
    """The channel or thread of an id here, if the caller may read it now.

    Raises:
        UserError: the platform did not tell.
    """
    directory, community = context.services.directory, context.channel.community
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            return await directory.place(context.caller, community, id)
    except (PlatformError, TimeoutError) as error:
        raise UserError(
            _("I could not find out which channels you may read, so I did nothing. Try again in a minute.")
        ) from error


async def telling(said: Sequence[Message], most: int) -> list[Message]:
    """The messages that say most, in the order in which they were said."""
    replies = Counter(message.reply_to for message in said if message.reply_to is not None)
    in_thread = bool(said) and said[-1].ref.channel.thread is not None
    units = [
        Said(message.text, replies[message.ref.id], opens=in_thread and at == 0)
        for at, message in enumerate(said)
    ]
    return [said[at] for at in await asyncio.to_thread(extract, units, most)]


async def line(context: Context, message: Message, names: Mapping[str, str]) -> str:
    """A message in one line: who said it, its sentence, and where it stands."""
    who, sentence = one_line(message.author.name, NAME_CHARS), key_sentence(message.text)
    quote = one_line(_MENTION.sub(lambda found: f"@{names.get(found[1], '…')}", sentence), QUOTE_CHARS)
    return f"• {who}: “{quote}” {await where(context, message)}"


async def where(context: Context, message: Message) -> str:
    """The link to a message; where the platform has none, when it was said."""
    directory = context.services.directory
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            link = await directory.link(message.ref.channel, message.ref.id)
    except (PlatformError, TimeoutError):
        link = None
    return link or f"({message.at:%H:%M} UTC)"


def reading(read: int) -> str:
    """Progress while a history is read."""
    return ngettext(
        "Reading what was said: {n} message so far. `stop` ends it.",
        "Reading what was said: {n} messages so far. `stop` ends it.",
        read,
    )


def no_words(messages: int) -> str:
    """Why nothing is said about messages whose words we were not shown."""
    return ngettext(
        "Of {n} message there I was shown no words: it has none, or the people who run me have not asked the "
        "platform to show me what members say to each other.",
        "Of {n} messages there I was shown no words: they have none, or the people who run me have not asked "
        "the platform to show me what members say to each other.",
        messages,
    )
