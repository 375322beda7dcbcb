"""Which topics archived conversations have, computed of the index at the moment of use.

Nothing of it is stored. What is kept in memory is a topic's key for each conversation, and it is made again
whenever its passages or the topics change, so what was edited, deleted or forgotten counts no more.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from bot.knowledge.index import Index
from bot.knowledge.proposals import Proposals
from bot.knowledge.similar import foreign
from bot.storage.passages import State
from bot.storage.threads import ThreadRef
from bot.storage.topics import Piece, Topic, Topics

if TYPE_CHECKING:  # numpy is behind it
    from bot.knowledge.nearest import Nearest
    from bot.knowledge.vectors import Vector

OPENING = 3
"""Passages at the beginning of a conversation that tell what it is about."""
_PIECES_AT_ONCE, _NUMBERS_AT_ONCE = 1_000, 4_000
_READ_AT_ONCE, _SORTED_AT_ONCE = 64, 1_000
"""Conversations whose words are read together, a few milliseconds of the loop, and that are then sorted."""

_UNKNOWN = State(-1, 0)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread, or a run of messages in a channel, as it is archived.

    Attributes:
        channel: key of the channel whose readers may see it.
        place: the channel or thread.
        documents: its runs of messages, oldest first.
    """

    channel: str
    place: str
    documents: tuple[str, ...]

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread of the platform's."""
        return self.place != self.channel


@dataclass(slots=True)
class _Held:
    """What is known of one community.

    Attributes:
        topics: those by which conversations were sorted.
        by_meaning: meanings were compared.
        pieces: by number; `numbers` are those of each conversation.
        sorted: the key of the topic of each conversation, None for none; those that are not in it are to be
            sorted.
        read: conversations in a language that the model reads.
    """

    state: State = _UNKNOWN
    topics: tuple[Topic, ...] = ()
    by_meaning: bool = False
    nearest: "Nearest | None" = None
    pieces: dict[int, Piece] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    sorted: dict[str, str | None] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    last: int = 0
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def add(self, piece: Piece) -> None:
        if piece.place:
            self.pieces[piece.seq] = piece
            self.numbers.setdefault(piece.conversation, []).append(piece.seq)
            if len(self.numbers[piece.conversation]) <= OPENING:
                self.change(piece.conversation)

    def drop(self, seq: int) -> None:
        conversation = self.pieces.pop(seq).conversation
        self.numbers[conversation].remove(seq)
        self.change(conversation)
        if not self.numbers[conversation]:
            del self.numbers[conversation]

    def change(self, conversation: str) -> None:
        self.sorted.pop(conversation, None)
        self.read.discard(conversation)

    def conversation(self, name: str) -> Conversation:
        pieces = [self.pieces[seq] for seq in self.numbers[name]]
        documents = tuple(dict.fromkeys(piece.document for piece in pieces))
        return Conversation(pieces[0].channel, pieces[0].place, documents)


