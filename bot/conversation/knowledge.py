"""What a community has written, asked for one member and for the place where the answer will stand."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.conversation.audience import quotable
from bot.core.directory import Directory
from bot.core.events import Message
from bot.knowledge.answering import Answer, ask
from bot.knowledge.search import Search
from bot.knowledge.segmenting import is_small, words

NEAR = 0.25
"""Below this confidence a question is hardly about anything that is known here; see docs/performance.md."""


class Knowledge(Protocol):
    """What a conversation needs of it."""

    async def find(self, question: Message, said: str) -> Answer | None:
        """What there is to say to a question; None where nothing is known that may be quoted."""
        ...


class Known:
    """The knowledge of all communities, each for its own members."""

    def __init__(self, search: Search, directory: Directory, now: Callable[[], datetime]) -> None:
        self._search, self._directory, self._now = search, directory, now

    async def find(self, question: Message, said: str) -> Answer | None:
        """See `Knowledge`; what may be read is asked at this moment, and of nobody where nothing is known."""
        channel, passages = question.ref.channel, self._search.index.passages
        community = channel.community_key
        if all(map(is_small, words(said))) or not await passages.any(community, None):
            return None
        channels = await quotable(self._directory, question.author, channel)
        if not await passages.any(community, channels):
            return None
        return await ask(self._search, said, community, self._now(), channels)
