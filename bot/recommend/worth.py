"""What is worth reading, for one member or for everybody in a channel, and why: live, in every community."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.events import Identity
from bot.recommend.community import Community
from bot.recommend.emoji import Weights
from bot.recommend.explain import Reason, reasons
from bot.recommend.mixing import mixed
from bot.recommend.models import blend
from bot.recommend.rows import Ints
from bot.recommend.votes import NOBODY
from bot.storage.store import Store
from bot.storage.threads import Noted, ThreadRef

__all__ = ["Reason", "Recommendations", "ThreadRef", "Worth"]

log = logging.getLogger(__name__)

SPARE = 20
"""More than asked for are ranked, in place of those that turn out to wait for a moderator."""

TO_MIX = 60
"""The best so many are mixed for a list that is for everybody."""


@dataclass(frozen=True, slots=True)
class Worth:
    """A thread worth reading.

    Attributes:
        reasons: largest first.
        beside: the threads that the reason `readers` names, as far as they may be read.
    """

    thread: ThreadRef
    reasons: tuple[Reason, ...]
    beside: tuple[ThreadRef, ...] = ()


@dataclass(slots=True)
class _Known:
    """A community and its model; `missed` is what happened while it was being read."""

    community: Community
    model: blend.Blend
    missed: list[Noted] | None


class Recommendations:
    """Ranks the threads of each community; a community is read when it is first asked about."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, _Known] = {}
        self._loading = asyncio.Lock()
        self._withdrawn: Mapping[str, datetime | None] = store.privacy.withdrawn()
        store.privacy.forgets(self.forget)
        store.privacy.when_erased(self.obey)

    async def for_member(
        self, member: Identity, community: str, readable: Collection[str], n: int, at: datetime
    ) -> Sequence[Worth]:
        """The best threads for a member that they neither touched nor opened, best first.

        Args:
            community: "platform/community".
            readable: keys of the channels they may read now.
            n: so many at most.
        """
        known = await self._ready(community)
        votes, who = known.community.votes, self._store.seal.pseudonym(member)
        number = votes.member(who)
        candidates = known.community.among(votes.candidates(number, at.timestamp()), readable)
        ranked = known.model.recommend(who, at.timestamp(), n + SPARE, candidates)
        standing = await self._standing([known.community.threads[each.thread] for each in ranked])
        return self._told(known, number, standing[:n], readable, at)

    async def for_channel(
        self, community: str, readable: Collection[str], n: int, at: datetime, without: Collection[str]
    ) -> Sequence[Worth]:
        """The best threads for nobody in particular, best first, not all of one kind.

        Args:
            readable: keys of the channels that every reader may read.
            without: keys of threads that are left out, such as those that were shown before.
        """
        known = await self._ready(community)
        votes, moment = known.community.votes, at.timestamp()
        candidates = known.community.among(votes.candidates(NOBODY, moment), readable, without)
        ranked = known.model.recommend("", moment, TO_MIX, candidates)
        standing = await self._standing([known.community.threads[each.thread] for each in ranked])
        chosen = self._mixed(known, standing, n, moment)
        return self._told(known, NOBODY, chosen, readable, at)

    async def fold(self, noted: Noted) -> None:
        """Let every list from now on know what was stored just now."""
        for known in tuple(self._known.values()):
            if known.missed is not None:
                known.missed.append(noted)
            else:
                await known.community.fold(noted)

    def forget(self, identity: Identity) -> None:
        """Forget a member who asked for it."""
        who = self._store.seal.pseudonym(identity)
        for known in self._known.values():
            known.community.forget(who)

    async def obey(self) -> None:
        """Look again at members who were forgotten, or opted out or in, in whatever process."""
        before, now = self._withdrawn, self._store.privacy.withdrawn()
        self._withdrawn = now
        changed = [who for who in before.keys() | now.keys() if before.get(who, ...) != now.get(who, ...)]
        for known in tuple(self._known.values()):
            for who in changed:
                await known.community.reread(who)

    def _told(
        self,
        known: _Known,
        member: int,
        chosen: Iterable[ThreadRef],
        readable: Collection[str],
        at: datetime,
    ) -> tuple[Worth, ...]:
        votes, moment = known.community.votes, at.timestamp()
        told = []
        for thread in chosen:
            number = votes.thread(thread.key)
            parts = known.model.explain(member, number, moment)
            why = reasons(votes, number, parts, moment)
            named = [known.community.threads[key] for reason in why for key in reason.threads]
            told.append(Worth(thread, why, tuple(each for each in named if each.channel in readable)))
        return tuple(told)

    def _mixed(
        self, known: _Known, threads: Sequence[ThreadRef], n: int, moment: float
    ) -> Sequence[ThreadRef]:
        votes = known.community.votes
        numbers: Ints = votes.numbers([thread.key for thread in threads])
        scores = known.model.scores(NOBODY, numbers, moment)
        places = mixed(votes, numbers, scores, [thread.channel for thread in threads], n)
        return [threads[place] for place in places]

    async def _standing(self, threads: Sequence[ThreadRef]) -> Sequence[ThreadRef]:
        """Without those whose opening moderation removed or queued, and those that the bot opened itself."""
        channels = {place for thread in threads for place in (thread.channel, thread.place.key)}
        refused = await self._store.cases.holding(channels, {_opening(thread) for thread in threads})
        return [
            thread
            for thread in threads
            if _opening(thread) not in refused and not self._store.messages.opened_thread(thread.place)
        ]

    async def _ready(self, community: str) -> _Known:
        """A community, read now if it was not yet."""
        async with self._loading:
            known = self._known.get(community)
            if known is None:
                known = await self._read(community)
            return known

    async def _read(self, community: str) -> _Known:
        known = _Known(Community(self._store, community, Weights()), blend.Blend(), [])
        self._known[community] = known
        try:
            await known.community.load()
        except BaseException:
            del self._known[community]
            raise
        known.model.resume(known.community.votes, known.model.weights)
        while known.missed:
            await known.community.fold(known.missed.pop(0))
        known.missed = None
        return known


def _opening(thread: ThreadRef) -> str:
    return thread.first_message or thread.id
