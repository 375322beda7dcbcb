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
_SAID_IN, _SAID_BY = 3, 2
"""A word names a cluster only if so many of its conversations have it, which so many members began: it is
nobody's own, for whoever is forgotten may have written it."""
_WORDS = 7
_LOOKED_AT = 40
_SAME = 1e-6
_NICE = 10  # members come first
_TOKEN = re.compile(r"[^\W\d_][\w'’-]*")
_RUN = re.compile("[\u3400-\u9fff]+")

Labels = NDArray[np.int64]
_Said = tuple[str, str]
"""A text or word, and who wrote it."""


def proposals(
    texts: Sequence[str], authors: Sequence[str], vectors: Sequence[Vector | None], most: int
) -> list[Proposal]:
    """What texts are about, the largest clusters first.

    Args:
        authors: who wrote each, by any name.
        vectors: unit vectors; None where there is none, then words are compared.
        most: proposals.

    Complexity: the square of the texts at worst; some seconds for 5,000.
    """
    told = [each for each in zip(texts, authors, vectors, strict=True) if words(each[0])]
    read = [each for each in told if each[2] is not None and not foreign(each[0])]
    others = [each for each in told if each[2] is None or foreign(each[0])]
    found = list[Proposal]()
    with threadpool_limits(1):  # one core: the conversation goes on beside
        if _differ(text for text, _who, _vector in read):
            labels = clustered(np.stack([vector for _text, _who, vector in read if vector is not None]))
            found += named(
                [text for text, *_ in read], [who for _text, who, _vector in read], labels
            ).values()
        if _differ(text for text, _who, _vector in others):
            said = [text for text, *_ in others]
            found += named(said, [who for _text, who, _vector in others], clustered(by_words(said))).values()
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


def named(texts: Sequence[str], authors: Sequence[str], labels: Labels) -> dict[int, Proposal]:
    """A proposal for each cluster, by its label, that has words of its own."""
    clusters: defaultdict[int, list[_Said]] = defaultdict(list)
    for text, author, label in zip(texts, authors, labels.tolist(), strict=True):
        clusters[label].append((text, author))
    told = {
        label: Counter(word for text, _author in its for word in content_words(text))
        for label, its in clusters.items()
    }
    every = sum(told.values(), Counter[str]())
    average = every.total() / max(len(told), 1)
    found = {}
    for label, its in clusters.items():
        if label < 0:
            continue
        common = _common((word, author) for text, author in its for word in content_words(text))
        telling = {
            word: told[label][word] / told[label].total() * math.log(1 + average / every[word])
            for word in common
        }
        best = sorted(telling, key=lambda word: (-telling[word], word))[:_LOOKED_AT]
        if spelled := _spelled(its, best)[:_WORDS]:
            found[label] = Proposal(tuple(spelled), len(its))
    return found


def _common(said: Iterable[_Said]) -> Mapping[str, int]:
    """What is said often enough, and by enough members, with how often."""
    counts, by = Counter[str](), defaultdict[str, set[str]](set)
    for word, author in said:
        counts[word] += 1
        by[word].add(author)
    return {word: n for word, n in counts.items() if n >= _SAID_IN and len(by[word]) >= _SAID_BY}


def _spelled(said: Sequence[_Said], best: Sequence[str]) -> list[str]:
    """Words as people write them: stems as whole words, neighbouring pairs of characters as one word."""
    whole, phrases = _whole(said), _phrases(said, frozenset(filter(is_han, best)))
    spelled = dict[str, None]()
    for word in best:
        if not is_han(word):
            spelled |= {whole[word]: None} if word in whole else {}
        elif not any(word in known for known in spelled):
            spelled |= dict.fromkeys(next(([each] for each in phrases if word in each), []))
    return list(spelled)


def _whole(said: Iterable[_Said]) -> Mapping[str, str]:
    """The most frequent whole word of each stem."""
    tokens = _common((token, author) for text, author in said for token in _TOKEN.findall(text.lower()))
    whole: dict[str, str] = {}
    for token in sorted(tokens, key=lambda each: (-tokens[each], each)):
        for stem in words(token)[:1]:
            whole.setdefault(stem, token)
    return whole


def _phrases(said: Iterable[_Said], pairs: frozenset[str]) -> Sequence[str]:
    """What telling pairs of characters make together where they overlap, the most frequent first."""
    found = list[_Said]()
    for text, author in said:
        for run in _RUN.findall(text):
            begin = 0
            for at in range(len(run)):
                if run[at : at + 2] not in pairs:  # the last pair is no pair
                    if at > begin:
                        found.append((run[begin : at + 1], author))
                    begin = at + 1
    common = _common(found)
    return sorted(common, key=lambda phrase: (-common[phrase], phrase))


def main() -> None:
    """Read what `clustering` packs, and tell the proposals."""
    os.nice(_NICE)
    header, _line, rows = sys.stdin.buffer.read().partition(b"\n")
    told = json.loads(header)
    matrix = iter(np.frombuffer(rows, "<f4").reshape(sum(told["has"]), -1) if rows else ())
    vectors = [next(matrix) if has else None for has in told["has"]]
    found = proposals(told["texts"], told["authors"], vectors, told["most"])
    sys.stdout.write(json.dumps([[each.words, each.size] for each in found]))


if __name__ == "__main__":
    main()
