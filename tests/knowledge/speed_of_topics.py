"""How long topics take in a large archive, and whom that keeps waiting.

Usage: python -m tests.knowledge.speed_of_topics [THREADS]

The threads are of three passages each, with words and vectors round one of 60 centers; a fifth is in Chinese,
which is compared by words. What embeds the examples of topics is left out: some 10 ms each.
"""

import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np

from bot.core.events import Author, Channel
from bot.knowledge.clustering import proposed
from bot.knowledge.index import Index
from bot.knowledge.search import always
from bot.knowledge.segmenting import words
from bot.knowledge.topics import Sorting
from bot.knowledge.vectors import Vector
from bot.storage.passages import NewPassage
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import CHANNEL, EPOCH, message

THREADS, PROPOSED_OF = 20_000, 5_000
PASSAGES, CENTERS, DIMENSIONS = 3, 60, 384
TOPICS, EXAMPLES = 20, 5
AT_ONCE = 1_000
_TICK_S = 0.005
_SPREAD = 0.045
HOME = CHANNEL.community_key


@dataclass
class Centers:
    """What threads are about: unit vectors, and words of each."""

    chance: random.Random = field(default_factory=lambda: random.Random(0))
    noise: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        found = self.noise.standard_normal((CENTERS, DIMENSIONS)).astype(np.float32)
        self.vectors = found / np.linalg.norm(found, axis=1, keepdims=True)

    def text(self, center: int) -> str:
        common = " ".join(f"word{self.chance.randrange(5_000)}" for _ in range(25))
        if center % 5 == 0:
            own = "".join(chr(0x4E00 + 20 * center + self.chance.randrange(20)) for _ in range(60))
            return f"{own} {self.chance.randrange(5_000)}"
        return f"{common} " + " ".join(f"thing{center}x{self.chance.randrange(12)}" for _ in range(6))

    def near(self, center: int) -> Vector:
        moved = self.vectors[center] + _SPREAD * self.noise.standard_normal(DIMENSIONS).astype(np.float32)
        unit: Vector = moved / np.linalg.norm(moved)
        return unit

    def embed(self, texts: Sequence[str]) -> Vector:
        """The center that a text names."""
        named = [int(text.partition("thing")[2].partition("x")[0] or 0) for text in texts]
        return np.stack([self.vectors[each] for each in named])


async def fill(store: Store, centers: Centers, threads: int) -> None:
    """Archive threads, with their passages."""
    author = Author("memory", "anna", "Anna")
    who = store.seal.pseudonym(author.identity)
    for begin in range(0, threads, AT_ONCE):
        said, new, documents = [], [], set()
        for n in range(begin, min(begin + AT_ONCE, threads)):
            place, center = Channel("memory", CHANNEL.community, CHANNEL.id, f"t{n}"), n % CENTERS
            at = EPOCH + timedelta(minutes=n)
            said.append(message("words", id=f"m{n}", author=author, channel=place, at=at))
            document = f"{place.key}/m{n}"
            documents.add(document)
            for _ in range(PASSAGES):
                text = centers.text(center)
                packed = centers.near(center).astype("<f2").tobytes()
                told = (HOME, CHANNEL.key, document, who, at, "", "", text, words(text), packed)
                new.append(NewPassage(*told))
        await store.settle(Settlement(archived=tuple(said)))
        while await store.archive.arrange():
            pass
        await store.passages.put(HOME, documents, new)


@asynccontextmanager
async def timed(what: str) -> AsyncIterator[None]:
    """Print how long something takes, and how late the loop is meanwhile."""
    late = list[float]()
    ticking = asyncio.create_task(_tick(late))
    await asyncio.sleep(0)
    began = time.perf_counter()
    yield
    took = time.perf_counter() - began
    await asyncio.sleep(2 * _TICK_S)
    ticking.cancel()
    p99, most = (1000 * sorted(late)[at] for at in (int(0.99 * len(late)), -1))
    sys.stdout.write(f"{what}: {took:.2f} s; the loop late by {p99:.0f} ms (p99), {most:.0f} ms at most\n")
    sys.stdout.flush()


async def _tick(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_TICK_S)
        late.append(time.perf_counter() - began - _TICK_S)


async def measure(threads: int) -> None:
    """Fill a database and use it."""
    folder, centers = Path(tempfile.mkdtemp()), Centers()
    store = await Store.open(f"sqlite:///{folder / 'llmos.db'}", folder / "llmos.key")
    index = Index(store.passages, store.privacy, centers)
    sorting = Sorting(index, store.topics, always)
    await fill(store, centers, threads)
    async with timed(f"{PASSAGES * threads} vectors loaded"):
        await index.refresh()
    for n in range(TOPICS):
        await store.topics.put(HOME, f"topic {n}", [centers.text(n)] * EXAMPLES, actor="", most=TOPICS)
    async with timed(f"{threads} threads sorted by {TOPICS} topics"):
        found = await sorting.counts(HOME, {CHANNEL.key})
    right = sum(found.values()) / (threads * TOPICS / CENTERS)
    sys.stdout.write(f"of the threads of a topic {right:.2f} have one\n")
    async with timed("asked again"):
        await sorting.counts(HOME, {CHANNEL.key})
    await fill(store, centers, 1)
    async with timed("one thread changed"):
        await sorting.counts(HOME, {CHANNEL.key})
    await store.topics.put(HOME, "topic 1", [centers.text(30)] * EXAMPLES, actor="", most=TOPICS)
    async with timed("one topic changed"):
        await sorting.counts(HOME, {CHANNEL.key})
    async with timed(f"{PROPOSED_OF} threads read to be clustered"):
        begin = await sorting.openings(HOME, {CHANNEL.key}, PROPOSED_OF)
        texts = list[str]()
        while len(texts) < len(begin):
            texts += await sorting.texts(HOME, begin[len(texts) : len(texts) + 64])
        means = sorting.means(begin)
    async with timed(f"{len(texts)} threads clustered"):
        proposals = await proposed(texts, [str(n) for n in range(len(texts))], means, 80)
    sys.stdout.write(f"{len(proposals or ())} proposals\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{peak:.0f} MB at most\n")
    await store.close()


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else THREADS))
