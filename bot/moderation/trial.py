"""Rules tried on messages that were said before: what they would have found, with nothing following.

A trial has a past of its own, so that the windows of the real one stay as they are.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime

from bot.core.errors import PlatformError
from bot.core.events import Channel, Message
from bot.moderation.examined import Scorer
from bot.moderation.judge import Judge
from bot.moderation.ladder import nothing_on
from bot.moderation.rule import Verdict
from bot.moderation.ruleset import Ruleset

PER_CHANNEL = 5_000
"""Messages read of one channel."""

PAGE_TIMEOUT_S = 60.0
"""A platform that asks for patience gets this much before its channel is left out."""

BREATHE_EVERY = 20
"""Messages looked at in one go: longer would hold up whoever else is served."""


class Trial:
    """Rules at a time that is over.

    Attributes:
        read: messages looked at.
        matched: by rule, in how many of them it found something.
    """

    def __init__(self, rules: Ruleset, scorer: Scorer | None = None) -> None:
        self._at = datetime.min.replace(tzinfo=UTC)
        self._judge = Judge(lambda channel: rules, now=lambda: self._at, scorer=scorer, follow=nothing_on)
        self.read = 0
        self.matched: Counter[str] = Counter()

    def look(self, message: Message) -> tuple[Verdict, ...]:
        """What the rules say of a message, which is not older than the one before."""
        self._at = message.at
        self.read += 1
        verdicts = self._judge.judge(message).verdicts
        self.matched.update({verdict.rule for verdict in verdicts})
        return verdicts

    def share(self, rule: str) -> float:
        """In which share of the messages a rule found something."""
        return self.matched[rule] / self.read if self.read else 0.0


async def tried(rules: Ruleset, messages: Sequence[Message], scorer: Scorer | None = None) -> Trial:
    """A trial on some messages, oldest first, that lets others be served meanwhile."""
    trial = Trial(rules, scorer)
    for n, message in enumerate(messages, start=1):
        trial.look(message)
        if n % BREATHE_EVERY == 0:
            await asyncio.sleep(0)
    return trial


class Histories:
    """The histories of several channels as one, oldest message first.

    Attributes:
        cut: channels of which only the first messages were read.
        failed: channels whose history the platform did not give.
    """

    def __init__(
        self, history: Callable[[Channel], AsyncIterator[Message]], channels: Sequence[Channel]
    ) -> None:
        self._history, self._channels = history, channels
        self._left = {channel.key: PER_CHANNEL for channel in channels}
        self.cut: list[Channel] = []
        self.failed: list[Channel] = []

    async def messages(self) -> AsyncIterator[Message]:
        """All of them; of each channel one page is in memory."""
        opened: Mapping[str, AsyncIterator[Message]] = {
            channel.key: self._history(channel) for channel in self._channels
        }
        waiting: list[tuple[datetime, int, Message]] = []
        for number, channel in enumerate(self._channels):
            await self._next(number, channel, opened[channel.key], waiting)
        while waiting:
            _at, number, message = heapq.heappop(waiting)
            yield message
            channel = self._channels[number]
            await self._next(number, channel, opened[channel.key], waiting)

    async def _next(
        self,
        number: int,
        channel: Channel,
        history: AsyncIterator[Message],
        waiting: list[tuple[datetime, int, Message]],
    ) -> None:
        try:
            async with asyncio.timeout(PAGE_TIMEOUT_S):
                message = await anext(history, None)
        except (PlatformError, TimeoutError):
            self.failed.append(channel)
            return
        if message is None:
            return
        if not self._left[channel.key]:
            self.cut.append(channel)
            return
        self._left[channel.key] -= 1
        heapq.heappush(waiting, (message.at, number, message))
