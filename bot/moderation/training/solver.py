"""Logistic regression over sparse n-grams, with nothing left to chance: the same numbers every time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from bot.moderation.features import BUCKETS, read

Floats = NDArray[np.float64]

_AT_ONCE = 2000
_CORRECTIONS = 8  # of L-BFGS: how much of the curvature it remembers


def matrix(texts: Sequence[str], extra: NDArray[np.float32] | None = None) -> sparse.csr_matrix:
    """One row for each text as `Features.dot` weighs it: words, characters, then the extra columns."""
    blocks = []
    for at in range(0, len(texts), _AT_ONCE):
        part = texts[at : at + _AT_ONCE]
        features = read(part)
        halves = []
        for grams in (features.words, features.characters):
            values = (1 / np.sqrt(np.maximum(grams.counts, 1)))[grams.rows].astype(np.float32)
            half = sparse.csr_matrix((values, (grams.rows, grams.buckets)), shape=(len(part), BUCKETS))
            half.sum_duplicates()
            halves.append(half)
        blocks.append(sparse.hstack(halves, format="csr"))
    grams_of_texts = sparse.vstack(blocks, format="csr")
    if extra is None:
        return grams_of_texts
    return sparse.hstack([grams_of_texts, sparse.csr_matrix(extra)], format="csr")


def fit(rows: sparse.csr_matrix, labels: Floats, weights: Floats, *, strength: float, steps: int) -> Floats:
    """Weights of the columns, and the bias as the last of them.

    Args:
        rows: (texts, columns).
        labels: 0 or 1, or between.
        weights: of the texts.
        strength: how much the data counts against small weights (C of other libraries).
        steps: of L-BFGS at most.
    """
    used = np.flatnonzero(np.bincount(rows.indices, minlength=rows.shape[1]))  # the rest stays zero
    columns = rows.shape[1]
    rows = rows[:, used]
    turned = rows.T.tocsr()

    def loss(point: Floats) -> tuple[float, Floats]:
        decided = rows @ point[:-1] + point[-1]
        wrong = weights * (expit(decided) - labels)
        value = strength * float(weights @ (np.logaddexp(0, decided) - labels * decided))
        value += 0.5 * float(point[:-1] @ point[:-1])
        return value, np.append(strength * (turned @ wrong) + point[:-1], strength * wrong.sum())

    start = np.zeros(rows.shape[1] + 1)
    done = minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": _CORRECTIONS}
    )
    result = np.zeros(columns + 1)
    result[used], result[-1] = done.x[:-1], done.x[-1]
    return result


def seldomness(rows: sparse.csr_matrix) -> Floats:
    """How much each column tells: a quarter of the logarithm of how few rows have it; (columns,).

    A fit whose columns are multiplied by it trusts rare n-grams more, and what is in every text less.
    Source: inverse document frequency, Sparck Jones 1972.
    """
    held = np.bincount(rows.indices, minlength=rows.shape[1])
    result: Floats = np.log((1 + rows.shape[0]) / (1 + held)) / 4
    return result


def calibrate(decided: Floats, labels: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and offset of the logistic curve that turns decisions into probabilities (Platt 1999)."""
    spread = float(decided.std()) or 1.0
    column = sparse.csr_matrix((decided / spread)[:, None])
    slope, offset = fit(column, labels, weights / weights.sum(), strength=1e4, steps=200)
    return float(slope / spread), float(offset)


ACTING, NOTED = 0.9, 0.5
"""Probabilities that `anchored` gives to its two levels."""


def anchored(noted: float, acting: float) -> tuple[float, float]:
    """Slope and offset of the logistic curve through two levels, where labels are too unlike to fit one."""
    slope = float(np.log(ACTING / (1 - ACTING)) - np.log(NOTED / (1 - NOTED))) / max(acting - noted, 1e-6)
    return slope, -slope * noted
