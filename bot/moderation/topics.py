"""Whether a message belongs in a channel, judged by examples of what belongs there.

Two views of nearness: to the nearest examples, and to topics as ridge regression sees them. What counts as
far is learned from the examples: each is scored as if it were not among them, so `off_topic` says how few of
what belongs is as far away.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.moderation.features import BUCKETS, prose, read
from bot.moderation.normalize import Normalized, normalize

DIMENSIONS = 1024
"""Of the sketch of a text: cosines are kept to about 1/32 (Charikar, Chen, Farach-Colton 2002)."""

_RIDGE = 0.5
_NEAREST = 3
_FEWEST = 5  # examples from which anything can be learned
_AT_ONCE = 512
_SPREAD = np.uint32(0x85EBCA77)

Vectors = NDArray[np.float32]


def sketches(messages: Sequence[Normalized], seldom: Vectors) -> Vectors:
    """Texts as unit vectors, float32 (texts, DIMENSIONS); seldom n-grams count more."""
    features = read([prose(message.text) for message in messages])
    found = np.zeros((len(messages), DIMENSIONS))
    flat = found.reshape(-1)
    for half, grams in enumerate((features.words, features.characters)):
        buckets = grams.buckets.astype(np.uint32) + np.uint32(half * BUCKETS)
        mixed = buckets * _SPREAD
        mixed ^= mixed >> np.uint32(15)
        place = grams.rows * DIMENSIONS + (mixed % DIMENSIONS).astype(np.intp)
        sign = np.where(mixed & np.uint32(1 << 20), 1.0, -1.0)
        weight = sign * seldom[buckets] / np.sqrt(np.maximum(grams.counts, 1))[grams.rows]
        flat += np.bincount(place, weight, len(flat))
    return _unit(found.astype(np.float32))


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Vectors = vectors / np.maximum(length, np.float32(1e-6))
    return result


class Topics:
    """What belongs in a channel. Complexity of a score: examples times dimensions."""

    def __init__(self, vectors: Vectors, topics: Sequence[str]) -> None:
        self._examples = vectors
        names = sorted(set(topics))
        targets = np.array([[topic == name for name in names] for topic in topics], np.float32)
        self._few = len(topics) < _FEWEST
        if self._few:
            return
        gram = vectors.T @ vectors + _RIDGE * np.eye(vectors.shape[1], dtype=np.float32)
        inverse = np.linalg.inv(gram)
        self._linear: Vectors = (inverse @ (vectors.T @ targets)).astype(np.float32)
        influence = np.einsum("ij,jk,ik->i", vectors, inverse, vectors, optimize=True)
        linear = vectors @ self._linear
        left_out = (linear - influence[:, None] * targets) / np.maximum(1 - influence, 0.05)[:, None]
        near = self._near(vectors, own=True)
        self._scales = np.array([near.std() or 1.0, left_out.max(1).std() or 1.0])
        self._seen = np.sort(self._belonging(near, left_out.max(1)))

    def off_topic(self, vectors: Vectors) -> NDArray[np.float64]:
        """How few of the examples are as far from the others, 0..1; (texts,)."""
        if self._few or not len(vectors):  # nothing can be learned from so few
            return np.full(len(vectors), 0.5)
        near = self._near(vectors, own=False)
        belonging = self._belonging(near, (vectors @ self._linear).max(1))
        nearer = np.searchsorted(self._seen, belonging, side="right") / len(self._seen)
        below = np.exp(np.minimum(belonging - self._seen[0], 0.0)) / (2 * len(self._seen))
        far: NDArray[np.float64] = 1 - np.maximum(nearer, below)
        return far

    def belonging(self, vectors: Vectors) -> NDArray[np.float64]:
        """The same before it is compared with the examples; any number, higher belongs more."""
        return self._belonging(self._near(vectors, own=False), (vectors @ self._linear).max(1))

    def _belonging(self, near: NDArray[np.float64], linear: Vectors) -> NDArray[np.float64]:
        result: NDArray[np.float64] = near / self._scales[0] + linear / self._scales[1]
        return result

    def _near(self, vectors: Vectors, *, own: bool) -> NDArray[np.float64]:
        """Mean cosine to the nearest examples; the text itself left out where it is one."""
        means = []
        for at in range(0, len(vectors), _AT_ONCE):
            cosines = vectors[at : at + _AT_ONCE] @ self._examples.T
            if own:
                here = np.arange(len(cosines))
                cosines[here, at + here] = -1
            count = min(_NEAREST, cosines.shape[1])
            means.append(np.partition(cosines, -count, axis=1)[:, -count:].mean(1))
        return np.concatenate(means).astype(float)


class Channels:
    """Remembers what belongs in the channels that were asked about last."""

    def __init__(self, seldom: Vectors, most: int = 64) -> None:
        self._seldom = seldom
        self._topics = lru_cache(most)(self._learned)

    def off_topic(self, message: Normalized, examples: Sequence[str]) -> float:
        """How likely a message does not belong among examples, 0..1; a half where they are too few."""
        return float(self._topics(tuple(examples)).off_topic(sketches([message], self._seldom))[0])

    def _learned(self, examples: tuple[str, ...]) -> Topics:
        vectors = sketches([normalize(example) for example in examples], self._seldom)
        return Topics(vectors, ["" for _ in examples])
