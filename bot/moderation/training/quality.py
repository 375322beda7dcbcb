"""Training which requests say too little, on examples of our own."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.metrics import cohen_kappa_score, f1_score

from bot.moderation import data
from bot.moderation.normalize import normalize
from bot.moderation.quality import NAMES, Quality, features
from bot.moderation.training.corpus import rows
from bot.moderation.training.solver import fit

STRENGTH, STEPS = 3.0, 200
EVEN, ACTING, NOTED = 0.5, 0.92, 0.63
SOFTENED = 0.632
"""What flattens the fitted curve, so that few ordinary requests reach `ACTING`; else that would be at .97."""

ORDINARY_EACH = 8
ORDINARY_SHARE = 0.5
"""How much ordinary requests and talk count, against our examples."""


def train(folder: Path, tell: Callable[[str], None]) -> Quality:
    """Weights learned from the part `train` and ordinary requests; the part `check` is only scored."""
    text = data.text("questions.jsonl")
    read = [json.loads(line) for line in text.splitlines()]
    ordinary = [each for each in rows(folder, "intents_oos") if each.split == "train"][::ORDINARY_EACH]
    talk = [each for each in rows(folder, "toxicity_en") if each.source == "context_toxicity"][
        ::ORDINARY_EACH
    ]
    messages = [normalize(one["text"]) for one in read] + [
        normalize(each.text) for each in (*ordinary, *talk)
    ]
    found = [features(message) for message in messages]
    columns = np.array([[one.get(name, 0.0) for name in NAMES] for one in found])
    labels = np.zeros(len(found))
    labels[: len(read)] = [one["low_effort"] for one in read]
    weights = np.full(len(found), ORDINARY_SHARE * len(read) / max(len(ordinary) + len(talk), 1))
    weights[: len(read)] = [one["part"] == "train" for one in read]
    weights *= [bool(one) for one in found]
    solved = fit(sparse.csr_matrix(columns), labels, weights, strength=STRENGTH, steps=STEPS)
    solved = SOFTENED * solved
    by_name = zip(NAMES, map(float, solved[:-1].round(3)), strict=True)
    quality = Quality(dict(by_name), round(float(solved[-1]), 3))
    scores = np.array([quality.low_effort(message) for message in messages[: len(read)]])
    truth = labels[: len(read)]
    for language in ("en", "zh"):
        part = np.array([one["language"] == language and one["part"] == "check" for one in read])
        low = scores[part & (truth == 1)]
        other = scores[part & (truth == 0)]
        tell(
            f"low effort, {language}, not learned from | {int(part.sum())}"
            f" | macro-F1 {f1_score(truth[part], scores[part] > EVEN, average='macro'):.3f}"
            f" | kappa {cohen_kappa_score(truth[part], scores[part] > EVEN):.3f}"
            f" | hinted {(low >= ACTING).mean():.1%} of low, {(other >= ACTING).mean():.1%} of others"
        )
    unseen = [
        quality.low_effort(normalize(each.text))
        for each in rows(folder, "intents_oos")
        if each.split == "val"
    ]
    checked = [at for at, one in enumerate(read) if one["part"] == "check"]
    again = np.array([read[at]["again"] for at in checked])
    tell(
        f"low effort, labelled again from the guide | {len(checked)}"
        f" | kappa of both labels {cohen_kappa_score(truth[checked], again):.3f}"
        f" | macro-F1 against the second {f1_score(again, scores[checked] > EVEN, average='macro'):.3f}"
    )
    hinted = np.mean(np.array(unseen) >= ACTING)
    tell(f"low effort | requests to an assistant, not learned from: {hinted:.2%} hinted")
    return quality
