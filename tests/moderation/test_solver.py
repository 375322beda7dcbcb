"""What training rests on: the same numbers every time, and rare n-grams that count."""

import numpy as np
from scipy import sparse

from bot.moderation.training.solver import fit, seldomness


def test_what_few_texts_hold_tells_more() -> None:
    rows = sparse.csr_matrix(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    everywhere, once, nowhere = seldomness(rows)
    assert 0 == everywhere < once < nowhere


def test_a_rare_column_is_learned_from_sooner_when_it_counts_more() -> None:
    rows = sparse.csr_matrix(np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]))
    labels, weights = np.array([1.0, 1.0, 0.0, 0.0]), np.ones(4)
    scale = seldomness(rows)
    plain = fit(rows, labels, weights, strength=1.0, steps=50)
    scaled = fit((rows @ sparse.diags(scale)).tocsr(), labels, weights, strength=1.0, steps=50)[:-1] * scale
    assert scaled[1] / scaled[0] > plain[1] / plain[0] > 0
