"""The report of each week, posted once where the moderators of a community read, over restarts too.

A week has a name, and the outbox takes a post of that name once: it knows names for longer than a week.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, time, timedelta

from bot.core.actions import Post
from bot.core.events import Channel
from bot.core.text import speaking
from bot.moderation.chart import chart
from bot.moderation.report import report, text
from bot.storage.outbox import NewOutboxRow
from bot.storage.settlement import Settlement
from bot.storage.store import Store

SETTING, OFF = "weekly_report", "off"
"""Of a community; anything else means that it wants the report."""

AT = time(9, 0)
"""On Mondays, UTC."""

Begin = Callable[[NewOutboxRow], None]
"""Carries out an outbox row that is stored already."""


class Weekly:
    """Posts what is due.

    Args:
        key: makes an outbox key from the name of something that happens once.
        locale: the language of the posts.
        platforms: those that this process serves.
    """

    def __init__(
        self,
        *,
        store: Store,
        now: Callable[[], datetime],
        key: Callable[[str], str],
        locale: str,
        platforms: Collection[str],
    ) -> None:
        self._store, self._now, self._key = store, now, key
        self._locale, self._platforms = locale, platforms
        self._begin: Begin = lambda row: None

    def hand_to(self, begin: Begin) -> None:
        """From now on posts are carried out by this as soon as they are stored."""
        self._begin = begin

    async def look(self) -> None:
        """Post the report of the last whole week where that was not done; a week without cases has none."""
        until = week_before(self._now())
        for log in self._store.rulebooks.logs():
            if log.platform in self._platforms:
                await self._attend(log, until)

    async def _attend(self, log: Channel, until: datetime) -> None:
        communities = [
            community
            for community in self._store.rulebooks.read_in(log)
            if self._store.policies.get(community).get(SETTING) != OFF
        ]
        key = self._key(f"moderation report {log.parent.key} {until.isoformat()}")
        if not communities or await self._store.outbox.knows(key):
            return
        found = await report(self._store, communities, until)
        if not found.cases:
            return
        with speaking(self._locale):
            post = Post(log, text(found), file=await asyncio.to_thread(chart, found))
        row = NewOutboxRow(key, log, None, post)
        await self._store.settle(Settlement(opened=(row,)))
        self._begin(row)


def week_before(now: datetime) -> datetime:
    """The newest Monday at nine that is over."""
    here = now.astimezone(UTC)
    monday = datetime.combine(here.date() - timedelta(days=here.weekday()), AT, UTC)
    return monday if monday <= here else monday - timedelta(days=7)
