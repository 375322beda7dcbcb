"""Which topic a text is nearest to: by meaning, to the mean of a topic's examples; or by its words."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bot.knowledge.index import Embedding
from bot.knowledge.segmenting import content_words
from bot.knowledge.similar import foreign
from bot.knowledge.vectors import Vector
from bot.storage.topics import Topic

NEAR, NEAR_BY_WORDS = 0.4, 0.25
"""Cosines from which on a text is about its nearest topic; chosen on 30 of the intents that
`python -m tests.knowledge.topics` reads, see docs/performance.md."""
_COUNTED = 16
"""Words of a text that its length counts: a long one says other things too."""


class Nearest:
    """Topics as texts are compared with them."""

    def __init__(self, topics: Sequence[Topic], embedder: Embedding | None) -> None:
        """Read the examples, which takes some 10 ms each. Args: embedder: None compares words only."""
        self._keys, self._means = list[str](), list[Vector]()
        if embedder is not None:
            for topic in topics:
                read = [each for each in topic.examples if not foreign(each)]
                if read:
                    self._keys.append(topic.key)
                    self._means.append(_unit(embedder.embed(read).mean(0)))
        told = {topic.key: [content_words(each) for each in topic.examples] for topic in topics}
        spread = Counter(
            word for examples in told.values() for word in {w for each in examples for w in each}
        )
        self._weights: Mapping[str, float] = {word: 1 / topics for word, topics in spread.items()}
        self._profiles: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
        for key, examples in told.items():
            for word, weight in _profile(examples, self._weights).items():
                self._profiles[word].append((key, weight))

    @property
    def compares_meanings(self) -> bool:
        """Whether any topic can be found by meaning."""
        return bool(self._means)

    def of(self, texts: Sequence[str], means: Sequence[Vector | None]) -> list[str | None]:
        """The topic of each text, by key: by its meaning where that is known and its language is read."""
        return [
            self.by_words(text) if mean is None or not self._means or foreign(text) else self.by_meaning(mean)
            for text, mean in zip(texts, means, strict=True)
        ]

    def by_meaning(self, mean: Vector) -> str | None:
        """The topic of a unit vector, by key."""
        cosines = np.stack(self._means) @ mean
        best = int(cosines.argmax())
        return self._keys[best] if cosines[best] >= NEAR else None

    def by_words(self, text: str) -> str | None:
        """The topic of a text, by key; among equals the first by name."""
        said = content_words(text)
        shared: defaultdict[str, float] = defaultdict(float)
        for word in said:
            for key, weight in self._profiles.get(word, ()):
                shared[key] += weight * self._weights[word]
        if not shared:
            return None
        heaviest = sorted((self._weights.get(word, 1.0) ** 2 for word in said), reverse=True)[:_COUNTED]
        best = min(shared, key=lambda key: (-shared[key], key))
        return best if shared[best] >= NEAR_BY_WORDS * math.sqrt(sum(heaviest)) else None


def _profile(examples: Iterable[Sequence[str]], weights: Mapping[str, float]) -> Mapping[str, float]:
    """The words of examples, each example counting alike, as a unit vector."""
    profile: defaultdict[str, float] = defaultdict(float)
    for words in examples:
        length = math.sqrt(sum(weights[word] ** 2 for word in words))
        for word in words:
            profile[word] += weights[word] / length
    length = math.sqrt(sum(weight**2 for weight in profile.values()))
    return {word: weight / length for word, weight in profile.items()}


def _unit(vector: Vector) -> Vector:
    unit: Vector = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return unit
