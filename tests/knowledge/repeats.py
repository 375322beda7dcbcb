"""How often hints are right, on requests that others wrote: `python -m tests.knowledge.repeats FILE`.

FILE is gzipped CSV with columns `text` and `intent`, such as CLINC's. Of half of the intents four requests
are known, each with an answer; of all intents, and of what has none ("oos"), others are asked. A hint is
right if it leads to a request of the same intent.
"""

import asyncio
import csv
import gzip
import random
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.knowledge import asked
from bot.knowledge.asked import earlier
from bot.knowledge.document import Document, Section
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from bot.storage.passages import COMMON
from tests.knowledge.library import library
from tests.messages import EPOCH

ANSWER = (
    "This is what was answered when somebody asked for it the first time, and it is long enough to be one."
)
NONE = "oos"
KNOWN_EACH, ASKED_EACH, ASKED_NONE = 4, 7, 200
BOUNDS = (0.5, 0.65, 0.8, 0.9)

Pair = tuple[str, str]
"""A request and its intent."""


def drawn(file: Path) -> tuple[list[Pair], list[Pair]]:
    """What is known, and what is asked."""
    by_intent: dict[str, list[str]] = {}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            by_intent.setdefault(row["intent"], []).append(row["text"])
    chance = random.Random(7)
    none = by_intent.pop(NONE, [])
    intents = sorted(by_intent)
    chance.shuffle(intents)
    for texts in by_intent.values():
        chance.shuffle(texts)
    known = [
        (text, intent) for intent in intents[: len(intents) // 2] for text in by_intent[intent][:KNOWN_EACH]
    ]
    wanted = [
        (text, intent)
        for intent in intents
        for text in by_intent[intent][KNOWN_EACH : KNOWN_EACH + ASKED_EACH]
    ]
    return known, [*wanted, *((text, NONE) for text in none[:ASKED_NONE])]


async def hints(place: Path, embedder: Embedder | None, known: list[Pair], wanted: list[Pair]) -> None:
    """Ask all, and say how many hints there are from each bound on, and how many are right."""
    documents = [
        Document(str(at), text, (Section(ANSWER, EPOCH),)) for at, (text, _intent) in enumerate(known)
    ]
    found: list[tuple[float, bool]] = []
    async with library(place, embedder, documents) as search:
        for text, intent in wanted:
            hint = await earlier(search, "", text, COMMON, EPOCH + timedelta(days=1))
            if hint is not None:
                found.append((hint.same, known[int(hint.source.id)][1] == intent))
    answerable = sum(intent in {each for _text, each in known} for _text, intent in wanted)
    for bound in BOUNDS:
        shown = [right for same, right in found if same >= bound]
        sys.stdout.write(
            f"  from {bound}: {len(shown)} hints, {sum(shown)} right "
            f"(precision {sum(shown) / max(len(shown), 1):.3f}, recall {sum(shown) / answerable:.3f})\n"
        )


async def main(file: Path) -> None:
    folder = available()
    known, wanted = drawn(file)
    asked.SAME = asked.SAME_BY_WORDS = BOUNDS[0]
    for embedder in (Embedder(folder) if folder is not None else None, None):
        by = "meaning" if embedder is not None else "words alone"
        sys.stdout.write(f"by {by}: {len(known)} known, {len(wanted)} asked\n")
        with TemporaryDirectory() as place:
            await hints(Path(place), embedder, known, wanted)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