class Sorting:
    """Sorts the conversations of communities by their topics."""

    def __init__(self, index: Index, topics: Topics, ready: Callable[[], Awaitable[bool]]) -> None:
        """Args: ready: whether meanings may be compared now."""
        self._index, self._topics, self._ready = index, topics, ready
        self._held: defaultdict[str, _Held] = defaultdict(_Held)
        self.proposals = Proposals()

    async def of(self, community: str, key: str) -> Sequence[Conversation]:
        """The conversations of a topic, the newest beginning first."""
        held = await self._fresh(community)
        names = [name for name, found in held.sorted.items() if found == key]
        names.sort(key=lambda name: -held.numbers[name][0])
        return [held.conversation(name) for name in names]

    async def documents(self, community: str, key: str) -> frozenset[str]:
        """The runs of messages that are about a topic, as documents of the index."""
        return frozenset(document for each in await self.of(community, key) for document in each.documents)

    async def counts(self, community: str, channels: Collection[str]) -> Mapping[str, int]:
        """How many conversations each topic has in some channels, by key."""
        held = await self._fresh(community)
        counts: defaultdict[str, int] = defaultdict(int)
        for name, key in held.sorted.items():
            if key is not None and held.pieces[held.numbers[name][0]].channel in channels:
                counts[key] += 1
        return counts

    async def threads(self, community: str, key: str) -> frozenset[str]:
        """The threads of a topic by `ThreadRef.key`.

        A message that others reply to counts with the run of messages that it is part of.
        """
        found = await self.of(community, key)
        talk = [document for each in found if not each.is_thread for document in each.documents]
        said = await self._topics.messages(community, talk)
        return frozenset(
            {each.place for each in found if each.is_thread} | {f"{place}/{id}" for place, id in said}
        )

    async def names(self, community: str, threads: Collection[ThreadRef]) -> Mapping[str, str]:
        """What the topics of some threads are called, by `ThreadRef.key`; those without one are left out."""
        if not await self._topics.of(community):
            return {}
        held = await self._fresh(community)
        called = {topic.key: topic.name for topic in held.topics}
        names = {}
        for thread in threads:
            name: str | None = thread.key
            if thread.in_channel:
                name = await self._topics.run_of(thread.channel, thread.id)
            key = None if name is None else held.sorted.get(name)
            if key is not None:
                names[thread.key] = called[key]
        return names

    async def openings(self, community: str, channels: Collection[str], most: int) -> Sequence[Sequence[int]]:
        """How the newest conversations in some channels begin that have no topic: numbers of passages."""
        held = await self._fresh(community)
        found = [
            numbers[:OPENING]
            for name, numbers in held.numbers.items()
            if held.sorted.get(name) is None and held.pieces[numbers[0]].channel in channels
        ]
        return sorted(found, key=lambda numbers: -numbers[0])[:most]

    async def texts(self, community: str, groups: Sequence[Sequence[int]]) -> Sequence[str]:
        """What the passages of each group say; nothing of those that are gone."""
        return [text for text, _author in await self.said(community, groups)]

    async def said(self, community: str, groups: Sequence[Sequence[int]]) -> Sequence[tuple[str, str]]:
        """The same, each with the pseudonym of who wrote the first passage."""
        found = await self._index.passages.get([seq for group in groups for seq in group], community)
        here = [[found[seq] for seq in group if seq in found] for group in groups]
        return [("\n".join(each.text for each in its), its[0].author if its else "") for its in here]

    def means(self, groups: Sequence[Sequence[int]]) -> "Sequence[Vector | None]":
        """See `Index.means`."""
        return self._index.means(groups)

    async def _fresh(self, community: str) -> _Held:
        """What is known of a community, as the database says it now."""
        held = self._held[community]
        async with held.refreshing:
            topics = tuple(await self._topics.of(community))
            state = await self._index.passages.state()
            by_meaning = bool(topics) and self._index.embedder is not None and await self._ready()
            await self._take_in(community, held, state)
            if (topics, by_meaning) != (held.topics, held.by_meaning):
                held.sorted.clear()
                embedder = self._index.embedder if by_meaning else None
                nearest = await asyncio.to_thread(import_module, "bot.knowledge.nearest")
                held.nearest = await asyncio.to_thread(nearest.Nearest, topics, embedder)
                held.topics, held.by_meaning = topics, by_meaning
            await self._sort(community, held)
            return held

    async def _take_in(self, community: str, held: _Held, state: State) -> None:
        if state == held.state:
            return
        if held.pieces and state.gone != held.state.gone:
            for seq in held.pieces.keys() - await self._known(community):
                held.drop(seq)
        while pieces := await self._topics.pieces(community, held.last, _PIECES_AT_ONCE):
            for piece in pieces:
                held.add(piece)
            held.last = pieces[-1].seq
        held.state = state
        if self._index.embedder is not None:
            await self._index.refresh()

    async def _known(self, community: str) -> set[int]:
        """The numbers of all passages of a community."""
        known, after = set[int](), 0
        while numbers := await self._topics.numbers(community, after, _NUMBERS_AT_ONCE):
            known.update(numbers)
            after = numbers[-1]
        return known

    async def _sort(self, community: str, held: _Held) -> None:
        """Find the topic of every conversation that is to be sorted, some at a time."""
        if not held.topics or held.nearest is None:
            held.sorted.clear()
            return
        waiting = [name for name in held.numbers if name not in held.sorted]
        for at in range(0, len(waiting), _SORTED_AT_ONCE):
            some = waiting[at : at + _SORTED_AT_ONCE]
            begin = [held.numbers[name][:OPENING] for name in some]
            means = self._index.means(begin) if held.nearest.compares_meanings else [None] * len(begin)
            texts = await self._said(community, held, some, means)
            keys = await asyncio.to_thread(held.nearest.of, texts, means)
            held.sorted.update(zip(some, keys, strict=True))

    async def _said(
        self, community: str, held: _Held, names: Sequence[str], means: "Sequence[Vector | None]"
    ) -> Sequence[str]:
        """How conversations begin; "" for those that are compared by their meaning."""
        meant = {name for name, mean in zip(names, means, strict=True) if mean is not None}
        unknown = [name for name in names if name in meant and name not in held.read]
        async for name, text in self._begin(community, held, unknown, 1):
            if not foreign(text):
                held.read.add(name)
        told = dict.fromkeys(names, "")
        others = [name for name in names if name not in meant or name not in held.read]
        async for name, text in self._begin(community, held, others, OPENING):
            told[name] = text
        return list(told.values())

    async def _begin(
        self, community: str, held: _Held, names: Sequence[str], passages: int
    ) -> AsyncIterator[tuple[str, str]]:
        """The first passages of conversations, some at a time."""
        for at in range(0, len(names), _READ_AT_ONCE):
            some = names[at : at + _READ_AT_ONCE]
            texts = await self.texts(community, [held.numbers[name][:passages] for name in some])
            for each in zip(some, texts, strict=True):
                yield each
