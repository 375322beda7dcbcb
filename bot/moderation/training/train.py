"""All shipped classifiers from labelled files, in one file, the same bytes every time."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from bot.moderation.features import BUCKETS, prose, read
from bot.moderation.normalize import normalize
from bot.moderation.training import quality, spam, toxicity
from bot.moderation.training.corpus import rows
from bot.moderation.training.rooms import NOTHING_MORE, Lessons
from bot.moderation.weights import pack, reading

SEEN_TEXTS = 4  # each so many texts of a file are counted for how seldom an n-gram is
SELDOM_LEVELS = 20
_AT_ONCE = 2000


def train(
    folder: Path,
    out: Path,
    tell: Callable[[str], None],
    embed: toxicity.Embed | None = None,
    more: Lessons = NOTHING_MORE,
) -> None:
    """Train all, tell the validation as it comes, and write the file.

    Args:
        embed: texts as vectors; without it the file has no embedding stage.
        more: what rooms agreed to, beside the files.

    Raises:
        ConfigError: a labelled file is missing or wrong.
    """
    tell("by models that never saw the source | texts | AUROC | best F1 | recall at 95 % precision, 5 % FPR")
    requests = quality.train(folder, tell)
    english = toxicity.english(folder, tell, embed, more.english)
    chinese = toxicity.chinese(folder, tell, more.chinese)
    unwanted = spam.train(folder, tell, more.spam)
    tensors: dict[str, NDArray[np.generic]] = {}
    heads: dict[str, Mapping[str, object]] = {}
    for name, head in (("toxicity.en", english), ("toxicity.zh", chinese), ("spam", unwanted)):
        tensors[name], largest = pack(head.weights)
        heads[name] = {
            "largest": largest,
            "bias": round(head.bias, 6),
            "slope": round(head.slope, 6),
            "offset": round(head.offset, 6),
        }
    heads["spam"] = {**heads["spam"], "signs": [round(float(weight), 5) for weight in unwanted.signs]}
    tensors["seldom"] = seldom(folder)
    embedded = english.embedded
    if embedded is not None:
        tensors["embedding"] = embedded.weights.astype(np.float32)
        heads["embedding"] = {
            "bias": round(embedded.bias, 6),
            "slope": round(embedded.slope, 6),
            "offset": round(embedded.offset, 6),
        }
    about = {
        "reading": reading(),
        "heads": heads,
        "quality": {"weights": requests.weights, "bias": requests.bias},
        "thresholds": {
            "toxicity.en": english.thresholds,
            "toxicity.zh": chinese.thresholds,
            **({} if embedded is None else {"embedding": embedded.thresholds}),
            "spam": unwanted.thresholds,
            "quality": {"hint": quality.ACTING, "log": quality.NOTED},
        },
        "seldom_levels": SELDOM_LEVELS,
    }
    save_file(tensors, out, metadata={"about": json.dumps(about, sort_keys=True)})
    tell(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


def seldom(folder: Path) -> NDArray[np.uint8]:
    """How much an n-gram tells: `SELDOM_LEVELS` times the logarithm of how few texts hold it."""
    texts = [
        prose(normalize(each.text).text)
        for name in ("toxicity_en", "toxicity_zh", "spam")
        for each in rows(folder, name)[::SEEN_TEXTS]
    ]
    found = np.zeros(2 * BUCKETS)
    for at in range(0, len(texts), _AT_ONCE):
        features = read(texts[at : at + _AT_ONCE])
        for half, grams in enumerate((features.words, features.characters)):
            of_text = np.unique(grams.rows * BUCKETS + grams.buckets)
            found[half * BUCKETS :][:BUCKETS] += np.bincount(of_text % BUCKETS, minlength=BUCKETS)
    weights = np.log((1 + len(texts)) / (1 + found))
    levels: NDArray[np.uint8] = np.minimum(np.rint(weights * SELDOM_LEVELS), 255).astype(np.uint8)
    return levels
