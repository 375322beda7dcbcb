"""Digests on time: whatever happens to the process or its clock, each slot is decided once.

The database is the truth: a slot whose row is there is decided. So a look at any moment does what is due and
was not done, one process may look or two, and after a long sleep only the newest slot of a digest is made up
for. The clock on the wall is looked at every few seconds, so that nobody sleeps through its being set.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Protocol

from bot.core.actions import Post
from bot.core.directory import Directory
from bot.core.errors import Forbidden, PlatformError, StorageError
from bot.core.events import Identity
from bot.core.text import speaking
from bot.recommend.card import Linked, card
from bot.recommend.introductions import Introducer, Introductions
from bot.recommend.schedule import Plan, Quiet, Slot
from bot.recommend.worth import Worth
from bot.storage.digests import Digest, Fate, SlotTaken, Taking
from bot.storage.outbox import NewOutboxRow
from bot.storage.store import Store
from bot.storage.threads import ThreadRef

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)
"""How long a clock that is set may go unnoticed."""
SHORTEST = timedelta(milliseconds=100)
AGAIN_AFTER = timedelta(minutes=1)
"""After a slot could not be decided."""
CHOOSE_S = 30.0
"""How long the platform and the recommender may take before the next look tries again."""
AHEAD = timedelta(minutes=10)
"""So long before a digest is due, lines about its threads are asked for."""
LOOK_AHEAD_EVERY = timedelta(minutes=1)
PREPARE_S = 120.0
"""How long that may take for one digest: others may be due as well."""
SPARE = 10
"""More threads than asked for, in place of those that not everybody may read."""


class Chooser(Protocol):
    """Chooses threads for everybody in a channel, or for one member."""

    async def for_channel(
        self,
        community: str,
        readable: Collection[str],
        n: int,
        at: datetime,
        without: Collection[str],
        only: Collection[str] | None = None,
    ) -> Sequence[Worth]:
        """The best threads, best first and not all of one kind, none that moderation removed or queued.

        Args:
            community: "platform/community".
            readable: keys of the channels that every reader may read.
            n: so many at most.
            without: keys of threads that are left out.
            only: keys of the threads that count; None for all.
        """
        ...

    async def for_member(
        self,
        member: Identity,
        community: str,
        readable: Collection[str],
        n: int,
        at: datetime,
        without: Collection[str] = (),
    ) -> Sequence[Worth]:
        """The best threads for a member, as above, none that they touched or opened."""
        ...


class Topical(Protocol):
    """Knows what threads are about."""

    async def threads(self, community: str, key: str) -> Collection[str]:
        """Keys of the threads that are about a topic."""
        ...

    async def names(self, community: str, threads: Collection[ThreadRef]) -> Mapping[str, str]:
        """What the topics of threads are called, by the key of the thread."""
        ...


Begin = Callable[[NewOutboxRow], None]
"""Carries out an outbox row that is stored already."""


def plan_of(digest: Digest) -> Plan:
    """When a stored digest comes."""
    if not digest.quiet:
        return Plan(digest.cron, digest.zone)
    begins, _dash, ends = digest.quiet.partition("-")
    return Plan(digest.cron, digest.zone, Quiet(time.fromisoformat(begins), time.fromisoformat(ends)))


@dataclass(frozen=True, slots=True)
class _Span:
    """The slots before and after a moment: while it lasts, no calendar has to be read."""

    plan: Plan
    made_at: datetime
    last: Slot | None
    next: Slot | None

    def covers(self, plan: Plan, made_at: datetime, now: datetime) -> bool:
        return (
            (self.plan, self.made_at) == (plan, made_at)
            and (self.last is None or self.last.at <= now)
            and (self.next is None or now < self.next.at)
        )


class Digesting:
    """Decides the slots of all digests.

    Args:
        key: makes an outbox key from the name of something that happens once.
        locale: the language of the posts.
        platforms: those that this process serves.
        lacking: what the bot has not got and an action takes, see `Adapter.lacking`.
        introducer: writes lines about threads where they are wanted.
        topics: what threads are about; None where nothing is known of that.
    """

    def __init__(
        self,
        *,
        store: Store,
        directory: Directory,
        chooser: Chooser,
        now: Callable[[], datetime],
        key: Callable[[str], str],
        locale: str,
        platforms: Collection[str],
        lacking: Callable[[Post], Awaitable[str | None]],
        introducer: Introducer,
        topics: Topical | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._directory, self._chooser = store, directory, chooser
        self._now, self._key, self._locale, self._platforms = now, key, locale, platforms
        self._lacking, self._sleep = lacking, sleep
        self._introductions = Introductions(introducer)
        self._topics = topics
        self._begin: Begin = lambda row: None
        self._spans: dict[int, _Span] = {}
        self._decided: dict[int, str] = {}
        self._failed_at: dict[int, datetime] = {}

    def hand_to(self, begin: Begin) -> None:
        """From now on posts are carried out by this as soon as they are stored."""
        self._begin = begin

    async def keep(self) -> None:
        """Look for what is due, for as long as the bot runs.

        Raises:
            StorageError: the database failed; nothing can go on without it.
        """
        while True:
            pause = await self.look() - self._now()
            await self._sleep(min(max(pause, SHORTEST), LOOK_EVERY).total_seconds())

    async def look(self) -> datetime:
        """Decide every slot that is due; when something may be due again."""
        now = self._now()
        again = now + LOOK_EVERY
        for digest in await self._store.digests.all():
            if digest.channel.platform not in self._platforms or digest.fate == "shut":
                continue
            try:
                again = min(again, await self._attend(digest, now))
            except StorageError:
                raise
            except Exception as error:  # one digest: the others are due as well
                log.exception("a digest failed", extra={"digest": digest.number})
                await self._put_off(digest, type(error).__name__)
        return again

    async def keep_ahead(self) -> None:
        """Prepare what is due soon, for as long as the bot runs, beside whatever is due now.

        Raises:
            StorageError: the database failed; nothing can go on without it.
        """
        while True:
            await self.look_ahead()
            await self._sleep(LOOK_AHEAD_EVERY.total_seconds())

    async def look_ahead(self) -> None:
        """Prepare every digest that is due soon and has lines about its threads."""
        soon = self._now() + AHEAD
        near = {
            digest.number: digest for digest in await self._store.digests.all() if self._nears(digest, soon)
        }
        self._introductions.keep(near)
        for digest in near.values():
            try:
                await self.prepare(digest, PREPARE_S)
            except StorageError:
                raise
            except Exception:  # one digest: it comes all the same
                log.exception("a digest could not be prepared", extra={"digest": digest.number})

    async def prepare(self, digest: Digest, within_s: float) -> None:
        """Ask for lines about the threads that a digest would show now, where it has any; never for long."""
        if not self._introductions.wanted(digest):
            return
        try:
            async with asyncio.timeout(within_s):
                threads = await self._chosen(digest, await self._readable(digest), self._now())
                shown = [each.worth.thread for each in threads]
                await self._introductions.ask(digest, shown, self._locale_of(digest))
        except (PlatformError, TimeoutError) as error:
            log.info(
                "a digest is not prepared: %s", str(error) or "too slow", extra={"digest": digest.number}
            )

    def next(self, digest: Digest) -> Slot | None:
        """The slot that comes next."""
        return self._span(digest, self._now()).next

    async def decide(self, digest: Digest, slot: str, at: datetime) -> Fate | None:
        """Decide a slot and post if there is something to post.

        Args:
            slot: its name: one name, one post.

        Returns:
            What became of it; None if it was decided before, or its digest is gone.

        Raises:
            Forbidden: the bot may not post there.
            PlatformError, TimeoutError: it cannot be decided now; nothing was written.
        """
        fate, post, taking = await self._try_to_decide(digest, slot, at)
        while taking == "stale":  # another digest of the channel, or of another process, was faster
            fate, post, taking = await self._try_to_decide(digest, slot, at)
        self._introductions.drop(digest)
        if taking == "late":
            return None
        log.info("digest %s", fate, extra={"digest": digest.number, "slot": slot})
        if post is not None:
            self._begin(post)
        return fate

    async def _try_to_decide(
        self, digest: Digest, slot: str, at: datetime
    ) -> tuple[Fate, NewOutboxRow | None, Taking]:
        async with asyncio.timeout(CHOOSE_S):
            readable = await self._readable(digest)
            threads = [
                replace(each, line=await self._introductions.of(digest, each.worth.thread))
                for each in await self._chosen(digest, readable, self._now())
            ]
        fate: Fate = "posted" if threads else "nothing new" if readable else "no channels"
        post = None
        if threads:
            key = self._key(f"digest {digest.number} {slot}")
            reader = digest.reader
            with speaking(self._locale_of(digest)):
                action = card(digest.channel, threads, key, None if reader is None else reader.author)
            lacks = await self._lacking(action)
            if lacks is not None:  # else the threads would count as shown, and nobody would have seen them
                raise Forbidden(lacks)
            post = NewOutboxRow(key, digest.channel, None, action)
        shown = tuple(each.worth.thread for each in threads)
        blend = next((each.worth.blend for each in threads), "")
        taken = SlotTaken(digest, slot, at, fate, shown, post, blend)
        return fate, post, await self._store.digests.take(taken)

    async def _attend(self, digest: Digest, now: datetime) -> datetime:
        """Decide the newest slot of a digest if it is not; when to look at it again."""
        span = self._span(digest, now)
        again = now + LOOK_EVERY if span.next is None else span.next.at
        slot = span.last
        if slot is None or self._decided.get(digest.number) == slot.name:
            return again
        failed_at = self._failed_at.get(digest.number, now - AGAIN_AFTER)
        if timedelta() <= now - failed_at < AGAIN_AFTER:
            return again
        if await self._store.digests.fate(digest, slot.name) is None:
            if span.plan.is_quiet(now):
                return min(again, span.plan.wakes(now))
            try:
                await self.decide(digest, slot.name, slot.at)
            except (PlatformError, TimeoutError) as error:
                await self._put_off(digest, str(error) or "it took too long")
                return again
        self._decided[digest.number] = slot.name
        return again

    def _nears(self, digest: Digest, soon: datetime) -> bool:
        """Whether a digest that has lines about its threads is due soon."""
        if digest.channel.platform not in self._platforms or digest.fate == "shut":
            return False
        slot = self.next(digest) if self._introductions.wanted(digest) else None
        return slot is not None and slot.at <= soon

    def _locale_of(self, digest: Digest) -> str:
        return self._locale if digest.reader is None else digest.reader.locale

    async def _put_off(self, digest: Digest, trouble: str) -> None:
        self._failed_at[digest.number] = self._now()
        if digest.trouble != trouble:
            log.warning("a digest has to wait: %s", trouble, extra={"digest": digest.number})
            await self._store.digests.note(digest, trouble)

    def _span(self, digest: Digest, now: datetime) -> _Span:
        plan, span = plan_of(digest), self._spans.get(digest.number)
        if span is None or not span.covers(plan, digest.made_at, now):
            span = _Span(plan, digest.made_at, plan.last(digest.made_at, now), plan.next(now))
            self._spans[digest.number] = span
        return span

    async def _chosen(self, digest: Digest, readable: Collection[str], now: datetime) -> list[Linked]:
        """The threads to show: new in this channel or to this member, and open to everybody who reads it."""
        if not readable:
            return []
        seen, only = await self._store.digests.shown_in(digest.place), await self._about(digest)
        found: list[Linked] = []
        for worth in await self._worth(digest, readable, seen, only, now):
            if (only is None or worth.thread.key in only) and await self._may_be_shown(worth, readable, seen):
                found.append(Linked(worth, await self._link(worth)))
            if len(found) == digest.n:
                break
        return await self._with_topics(digest, found)

    async def _about(self, digest: Digest) -> Collection[str] | None:
        """Keys of the threads that are about a digest's topic; None if it is about all."""
        if not digest.topic:
            return None
        return () if self._topics is None else await self._topics.threads(digest.community, digest.topic)

    async def _with_topics(self, digest: Digest, found: list[Linked]) -> list[Linked]:
        if self._topics is None or not found:
            return found
        names = await self._topics.names(digest.community, [each.worth.thread for each in found])
        return [replace(each, topic=names.get(each.worth.thread.key, "")) for each in found]

    async def _readable(self, digest: Digest) -> Collection[str]:
        """Keys of the channels that everybody may read who reads it, now."""
        if digest.reader is None:
            return {each.key for each in await self._directory.shared_with(digest.channel)}
        author, community = digest.reader.author, digest.channel.community
        return {each.parent.key for each in await self._directory.readable_channels(author, community)}

    async def _worth(
        self,
        digest: Digest,
        readable: Collection[str],
        seen: Collection[str],
        only: Collection[str] | None,
        now: datetime,
    ) -> Sequence[Worth]:
        most = digest.n + SPARE
        if digest.reader is None:
            return await self._chooser.for_channel(digest.community, readable, most, now, seen, only)
        who = digest.reader.author.identity
        return await self._chooser.for_member(who, digest.community, readable, most, now, seen)

    async def _may_be_shown(self, worth: Worth, readable: Collection[str], seen: Collection[str]) -> bool:
        thread = worth.thread
        return (
            thread.channel in readable
            and thread.key not in seen
            and await self._directory.is_shared(thread.place)
        )

    async def _link(self, worth: Worth) -> str | None:
        thread = worth.thread
        return await self._directory.link(thread.place, thread.first_message or thread.id)
