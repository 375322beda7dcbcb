"""How fast 100,000 messages are indexed and searched, by words alone: `python -m tests.knowledge.speed [N]`.

Each message is two to five sentences of the sample community, drawn anew, so words are as common as in chat.
They lie in twenty channels: searches are timed for who may read all, half, or one of them. Vectors, if asked
for by `--vectors`, are random: how long it takes to look through them is the same.
"""

import asyncio
import random
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.chunking import sentences
from bot.knowledge.document import Document, Section
from bot.knowledge.index import Embedding, Index
from bot.knowledge.search import Search
from bot.sample.community import load
from bot.sample.knowledge import END
from bot.storage.store import Store
from tests.knowledge.questions import golden

DIMENSIONS = 384
CHANNELS = 20


class RandomVectors:
    """Unit vectors of no meaning."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = self._random.standard_normal((len(texts), DIMENSIONS)).astype(np.float32)
        unit: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


def messages(count: int) -> Iterator[Document]:
    told = [sentence for said in load().messages.values() for sentence in sentences(said.final_text)]
    rng = random.Random(7)
    for n in range(count):
        text = " ".join(rng.choices(told, k=rng.randint(2, 5)))
        yield Document(f"m{n}", "", (Section(text, END, f"https://example.org/{n}"),), f"c{n % CHANNELS}")


async def main(count: int, embedder: Embedding | None) -> None:
    with TemporaryDirectory() as folder:
        store = await Store.open(f"sqlite:///{folder}/speed.db", Path(folder) / "llmos.key")
        index = Index(store.passages, store.privacy, embedder)
        began = time.perf_counter()
        passages = await index.add("speed/1", messages(count))
        sys.stdout.write(f"{count} messages, {passages} passages in {time.perf_counter() - began:.1f} s\n")
        began = time.perf_counter()
        await index.refresh()
        sys.stdout.write(f"vectors loaded in {time.perf_counter() - began:.1f} s\n")
        search = Search(index)
        for readable in (CHANNELS, CHANNELS // 2, 1):
            await _time(search, {f"c{n}" for n in range(readable)})
        began = time.perf_counter()
        await index.remove("speed/1", ["m7"])
        sys.stdout.write(f"one document removed in {1000 * (time.perf_counter() - began):.0f} ms\n")
        await store.close()


async def _time(search: Search, channels: Collection[str]) -> None:
    took, began_cpu = [], time.process_time()
    for _ in range(3):
        for asked in golden():
            began = time.perf_counter()
            await search.find(await search.query(asked.question), "speed/1", END, channels)
            took.append(1000 * (time.perf_counter() - began))
    cpu = 1000 * (time.process_time() - began_cpu) / len(took)
    took.sort()
    sys.stdout.write(
        f"search in {len(channels)} of {CHANNELS} channels: p50 {took[len(took) // 2]:.1f} ms, "
        f"p99 {took[int(len(took) * 0.99)]:.1f} ms, {cpu:.1f} ms of processor time\n"
    )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    asyncio.run(
        main(numbers[0] if numbers else 100_000, RandomVectors() if "--vectors" in sys.argv else None)
    )
