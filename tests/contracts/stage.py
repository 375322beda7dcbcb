"""What the adapter contract needs of a platform: somebody asks, and what the bot shows can be read."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from bot.adapters.adapter import Adapter, Batch, Cursors
from bot.core.events import Message


class Stage(ABC):
    """One adapter, connected.

    Attributes:
        lives_on: the platform is there without the bot: what was shown can be changed and taken back, and
            what happened meanwhile is told.
        hides: a private answer is kept from everybody else.
        most_question: characters that somebody can write at once.
        most_answer: characters of an answer that such a platform brings through while a test waits.
    """

    adapter: Adapter
    lives_on = True
    hides = True
    most_question, most_answer = 1_000_000, 1_200_000

    @abstractmethod
    async def ask(self, text: str) -> Message:
        """A member writes to the bot; the message as `events` brings it."""

    @abstractmethod
    def shown(self) -> list[str]:
        """What the bot shows: one text per message, oldest first."""

    def looks(self, text: str) -> str:
        """How a text looks there when it was brought through."""
        return text

    def files(self) -> dict[str, bytes]:
        """The files that the bot shows, by name."""
        raise NotImplementedError

    def readers(self) -> list[str | None]:
        """For each message the bot shows, the id of the only member who can read it."""
        raise NotImplementedError

    def happen(self, text: str) -> None:
        """Somebody says something while nobody listens."""
        raise NotImplementedError

    async def told_since(self, cursors: Cursors) -> Batch:
        """What a bot that starts again is told first."""
        return await anext(self.adapter.events(cursors))


async def next_message(events: AsyncIterator[Batch]) -> Message:
    async for batch in events:
        for event in batch.events:
            assert isinstance(event, Message)
            return event
    raise AssertionError("the platform ended")
