"""Archived talk for tests: what is said goes the way of a live message, and is in the index at once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.events import Author, Channel, Message, MessageRef
from bot.knowledge.archiving import Archiver
from bot.knowledge.index import Index
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.storage.threads import Noted, ThreadRef
from tests.messages import ALICE, CHANNEL, EPOCH, message

QUIET = timedelta(minutes=5)


class Unlinked:
    """A platform whose messages have no address."""

    async def link(self, channel: Channel, message_id: str) -> str | None:
        return None


@dataclass
class Shelves:
    """Members talk in archived places, a minute apart."""

    store: Store
    index: Index
    at: datetime = EPOCH
    said: dict[str, Message] = field(default_factory=dict)

    @property
    def archiver(self) -> Archiver:
        return Archiver(self.store.archive, self.index, Unlinked(), lambda: self.at + QUIET)  # type: ignore[arg-type]

    async def say(self, text: str, place: Channel = CHANNEL, author: Author = ALICE) -> MessageRef:
        """Say something; it has its vector too, if there is a model."""
        self.at += timedelta(minutes=1)
        told = message(text, id=f"m{len(self.said)}", author=author, channel=place, at=self.at)
        self.said[told.ref.id] = told
        await self.settle(Settlement(archived=(told,)))
        return told.ref

    async def thread(self, id: str, *texts: str, title: str = "", author: Author = ALICE) -> Channel:
        """Open a thread of the platform's in which this is said."""
        place = Channel(CHANNEL.platform, CHANNEL.community, CHANNEL.id, id)
        ref = ThreadRef(CHANNEL.community_key, CHANNEL.key, id, self.at, title=title)
        await self.store.settle(Settlement(noted=Noted(threads=(ref,))))
        for text in texts:
            await self.say(text, place, author)
        return place

    async def settle(self, settlement: Settlement) -> None:
        await self.store.settle(settlement)
        await self.archiver.catch_up()
