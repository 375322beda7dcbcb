"""Fit the weights of `bot.knowledge.confidence`: `python -m tests.knowledge.calibrate`.

Only development questions are used: the golden set without its held-back third, and calibration.jsonl.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from bot.knowledge.answering import look
from bot.knowledge.confidence import signals
from bot.knowledge.search import Search
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from bot.sample.knowledge import END
from tests.knowledge.library import library
from tests.knowledge.questions import calibration, golden

Row = tuple[dict[str, float], bool]


async def _rows(search: Search) -> dict[str, list[Row]]:
    """Signals and whether there is an answer, by the weights that count."""
    rows: dict[str, list[Row]] = {}
    for asked in [*golden(held_back=False), *calibration()]:
        query = await search.query(asked.question)
        findings = await search.find(query, "", END)
        if findings:
            read = await look(search, query, findings[:1])
            seen = signals(query, findings, read.told[0], read.titles[0])
            way = "meaning" if query.vector is not None else "characters" if query.characters else "words"
            rows.setdefault(way, []).append((seen, bool(asked.relevant)))
    return rows


def _fit(name: str, rows: list[Row]) -> None:
    names = sorted(rows[0][0])
    features = np.array([[told[each] for each in names] for told, _ in rows])
    answerable = np.array([known for _, known in rows])
    scale = features.std(0)
    model = LogisticRegression(C=1, class_weight="balanced")
    chances = cross_val_predict(model, features / scale, answerable, cv=LeaveOneOut(), method="predict_proba")
    model.fit(features / scale, answerable)
    weights = {"bias": float(model.intercept_[0])}
    weights |= {each: float(weight) for each, weight in zip(names, model.coef_[0] / scale, strict=True)}
    sys.stdout.write(f"{name} = {{\n")
    for each, weight in weights.items():
        sys.stdout.write(f'    "{each}": {weight:.3f},\n')
    sys.stdout.write("}\n")
    for enough in (0.4, 0.45, 0.5, 0.55, 0.6):
        answered = chances[:, 1] >= enough
        sys.stdout.write(
            f"  left out one by one, from {enough}: answered {answered[answerable].mean():.3f}, "
            f"declined {(~answered[~answerable]).mean():.3f} of {len(rows)}\n"
        )


async def main() -> None:
    folder = available()
    if folder is None:
        raise SystemExit("The embedding model is not here: llmos models pull all-minilm-l6-v2")
    with TemporaryDirectory() as place:
        async with library(Path(place), Embedder(folder)) as search:
            with_model = await _rows(search)
        async with library(Path(place), None) as search:
            without = await _rows(search)
    _fit("BY_MEANING", with_model["meaning"])
    _fit("BY_WORDS", without["words"])
    _fit("BY_CHARACTERS", without["characters"])


if __name__ == "__main__":
    asyncio.run(main())
