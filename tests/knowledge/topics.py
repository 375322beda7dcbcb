"""Judge topics on requests that others wrote: `python -m tests.knowledge.topics FILE`.

FILE is a gzipped CSV with columns `text` and `intent`, such as CLINC's; texts of the intent "oos" have none.
An intent is a topic with five requests as examples; other requests of it should get it, and texts of no
intent none. Each half of the intents is judged alone. Then all requests of a half are clustered, each cluster
is accepted as a topic, and its requests are sorted by that.
"""

import csv
import gzip
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.knowledge import clusters
from bot.knowledge.index import Embedding
from bot.knowledge.nearest import Nearest
from bot.knowledge.vectors import Vector
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from bot.storage.topics import Topic
from tests.messages import EPOCH

NONE = "oos"
OF_EACH, TOPICS, EXAMPLES, DRAWS = 60, 15, 5, 12
HALVES = ("first half", "second half")


@dataclass(frozen=True, slots=True)
class Said:
    """A request, its intent and what it means."""

    text: str
    intent: str
    vector: Vector


class Known:
    """An embedder that looks texts up, since each is asked for often; other ones it reads."""

    def __init__(self, said: Sequence[Said], embedder: Embedding) -> None:
        self._vectors = {each.text: each.vector for each in said}
        self._embedder = embedder

    def embed(self, texts: Sequence[str]) -> Vector:
        new = [text for text in texts if text not in self._vectors]
        if new:
            self._vectors |= dict(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([self._vectors[text] for text in texts])


def read(path: Path, embedder: Embedding) -> list[list[Said]]:
    """The requests of two halves of the intents, those of no intent in both."""
    by_intent: defaultdict[str, list[str]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_intent[NONE if row["label"] == "1" else row["intent"]].append(row["text"])
    chance = random.Random(0)
    chosen = [
        (text, intent)
        for intent, texts in sorted(by_intent.items())
        for text in (texts if intent == NONE else chance.sample(texts, OF_EACH))
    ]
    vectors = embedder.embed([text for text, _intent in chosen])
    said = [Said(*each, vector) for each, vector in zip(chosen, vectors, strict=True)]
    intents = sorted(by_intent.keys() - {NONE})
    chance.shuffle(intents)
    halves = (intents[: len(intents) // 2], intents[len(intents) // 2 :])
    return [[each for each in said if each.intent in {*half, NONE}] for half in halves]


def sort(half: Sequence[Said], embedder: Embedding | None) -> str:
    """How requests are sorted when some intents are topics."""
    told: Counter[str] = Counter()
    intents = sorted({each.intent for each in half} - {NONE})
    for draw in range(DRAWS):
        chance = random.Random(draw)
        topics, examples = [], set[str]()
        for intent in chance.sample(intents, TOPICS):
            some = chance.sample([each.text for each in half if each.intent == intent], EXAMPLES)
            topics.append(Topic(intent, intent, tuple(some), EPOCH))
            examples |= {*some}
        keys = {topic.key for topic in topics}
        rest = [each for each in half if each.text not in examples]
        found = Nearest(topics, embedder).of(
            [each.text for each in rest], [None if embedder is None else each.vector for each in rest]
        )
        for each, key in zip(rest, found, strict=True):
            kind = "of" if each.intent in keys else "none" if each.intent == NONE else "another"
            told[kind] += 1
            told[f"{kind} right"] += key == each.intent
            told[f"{kind} left"] += key is None
    of = told["of"]
    right, left = told["of right"], told["of left"]
    return (
        f"right {right / of:.3f}, none {left / of:.3f}, wrong {(of - right - left) / of:.3f}; "
        f"of no intent left without {told['none left'] / told['none']:.3f}, "
        f"of intents that are no topic {told['another left'] / told['another']:.3f}"
    )


def suggest(half: Sequence[Said], embedder: Embedding | None) -> str:
    """How good clusters are, and the topics that they become."""
    texts = [each.text for each in half]
    vectors = np.stack([each.vector for each in half]) if embedder else clusters.by_words(texts)
    labels = clusters.clustered(vectors)
    inside: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for each, label in zip(half, labels.tolist(), strict=True):
        inside[label][each.intent] += 1
    kept = {label: its for label, its in inside.items() if label >= 0}
    most = sum(its.most_common(1)[0][1] for its in kept.values())
    clustered = sum(its.total() for its in kept.values())
    of_intents = sum(each.intent != NONE for each in half)
    noise = inside[-1]
    topics = [
        Topic(str(label), each.name, each.examples, EPOCH)
        for label, each in clusters.named(texts, list(map(str, range(len(texts)))), labels).items()
    ]
    given = [each.vector if embedder else None for each in half]
    found = Nearest(topics, embedder).of(texts, given)
    again = sum(key == str(label) for key, label in zip(found, labels.tolist(), strict=True) if label >= 0)
    return (
        f"{len(kept)} clusters, {most / clustered:.3f} of a cluster are of one intent, "
        f"{1 - (noise.total() - noise[NONE]) / of_intents:.3f} of the requests are in one, "
        f"{noise[NONE] / sum(each.intent == NONE for each in half):.3f} of those of no intent are not; "
        f"accepted, they find {again / clustered:.3f} of their requests again"
    )


def main() -> None:
    """Print it all."""
    folder = available()
    if folder is None:
        sys.exit("The model that compares meanings is not here: `llmos models pull all-minilm-l6-v2`.")
    reading = Embedder(folder)
    halves = read(Path(sys.argv[1]), reading)
    for half, called in zip(halves, HALVES, strict=True):
        known = Known(half, reading)
        for embedder, how in ((known, "by meaning"), (None, "by words")):
            sys.stdout.write(f"{called}, {how}: {sort(half, embedder)}\n")
            sys.stdout.write(f"{called}, {how}: {suggest(half, embedder)}\n")


if __name__ == "__main__":
    main()
