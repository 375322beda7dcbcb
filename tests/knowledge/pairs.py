"""How well pairs that ask the same are told from others: `python -m tests.knowledge.pairs FILE...`.

FILEs as in `tests.knowledge.repeats`. There are no pairs of duplicate questions in the tree, so others stand
for them: requests of the same intent, the title and the text of the same post. Each comes with two that are
not the same, of which one is near. Compared are the plain cosine and `bot.knowledge.similar`.
"""

import csv
import gzip
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from bot.knowledge.similar import duplicate
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from tests.knowledge.repeats import NONE, PRECISION

EACH, NEAREST = 25, 10

Pair = tuple[str, str, bool]


def pairs(file: Path, embedder: Embedder) -> list[Pair]:
    """Two texts, and whether they ask the same."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    chance = random.Random(11)
    if "intent" in rows[0]:
        intents = sorted({row["intent"] for row in rows} - {NONE})
        by_intent = {each: [row["text"] for row in rows if row["intent"] == each] for each in intents}
        drawn = [(text, each) for each in intents for text in chance.sample(by_intent[each], EACH)]
        texts, groups = [text for text, _ in drawn], np.array([each for _, each in drawn])
        others = texts
    else:
        posts = [row for row in rows if row["title"] and row["text"]]
        texts, others = [row["title"] for row in posts], [row["text"] for row in posts]
        groups = np.arange(len(posts)).astype(str)
    cosines = embedder.embed(texts) @ embedder.embed(others).T
    found = []
    for at, text in enumerate(texts):
        same = [each for each in np.flatnonzero(groups == groups[at]) if texts is not others or each != at]
        other = np.flatnonzero(groups != groups[at])
        near = other[np.argsort(-cosines[at][other])[:NEAREST]]
        found.append((text, others[chance.choice(same)], True))
        found += [(text, others[chance.choice(list(each))], False) for each in (near, other)]
    return found


def told(name: str, same: NDArray[np.bool_], scores: Sequence[float]) -> None:
    """Say the area under the curve, and the share found while nearly all are right."""
    hits = np.cumsum(same[np.argsort(-np.array(scores))])
    enough = np.flatnonzero(hits / np.arange(1, len(same) + 1) >= PRECISION)
    found = hits[enough[-1]] / same.sum() if len(enough) else 0.0
    sys.stdout.write(
        f"  {name}: AUROC {roc_auc_score(same, scores):.3f}, found at {PRECISION}: {found:.3f}\n"
    )


def main(files: Sequence[Path]) -> None:
    folder = available()
    if folder is None:
        raise SystemExit("The embedding model is not here: llmos models pull all-minilm-l6-v2")
    embedder = Embedder(folder)
    for file in files:
        some = pairs(file, embedder)
        one, two = embedder.embed([each[0] for each in some]), embedder.embed([each[1] for each in some])
        cosines = (one * two).sum(1).tolist()
        same = np.array([each[2] for each in some])
        sys.stdout.write(f"{file.parent.name}/{file.name}: {len(some)} pairs, {same.mean():.2f} the same\n")
        told("cosine", same, cosines)
        scores = [
            duplicate(text, other, cosine) for (text, other, _), cosine in zip(some, cosines, strict=True)
        ]
        told("similar", same, scores)


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
