"""A chooser over a plain list: what is worth reading is what a test puts there."""

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
        self, community: str, readable: Collection[str], n: int, at: datetime, without: Collection[str]
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
