"""Short ways to make events for tests."""

from datetime import UTC, datetime

from bot.core.events import Author, Channel, Message, MessageRef, Quote

EPOCH = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
CHANNEL = Channel("memory", "home", "general")
ALICE = Author("memory", "alice", "Alice")
BOB = Author("memory", "bob", "Bob")
ROBOT = Author("memory", "robot", "Robot", is_bot=True)


def message(
    text: str,
    *,
    id: str = "1",
    author: Author = ALICE,
    channel: Channel = CHANNEL,
    to_us: bool = False,
    reply_to: str | None = None,
    notice: bool = False,
    at: datetime = EPOCH,
    quoted: Quote | None = None,
) -> Message:
    """A message; `to_us` makes it one that mentions the bot."""
    return Message(
        ref=MessageRef(channel, id),
        author=author,
        text=text,
        at=at,
        addressed=text if to_us else None,
        reply_to=reply_to,
        notice=notice,
        quoted=quoted,
    )
