"""Which texts of many are in the middle of them.

Source: Erkan and Radev, "LexRank: Graph-based Lexical Centrality as Salience in Text Summarization", 2004
(the continuous variant).
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_DAMPING = 0.85  # as in PageRank and LexRank
_ROUNDS, _CLOSE_ENOUGH = 100, 1e-9


def likeness(words: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Cosines between texts by the words they share, (texts, texts); rare words weigh more."""
    known = Counter(word for found in words for word in found)
    columns = {word: at for at, word in enumerate(known)}
    rows = [at for at, found in enumerate(words) for _word in found]
    weights = np.array([math.log(1 + len(words) / known[word]) for found in words for word in found])
    places = (rows, [columns[word] for found in words for word in found])
    matrix = csr_array((weights, places), shape=(len(words), len(columns)))
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    unit = matrix.multiply(1 / np.maximum(lengths, 1e-12)[:, None]).tocsr()
    return np.asarray((unit @ unit.T).toarray(), dtype=np.float64)


def ranks(likeness: NDArray[np.float64], priors: Sequence[float]) -> NDArray[np.float64]:
    """PageRank among texts, (texts,); whoever walks at random begins anew where the prior is high."""
    prior = np.array(priors)
    steps = likeness / likeness.sum(axis=1, keepdims=True)
    start = prior / prior.sum()
    ranks = start
    for _round in range(_ROUNDS):
        following = (1 - _DAMPING) * start + _DAMPING * (ranks @ steps)
        if np.abs(following - ranks).sum() < _CLOSE_ENOUGH:
            break
        ranks = following
    return np.asarray(ranks * prior, dtype=np.float64)
