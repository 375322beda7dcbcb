"""One community's threads, ranked by a blend that goes on learning: what `Recommendations` asks."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from hashlib import blake2s

from bot.recommend.community import Community
from bot.recommend.emoji import Weights as EmojiWeights
from bot.recommend.emoji import own_weights
from bot.recommend.explain import reasons
from bot.recommend.learning import Learned, learned
from bot.recommend.mixing import mixed
from bot.recommend.models.blend import Blend, Weights
from bot.recommend.reason import Reason
from bot.recommend.votes import NOBODY
from bot.storage.store import Store
from bot.storage.threads import Noted, ThreadRef

WEIGHTS = "recommend.weights"
"""The setting of a community that keeps what its blend learned."""


SHIPPED = "shipped"
"""The name of the weights that a community has before it learned its own."""


class Ranking:
    """Threads of a community, best first.

    Attributes:
        community: what happened there.
        fitted_at: when its weights were learned last in this process.
        has_learned: its weights are its own.
    """

    def __init__(self, store: Store, name: str, half_life_days: float) -> None:
        """Call `load` before use. Args: name: "platform/community"."""
        self._store = store
        self.community = Community(store, name, EmojiWeights(own_weights(store.policies, name)))
        self.fitted_at: datetime | None = None
        self.has_learned = False
        self._model = Blend(taste_half_life_days=half_life_days)
        self._missed: list[Noted] | None = []

    async def load(self) -> None:
        """Read everything; what happens meanwhile is taken in at the end."""
        await self.community.load()
        kept = self._store.policies.get(self.community.name).get(WEIGHTS)
        self.has_learned = kept is not None
        weights = self._model.prior if kept is None else Weights.model_validate_json(kept)
        self._model.resume(self.community.votes, weights)
        while self._missed:
            await self.community.fold(self._missed.pop(0))
        self._missed = None

    @property
    def is_loaded(self) -> bool:
        """Whether everything was read."""
        return self._missed is None

    @property
    def blend(self) -> str:
        """A name of the weights that are used now: other weights, another name."""
        if self._model.weights == self._model.prior:
            return SHIPPED
        return blake2s(self._model.weights.model_dump_json().encode(), digest_size=3).hexdigest()

    async def fold(self, noted: Noted) -> None:
        """Take in what was stored just now."""
        if self._missed is not None:
            self._missed.append(noted)
        else:
            await self.community.fold(noted)

    def for_member(
        self, who: str, readable: Collection[str], most: int, at: datetime, without: Collection[str] = ()
    ) -> list[ThreadRef]:
        """The best threads that a pseudonym did not touch, best first; `without` are keys."""
        votes, moment = self.community.votes, at.timestamp()
        candidates = votes.candidates(votes.member(who), moment)
        allowed = self.community.among(candidates, readable, without)
        return [
            self.community.threads[each.thread] for each in self._model.recommend(who, moment, most, allowed)
        ]

    def for_all(
        self,
        readable: Collection[str],
        most: int,
        at: datetime,
        without: Collection[str],
        only: Collection[str] | None = None,
    ) -> list[ThreadRef]:
        """The best threads for nobody in particular, best first; `without` and `only` are keys."""
        votes, moment = self.community.votes, at.timestamp()
        allowed = self.community.among(votes.candidates(NOBODY, moment), readable, without, only)
        return [
            self.community.threads[each.thread] for each in self._model.recommend("", moment, most, allowed)
        ]

    def mixed(self, threads: Sequence[ThreadRef], most: int, at: datetime) -> list[ThreadRef]:
        """The best of some threads, not all of one kind."""
        votes = self.community.votes
        numbers = votes.numbers([thread.key for thread in threads])
        scores = self._model.scores(NOBODY, numbers, at.timestamp())
        places = mixed(votes, numbers, scores, [thread.channel for thread in threads], most)
        return [threads[place] for place in places]

    def why(self, who: str, thread: ThreadRef, at: datetime) -> tuple[Reason, ...]:
        """What speaks for a thread, largest first; `who` is a pseudonym, "" for nobody in particular."""
        votes, moment = self.community.votes, at.timestamp()
        number = votes.thread(thread.key)
        return reasons(votes, number, self._model.explain(votes.member(who), number, moment), moment)

    def threads(self, keys: Iterable[str]) -> list[ThreadRef]:
        """Threads by key, as far as there are."""
        return [self.community.threads[key] for key in keys if key in self.community.threads]

    async def fit(self, at: datetime) -> Learned:
        """Learn weights from a copy while everything goes on, and keep those that prove best."""
        self.fitted_at = at
        found = await asyncio.to_thread(learned, self._model, self.community.votes.copy())
        self._model.resume(self.community.votes, found.weights)
        await self._store.policies.set(self.community.name, WEIGHTS, found.weights.model_dump_json())
        return found
