"""One community's threads and votes in memory: read from the database once, then kept up to date."""

import asyncio
from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from bot.recommend.emoji import Weights
from bot.recommend.interactions import Interactions
from bot.recommend.rows import Ints
from bot.recommend.votes import Thread, Vote, Votes
from bot.storage.store import Store
from bot.storage.threads import Count, Noted, ThreadRef, Touch

_THREADS_AT_ONCE = 50
"""So many are read in one go; in between other work of the loop gets its turn."""

_MICROSECONDS = 1_000_000
_NOWHERE = -1

Told = list[tuple[str, str, float]]
"""A member's touches of a thread: (kind, emoji, unix seconds)."""


class Community:
    """The living memory of one community. `votes` knows threads by their key."""

    def __init__(self, store: Store, name: str, weights: Weights) -> None:
        """Call `load` before use. Args: name: "platform/community"."""
        self._store, self.name, self._weights = store, name, weights
        self.votes = Votes()
        self.threads: dict[str, ThreadRef] = {}
        self._channels: dict[str, int] = {}
        self._channel_of = np.empty(0, np.int32)

    async def load(self) -> None:
        """Read everything."""
        gathering = _Gathering(self._weights, self._store)
        after = 0
        while found := await self._store.threads.of(self.name, after, _THREADS_AT_ONCE):
            numbers = {number: thread for number, thread in found}
            after = found[-1][0]
            self.threads.update((thread.key, thread) for thread in numbers.values())
            gathering.take(numbers, await self._store.threads.counts(self.name, found[0][0], after))
        self.votes = await asyncio.to_thread(gathering.votes)
        for key, thread in self.threads.items():
            self._place(self.votes.thread(key), thread)

    async def fold(self, noted: Noted) -> None:
        """Take in what was stored just now."""
        for thread in noted.threads:
            if thread.community == self.name:
                self._open(thread)
        for channel, id in noted.gone:
            self.votes.close(f"{channel}/{id}")
            self.threads.pop(f"{channel}/{id}", None)
        changed = dict.fromkeys(
            (touch.member, touch.thread_key) for touch in (*noted.touched, *noted.untouched)
        )
        for member, key in changed:
            known = self.threads.get(key)
            if known is not None:
                self._cast(member, key, await self._store.threads.between(member, known))

    async def reread(self, member: str) -> None:
        """Look again at everything of a member (pseudonym): they were forgotten, or opted out or in."""
        self.forget(member)
        by_thread: dict[str, list[Touch]] = {}
        for touch in await self._store.threads.by(member):
            by_thread.setdefault(touch.thread_key, []).append(touch)
        for key, touches in by_thread.items():
            if key in self.threads:
                self._cast(member, key, touches)

    def forget(self, member: str) -> None:
        """Take a member out, and what they called their threads."""
        self.votes.forget(member)
        for key, thread in self.threads.items():
            if thread.author == member:
                self.threads[key] = replace(thread, author="", title="")

    def expire(self, before: datetime) -> None:
        """Let threads go that were opened before a moment, and with them all that was done there."""
        for thread in [thread for thread in self.threads.values() if thread.opened_at < before]:
            self.votes.close(thread.key)
            del self.threads[thread.key]

    def among(
        self,
        candidates: Ints,
        readable: Collection[str],
        without: Collection[str] = (),
        only: Collection[str] | None = None,
    ) -> Ints:
        """The candidates in channels (by key) that may be read, that are open and not left out (by key).

        Args:
            only: keys of those that count; None for all.
        """
        channels = [self._channels[channel] for channel in readable if channel in self._channels]
        allowed = np.isin(self._channel_of[candidates], channels)
        allowed &= ~np.isin(candidates, [self.votes.thread(key) for key in without])
        if only is not None:
            allowed &= np.isin(candidates, [self.votes.thread(key) for key in only if key in self.threads])
        return np.asarray(candidates[allowed], np.int64)

    def _place(self, number: int, thread: ThreadRef) -> None:
        """Remember where a thread stands, by its number in the votes; nowhere if it is closed."""
        if number >= len(self._channel_of):
            grown = np.full(2 * number + 16, _NOWHERE, np.int32)
            grown[: len(self._channel_of)] = self._channel_of
            self._channel_of = grown
        channel = self._channels.setdefault(thread.channel, len(self._channels))
        self._channel_of[number] = _NOWHERE if thread.closed else channel

    def _open(self, told: ThreadRef) -> None:
        thread = self._store.threads.keepable(told)
        if thread.key not in self.threads:
            self.votes.open(Thread(thread.key, thread.opened_at.timestamp(), thread.author or None))
        self.threads[thread.key] = thread
        self._place(self.votes.thread(thread.key), thread)

    def _cast(self, member: str, key: str, touches: Iterable[Touch]) -> None:
        """A member's vote on a thread, from all they did there."""
        told: Told = [
            (touch.kind, touch.emoji, touch.at.timestamp())
            for touch in touches
            if not self._store.privacy.refuses(touch.member, touch.at)
        ]
        cast = self._weights.cast(told)
        self.votes.drop(member, key)
        if cast is not None:
            self.votes.add(Vote(member, key, cast))


class _Gathering:
    """Columns of votes, page by page."""

    def __init__(self, weights: Weights, store: Store) -> None:
        self._weights, self._refuses = weights, store.privacy.refuses
        self._members: dict[str, int] = {}
        self._threads: list[ThreadRef] = []
        self._who, self._what, self._when = array("q"), array("q"), array("d")

    def take(
        self,
        threads: dict[int, ThreadRef],
        counts: Sequence[Count],
    ) -> None:
        """Add threads by number, and the touches of them."""
        places = {number: len(self._threads) + at for at, number in enumerate(threads)}
        self._threads += threads.values()
        told: dict[tuple[int, str], Told] = {}
        for number, member, kind, emoji, at in counts:
            told.setdefault((number, member), []).append((kind, emoji, at / _MICROSECONDS))
        for (number, member), touches in told.items():
            cast = self._weights.cast(touches)
            if cast is not None and not self._refuses(member, datetime.fromtimestamp(cast, UTC)):
                self._who.append(self._member(member))
                self._what.append(places[number])
                self._when.append(cast)

    def votes(self) -> Votes:
        """All of it as votes; takes a while for a million."""
        authors = [self._member(thread.author) if thread.author else -1 for thread in self._threads]
        members, threads = np.array(self._who, np.int64), np.array(self._what, np.int64)
        times = np.array(self._when, np.float64)
        order = np.argsort(times, kind="stable")
        return Votes.of(
            Interactions(
                tuple(self._members),
                tuple(thread.key for thread in self._threads),
                members[order],
                threads[order],
                times[order],
                np.array([thread.opened_at.timestamp() for thread in self._threads], np.float64),
                np.array(authors, np.int64),
            )
        )

    def _member(self, name: str) -> int:
        return self._members.setdefault(name, len(self._members))
