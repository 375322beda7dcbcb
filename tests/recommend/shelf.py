"""What a test puts there: a plain list of what is worth reading, and lines about it."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.events import Channel, Identity
from bot.recommend.reason import Reason
from bot.recommend.worth import ThreadRef, Worth
from tests.messages import CHANNEL, EPOCH

BECAUSE = (Reason("recency", 0.7, age_s=10_800), Reason("reactions", 0.3, members=4))


def worth(
    id: str,
    title: str = "",
    *,
    channel: Channel = CHANNEL,
    at: datetime = EPOCH,
    reasons: tuple[Reason, ...] = BECAUSE,
) -> Worth:
    """A thread worth reading."""
    place = channel.parent
    thread = ThreadRef(place.community_key, place.key, id, at, first_message=f"first of {id}", title=title)
    return Worth(thread, reasons)


@dataclass
class Shelf:
    """Hands out what stands on it, in this order; `asked` is how often."""

    threads: list[Worth] = field(default_factory=list)
    asked: int = 0
    error: Exception | None = None

    def put(self, *threads: Worth) -> None:
        self.threads += threads

    async def for_channel(
        self,
        community: str,
        readable: Collection[str],
        n: int,
        at: datetime,
        without: Collection[str],
        only: Collection[str] | None = None,
    ) -> Sequence[Worth]:
        return self._chosen(community, readable, n, without)

    async def for_member(
        self,
        member: Identity,
        community: str,
        readable: Collection[str],
        n: int,
        at: datetime,
        without: Collection[str] = (),
    ) -> Sequence[Worth]:
        return self._chosen(community, readable, n, without)

    def _chosen(
        self, community: str, readable: Collection[str], n: int, without: Collection[str]
    ) -> Sequence[Worth]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return [
            each
            for each in self.threads
            if each.thread.community == community
            and each.thread.channel in readable
            and each.thread.key not in without
        ][:n]


@dataclass
class Line:
    """A line, and whether it may be shown still."""

    text: str
    stands: bool = True

    async def now(self) -> str:
        return self.text if self.stands else ""


@dataclass
class Pen:
    """Writes the lines that a test gave it; `asked` are the threads it was asked about, by id.

    Attributes:
        on: whether lines are wanted.
        stuck: it never comes to an end.
        begun: it was asked.
    """

    on: bool = False
    lines: dict[str, Line] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    error: Exception | None = None
    stuck: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def wanted(self, place: Channel) -> bool:
        return self.on

    async def introduce(self, place: Channel, thread: ThreadRef, locale: str) -> Line | None:
        self.asked.append(thread.id)
        self.begun.set()
        if self.error is not None:
            raise self.error
        if self.stuck:
            await asyncio.Event().wait()
        return self.lines.get(thread.id)
