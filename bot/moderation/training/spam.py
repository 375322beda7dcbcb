"""Training what is spam, in any language; n-grams of one source tell little of another: signs matter."""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bot.moderation.features import BUCKETS
from bot.moderation.signs import signs
from bot.moderation.training.corpus import Example, corpus, rows, seeds
from bot.moderation.training.measures import measure
from bot.moderation.training.solver import Floats, calibrate, fit, matrix, seldomness

STRENGTH, STEPS = 1.0, 30
PARTS = 4  # of a source, each scored by a model of the others
SIGNS_GAIN = 0.7
"""How cheap a sign is to weigh, against an n-gram: dearer ones are lost, cheaper ones drown the words."""

ORDINARY_TEXTS = 1500  # of each ordinary source, as harmless texts
ACTING_FALSE_POSITIVES = 0.001
NOTED_FALSE_POSITIVES = 0.01
SOURCES = ("sms", "youtube", "tgspam")
SPAM_SHARE = 0.2
"""Of spam among the messages a probability is calibrated for."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A head with weights for the signs."""

    weights: Floats
    signs: Floats
    bias: float
    slope: float
    offset: float
    thresholds: dict[str, float]
    report: tuple[str, ...]


def _examples(folder: Path, more: Sequence[Example]) -> list[Example]:
    found = rows(folder, "spam") + [each for each in seeds() if each.kind == "spam"]
    chance = random.Random(1)  # noqa: S311 - which texts are left out is no secret
    talk = [each for each in rows(folder, "toxicity_en") if each.source == "context_toxicity"]
    for source, texts in (("talk", talk), ("intents", rows(folder, "intents_oos"))):
        chosen = chance.sample(texts, min(ORDINARY_TEXTS, len(texts)))
        found += [Example(each.text, 0, source) for each in chosen]
    return [*found, *more]


def train(folder: Path, tell: Callable[[str], None], more: Sequence[Example] = ()) -> Trained:
    """Train, scoring each source by a model that never saw it, and within a source in parts."""
    texts = corpus(_examples(folder, more))
    labels = np.array([each.label for each in texts.examples], float)
    sources = np.array([each.source for each in texts.examples])
    part = np.array([hashlib.sha256(message.text.encode()).digest()[0] % PARTS for message in texts.messages])
    rows_of = matrix(texts.prose, signs(texts.messages) * SIGNS_GAIN)
    seldom = seldomness(rows_of)
    seldom[2 * BUCKETS :] = 1.0
    scaled = (rows_of @ sparse.diags(seldom)).tocsr()
    report = []

    def model(chosen: NDArray[np.bool_]) -> Floats:
        at = np.flatnonzero(chosen)
        weights = _weights(labels[at], sources[at])
        solved = fit(scaled[at], labels[at], weights, strength=STRENGTH, steps=STEPS)
        return np.append(solved[:-1] * seldom, solved[-1])

    def decide(solved: Floats, chosen: NDArray[np.bool_]) -> Floats:
        result: Floats = rows_of[chosen] @ solved[:-1] + solved[-1]
        return result

    inside = np.zeros(len(labels))
    for number in range(PARTS):
        scored = part == number
        inside[scored] = decide(model(~scored), scored)
    unseen = inside.copy()
    for source in SOURCES:
        scored = sources == source
        report.append(f"spam, {source}, inside | {measure(labels[scored], inside[scored])}")
        unseen[scored] = decide(model(~scored), scored)
        report.append(f"spam, {source}, by the others | {measure(labels[scored], unseen[scored])}")
    ordinary = np.isin(sources, ("talk", "intents"))
    unseen[ordinary] = decide(model(~ordinary), ordinary)
    known = np.isin(sources, (*SOURCES, "seeds"))
    report.append(f"spam, all known sources, inside | {measure(labels[known], inside[known])}")
    mixed = np.isin(sources, SOURCES)
    pooled = np.concatenate([inside[mixed], unseen[mixed], unseen[ordinary]])
    truth = np.concatenate([labels[mixed], labels[mixed], labels[ordinary]])
    share = np.where(truth == 1, SPAM_SHARE / truth.sum(), (1 - SPAM_SHARE) / (truth == 0).sum())
    slope, offset = calibrate(pooled, truth, share)
    ham, bad = mixed & (labels == 0), mixed & (labels == 1)
    levels = {
        "queue": max(_level(of, ACTING_FALSE_POSITIVES) for of in (inside[ham], unseen[ordinary])),
        "log": max(_level(of, NOTED_FALSE_POSITIVES) for of in (inside[ham], unseen[ordinary])),
    }
    for name, level in levels.items():
        found = [
            float((decided >= level).mean())
            for decided in (
                inside[bad],
                unseen[bad],
                unseen[ham],
                unseen[ordinary],
            )
        ]
        report.append(
            f"spam, threshold {name}: {found[0]:.1%} of known sources' spam, {found[1]:.1%} of unseen ones', "
            f"{found[2]:.2%} of the harmless texts there, {found[3]:.2%} of ordinary talk"
        )
    for line in report:
        tell(line)
    solved = model(np.ones(len(labels), bool))
    thresholds = {
        name: round(float(1 / (1 + np.exp(-(slope * level + offset)))), 4) for name, level in levels.items()
    }
    columns = 2 * BUCKETS
    return Trained(
        solved[:columns],
        solved[columns:-1] * SIGNS_GAIN,
        float(solved[-1]),
        slope,
        offset,
        thresholds,
        tuple(report),
    )


def _level(decided: Floats, share: float) -> float:
    return float(np.quantile(decided, 1 - share))


def _weights(labels: Floats, sources: NDArray[np.str_]) -> Floats:
    """Of the texts: the root of a source's size, so that a small one is heard; spam and ham the same."""
    weights = np.zeros(len(labels))
    for source in set(sources):
        for label in (0, 1):
            those = (sources == source) & (labels == label)
            weights[those] = 1 / np.sqrt(max(those.sum(), 1))
    for label in (0, 1):
        weights[labels == label] *= len(labels) / 2 / weights[labels == label].sum()
    return weights
