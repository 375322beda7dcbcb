"""What the console adapter needs of a terminal or a pipe."""

from collections.abc import AsyncIterator
from typing import Protocol

from bot.core.actions import Chunk
from bot.core.specs import CommandSpec


class Writing(Protocol):
    """One answer on its way to the reader."""

    @property
    def visible(self) -> bool:
        """Whether the reader sees some of its text by now."""
        ...

    async def add(self, chunk: Chunk) -> None:
        """Take the next piece."""
        ...

    async def end(self) -> None:
        """Show whatever is not shown yet; nothing follows.

        Raises:
            PlatformError: the text cannot be shown.
        """
        ...


class Screen(Protocol):
    """Where somebody writes and reads."""

    one_at_a_time: bool
    """See `Adapter.one_at_a_time`."""

    def lines(self) -> AsyncIterator[str]:
        """What is typed, line by line, until the person leaves."""
        ...

    def write(self) -> Writing:
        """Begin an answer that grows."""
        ...

    async def show(self, text: str) -> None:
        """A whole text.

        Raises:
            PlatformError: the text cannot be shown.
        """
        ...

    def note(self, text: str) -> None:
        """A remark for whoever runs the bot, not part of the conversation."""
        ...

    def offer(self, commands: tuple[CommandSpec, ...]) -> None:
        """The commands that can be typed."""
        ...

    def progress(self, doing: str, share: float) -> None:
        """Something takes a while; called from any thread, with a share of 1 when it is over."""
        ...

    def close(self) -> None:
        """Ask for no more lines."""
        ...
