"""A community's own weights take the place of those it has, if they prove better on what came last."""

from dataclasses import dataclass

import numpy as np

from bot.recommend.measures import MOST
from bot.recommend.models.blend import Blend, Weights
from bot.recommend.rows import Floats, Ints
from bot.recommend.votes import Votes

LEAST_CHOICES = 100
"""With fewer nobody can tell which weights are better."""

HELD_OUT = 0.25
"""The last share of the choices, on which weights are compared that were learned from the rest."""

HACKER_NEWS = Weights(youth=1.8, order=0.0, reactions=1.0, recent=0.0, taste=0.0)
"""`hn` as weights of the blend: no community is served worse than by that."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of learning.

    Attributes:
        weights: to go on with.
        choices: how many there were to learn from.
        is_new: the weights are others than before.
        gain, before: nDCG@10 of both on the choices held out, beside threads drawn; None without enough.
    """

    weights: Weights
    choices: int
    is_new: bool
    gain: float | None = None
    before: float | None = None


def learned(model: Blend, votes: Votes) -> Learned:
    """Learn from a community's votes.

    Args:
        model: with the weights used so far; it is not changed.
    """
    rows, counts = model.choices(votes)
    if len(counts) < LEAST_CHOICES:
        return Learned(model.weights, len(counts), is_new=False)
    cut = int(len(counts) * (1 - HELD_OUT))
    row = int(counts[:cut].sum())
    last = rows[row:], counts[cut:]
    before = _gain(model.weights, *last)
    mine, plain = _gain(model.fitted(rows[:row], counts[:cut]), *last), _gain(HACKER_NEWS, *last)
    if mine > before and mine >= plain:
        return Learned(model.fitted(rows, counts), len(counts), is_new=True, gain=mine, before=before)
    if plain > before:
        return Learned(HACKER_NEWS, len(counts), is_new=True, gain=plain, before=before)
    return Learned(model.weights, len(counts), is_new=False, gain=before, before=before)


def _gain(weights: Weights, rows: Floats, counts: Ints) -> float:
    """Mean nDCG@10 over choices, each the first of its group; of equal scores it comes last."""
    scores = rows @ weights.array()
    starts = np.cumsum(counts) - counts
    above = np.add.reduceat(scores >= np.repeat(scores[starts], counts), starts, dtype=np.int64) - 1
    return float(np.where(above < MOST, 1 / np.log2(above + 2), 0.0).mean())
