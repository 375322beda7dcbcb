"""Clusters of conversations, and the words that tell each from the others.

Vectors are reduced (PCA) and clustered by density: what lies between the clusters belongs to none. Names are
the words of highest c-TF-IDF, which takes a cluster for one document. Texts in a language that the model does
not read are clustered by their words (TF-IDF, reduced by a truncated SVD).

Source: Grootendorst, BERTopic: Neural topic modeling with a class-based TF-IDF procedure (2022); Campello,
Moulavi and Sander, Density-Based Clustering Based on Hierarchical Density Estimates (2013).
"""

import json
import math
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bot.knowledge.proposals import Proposal
from bot.knowledge.segmenting import content_words, is_han, words
from bot.knowledge.similar import foreign
from bot.knowledge.vectors import Vector

LEAST = 4
"""Conversations of a cluster."""
_SHARE = 3.0
"""A cluster has at least the root of all conversations, divided by this."""
_DENSE = 5  # neighbours that make a place dense, as the authors of HDBSCAN and BERTopic use it
_DIMENSIONS = 40  # chosen on 60 intents, see docs/performance.md
_SAID_IN = 3
"""A word names a cluster only if so many of its conversations have it: it is nobody's own."""
_WORDS = 7
_LOOKED_AT = 40
_SAME = 1e-6
_NICE = 10  # members come first
_TOKEN = re.compile(r"[^\W\d_][\w'’-]*")
_RUN = re.compile("[\u3400-\u9fff]+")

Labels = NDArray[np.int64]


def proposals(texts: Sequence[str], vectors: Sequence[Vector | None], most: int) -> list[Proposal]:
    """What texts are about, the largest clusters first.

    Args:
        vectors: unit vectors; None where there is none, then words are compared.
        most: proposals.

    Complexity: the square of the texts at worst; some seconds for 5,000.
    """
    told = [each for each in zip(texts, vectors, strict=True) if words(each[0])]
    read = [(text, vector) for text, vector in told if vector is not None and not foreign(text)]
    others = [text for text, vector in told if vector is None or foreign(text)]
    found = list[Proposal]()
    with threadpool_limits(1):  # one core: the conversation goes on beside
        if _differ(text for text, _vector in read):
            vectors_read = np.stack([vector for _text, vector in read])
            found += named([text for text, _vector in read], clustered(vectors_read)).values()
        if _differ(others):
            found += named(others, clustered(by_words(others))).values()
    return sorted(found, key=lambda each: (-each.size, each.words))[:most]


def _differ(texts: Iterable[str]) -> bool:
    """Whether there are enough texts that are not the same over and over."""
    return len({frozenset(content_words(text)) for text in texts}) >= LEAST


def clustered(vectors: Vector) -> Labels:
    """The cluster of each vector, -1 for none. Args: vectors: (texts, dimensions)."""
    from sklearn.cluster import HDBSCAN  # noqa: PLC0415 - a second to import
    from sklearn.decomposition import PCA  # noqa: PLC0415 - as above

    count = len(vectors)
    if np.ptp(vectors, axis=0).max() <= _SAME:
        return np.full(count, -1, np.int64)
    dimensions = min(_DIMENSIONS, count - 1, vectors.shape[1])
    reduced = PCA(dimensions, svd_solver="covariance_eigh").fit_transform(vectors)
    reduced /= np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-6)
    least = min(max(LEAST, round(math.sqrt(count) / _SHARE)), count)
    clustering = HDBSCAN(
        min_cluster_size=least,
        min_samples=min(_DENSE, least),
        cluster_selection_method="leaf",
        copy=True,
    )
    return np.asarray(clustering.fit_predict(reduced), np.int64)


def by_words(texts: Sequence[str]) -> Vector:
    """Texts by their words, (texts, dimensions)."""
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415 - a second to import
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - as above

    seen = Counter(word for text in texts for word in content_words(text))
    shared = sorted(word for word, count in seen.items() if count > 1)
    if len(shared) < 2:
        return np.zeros((len(texts), 1), np.float32)
    counting = TfidfVectorizer(analyzer=content_words, vocabulary=shared, dtype=np.float32)
    dimensions = min(_DIMENSIONS, len(shared) - 1, len(texts) - 1)
    reduced: Vector = TruncatedSVD(dimensions, random_state=0).fit_transform(counting.fit_transform(texts))
    return reduced


def named(texts: Sequence[str], labels: Labels) -> dict[int, Proposal]:
    """A proposal for each cluster, by its label, that has words of its own."""
    clusters: defaultdict[int, list[str]] = defaultdict(list)
    for text, label in zip(texts, labels.tolist(), strict=True):
        clusters[label].append(text)
    told = {label: Counter(w for text in its for w in content_words(text)) for label, its in clusters.items()}
    every = sum(told.values(), Counter[str]())
    average = every.total() / max(len(told), 1)
    found = {}
    for label, its in clusters.items():
        if label < 0:
            continue
        telling = {
            word: count / told[label].total() * math.log(1 + average / every[word])
            for word, count in told[label].items()
            if count >= _SAID_IN
        }
        best = sorted(telling, key=lambda word: (-telling[word], word))[:_LOOKED_AT]
        if spelled := _spelled(its, best)[:_WORDS]:
            found[label] = Proposal(tuple(spelled), len(its))
    return found


def _spelled(texts: Iterable[str], best: Sequence[str]) -> list[str]:
    """Words as people write them: stems as whole words, neighbouring pairs of characters as one word."""
    whole, phrases = _whole(texts), _phrases(texts, frozenset(filter(is_han, best)))
    spelled = dict[str, None]()
    for word in best:
        if not is_han(word):
            spelled |= {whole[word]: None} if word in whole else {}
        elif not any(word in known for known in spelled):
            spelled |= dict.fromkeys(next(([each] for each in phrases if word in each), []))
    return list(spelled)


def _whole(texts: Iterable[str]) -> Mapping[str, str]:
    """The most frequent whole word of each stem."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for token in _TOKEN.findall(text.lower()):
            for stem in words(token)[:1]:
                seen[stem][token] += 1
    return {stem: max(tokens, key=lambda each: (tokens[each], each)) for stem, tokens in seen.items()}


def _phrases(texts: Iterable[str], pairs: frozenset[str]) -> Sequence[str]:
    """What telling pairs of characters make together where they overlap, the most frequent first."""
    seen: Counter[str] = Counter()
    for text in texts:
        for run in _RUN.findall(text):
            begin = 0
            for at in range(len(run)):
                if run[at : at + 2] not in pairs:  # the last pair is no pair
                    if at > begin:
                        seen[run[begin : at + 1]] += 1
                    begin = at + 1
    return [
        phrase
        for phrase, count in sorted(seen.items(), key=lambda each: (-each[1], each[0]))
        if count >= _SAID_IN
    ]


def main() -> None:
    """Read what `clustering` packs, and tell the proposals."""
    os.nice(_NICE)
    header, _line, rows = sys.stdin.buffer.read().partition(b"\n")
    told = json.loads(header)
    matrix = iter(np.frombuffer(rows, "<f4").reshape(sum(told["has"]), -1) if rows else ())
    vectors = [next(matrix) if has else None for has in told["has"]]
    found = proposals(told["texts"], vectors, told["most"])
    sys.stdout.write(json.dumps([[each.words, each.size] for each in found]))


if __name__ == "__main__":
    main()
