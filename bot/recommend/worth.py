"""What is worth reading, for one member or for everybody in a channel, and why: live, in every community."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING

from bot.core.events import Identity
from bot.recommend.reason import Reason
from bot.storage.store import Store
from bot.storage.threads import FADED_AFTER, Noted, ThreadRef

if TYPE_CHECKING:  # numpy, which a chat that recommends nothing does without
    from bot.recommend.learning import Learned
    from bot.recommend.ranking import Ranking

__all__ = ["Reason", "Recommendations", "ThreadRef", "Worth"]

log = logging.getLogger(__name__)

SPARE = 20
"""More than asked for are ranked, in place of those that turn out to wait for a moderator."""

FIT_AGAIN = timedelta(hours=6)

TO_MIX = 60
"""The best so many are mixed for a list that is for everybody."""


@dataclass(frozen=True, slots=True)
class Worth:
    """A thread worth reading.

    Attributes:
        reasons: largest first.
        beside: the threads that the reason `readers` names, as far as they may be read.
        blend: a name of the weights that chose it.
    """

    thread: ThreadRef
    reasons: tuple[Reason, ...]
    beside: tuple[ThreadRef, ...] = ()
    blend: str = ""


class Recommendations:
    """Ranks the threads of each community; a community is read when it is first asked about."""

    def __init__(self, store: Store, half_life_days: float = 90) -> None:
        """Args: half_life_days: after so long what somebody touched says half as much about their taste."""
        self._store, self._half_life_days = store, half_life_days
        self._rankings: dict[str, Ranking] = {}
        self._loading = asyncio.Lock()
        self._withdrawn: Mapping[str, datetime | None] = store.privacy.withdrawn()
        store.privacy.forgets(self.forget)
        store.privacy.when_erased(self.obey)

    async def for_member(
        self,
        member: Identity,
        community: str,
        readable: Collection[str],
        n: int,
        at: datetime,
        without: Collection[str] = (),
    ) -> Sequence[Worth]:
        """The best threads for a member that they neither touched nor opened, best first.

        Args:
            community: "platform/community".
            readable: keys of the channels they may read now.
            n: so many at most.
            without: keys of threads that are left out, such as those that they were shown before.
        """
        ranking, who = await self._ready(community), self._store.seal.pseudonym(member)
        standing = await self._standing(ranking, ranking.for_member(who, readable, n + SPARE, at, without))
        return _told(ranking, who, standing[:n], readable, at)

    async def for_channel(
        self,
        community: str,
        readable: Collection[str],
        n: int,
        at: datetime,
        without: Collection[str],
        only: Collection[str] | None = None,
    ) -> Sequence[Worth]:
        """The best threads for nobody in particular, best first, not all of one kind.

        Args:
            readable: keys of the channels that every reader may read.
            without: keys of threads that are left out, such as those that were shown before.
            only: keys of the threads that count; None for all.
        """
        ranking = await self._ready(community)
        standing = await self._standing(ranking, ranking.for_all(readable, TO_MIX, at, without, only))
        return _told(ranking, "", ranking.mixed(standing, n, at), readable, at)

    async def fit(self, community: str, at: datetime) -> "Learned":
        """Learn a community's own weights from what its members chose, and use them if they prove better."""
        return await (await self._ready(community)).fit(at)

    async def refit(self, at: datetime) -> None:
        """Do that for every community that has threads, if it is a while ago; what has faded goes.

        Communities are read here, so that no member has to wait for it.
        """
        for community in await self._store.threads.communities():
            ranking = await self._ready(community)
            ranking.community.expire(at - FADED_AFTER * timedelta(days=self._half_life_days))
            if ranking.fitted_at is None and ranking.has_learned:
                ranking.fitted_at = at  # before this process began, who knows when: not all at its start
            elif ranking.fitted_at is None or at - ranking.fitted_at >= FIT_AGAIN:
                found = await ranking.fit(at)
                log.info("weights of recommendations", extra={"choices": found.choices, "new": found.is_new})

    async def fold(self, noted: Noted) -> None:
        """Let every list from now on know what was stored just now."""
        for ranking in tuple(self._rankings.values()):
            await ranking.fold(noted)

    def reweigh(self, community: str) -> None:
        """Emoji have other weights now: what is known of a community is read again when it is asked for."""
        self._rankings.pop(community, None)

    def forget(self, identity: Identity) -> None:
        """Forget a member who asked for it."""
        who = self._store.seal.pseudonym(identity)
        for ranking in self._rankings.values():
            ranking.community.forget(who)

    async def obey(self) -> None:
        """Look again at members who were forgotten, or opted out or in, in whatever process."""
        before, now = self._withdrawn, self._store.privacy.withdrawn()
        self._withdrawn = now
        changed = [who for who in before.keys() | now.keys() if before.get(who, ...) != now.get(who, ...)]
        for ranking in self._loaded():
            for who in changed:
                await ranking.community.reread(who)

    async def _standing(self, ranking: "Ranking", threads: Sequence[ThreadRef]) -> Sequence[ThreadRef]:
        """Without those whose opening moderation removed or queued, and those that the bot opened itself."""
        channels = {place for thread in threads for place in (thread.channel, thread.place.key)}
        refused = await self._store.cases.holding(channels, {_opening(thread) for thread in threads})
        return ranking.threads(
            thread.key
            for thread in threads
            if _opening(thread) not in refused and not self._store.messages.opened_thread(thread.place)
        )

    def _loaded(self) -> "Iterable[Ranking]":
        return [ranking for ranking in self._rankings.values() if ranking.is_loaded]

    async def _ready(self, community: str) -> "Ranking":
        """A community, read now if it was not yet."""
        async with self._loading:
            ranking = self._rankings.get(community)
            if ranking is None:
                made = (await asyncio.to_thread(import_module, "bot.recommend.ranking")).Ranking
                ranking = self._rankings[community] = made(self._store, community, self._half_life_days)
                try:
                    await ranking.load()
                except BaseException:
                    del self._rankings[community]
                    raise
            return ranking


def _told(
    ranking: "Ranking", who: str, chosen: Iterable[ThreadRef], readable: Collection[str], at: datetime
) -> tuple[Worth, ...]:
    told = []
    for thread in chosen:
        why = ranking.why(who, thread, at)
        named = ranking.threads(key for reason in why for key in reason.threads)
        told.append(
            Worth(thread, why, tuple(each for each in named if each.channel in readable), ranking.blend)
        )
    return tuple(told)


def _opening(thread: ThreadRef) -> str:
    return thread.first_message or thread.id
