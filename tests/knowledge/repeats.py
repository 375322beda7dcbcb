"""Fit and judge when a question was asked before: `python -m tests.knowledge.repeats FILE...`.

FILEs are gzipped CSV that others wrote: requests with columns `text` and `intent`, such as CLINC's, or posts
with columns `title` and `text`, such as those of a Stack Exchange site. Half of what can be asked is known,
each with an answer: of an intent two requests, of a post its text without the title. All is asked: other
requests of each intent, and those of none ("oos"), or the titles. A hint is right if it leads to the same
intent or the same post. Each file is judged by weights and a bound that come from the others. Last come the
sample community's English questions, on which nothing is fitted.
"""

import asyncio
import csv
import gzip
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bot.knowledge import asked
from bot.knowledge.asked import Earlier, earlier
from bot.knowledge.document import Document, Section
from bot.knowledge.segmenting import characters
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from bot.storage.passages import COMMON
from tests.knowledge.library import Remembering, library
from tests.knowledge.questions import calibration, golden
from tests.messages import EPOCH

ANSWER = (
    "This is what was answered when somebody asked for it the first time, and it is long enough to be one."
)
NONE = "oos"
KNOWN_EACH, ASKED_EACH, ASKED_NONE = 2, 7, 200
SIZES = (15, 1_000)
"""Documents that are known: a community begins small."""
PRECISION = 0.95
LATER = EPOCH + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the documents that answer it."""

    text: str
    right: frozenset[str]


@dataclass(frozen=True, slots=True)
class Row:
    """What was found for a question.

    Attributes:
        found: None for nothing, whatever the bound.
        known: something answers it.
    """

    found: Earlier | None
    right: bool
    known: bool


def drawn(file: Path, size: int) -> tuple[list[Document], list[Asked]]:
    """At most so many documents, and what is asked."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    chance = random.Random(7)
    return _intents(rows, size, chance) if "intent" in rows[0] else _posts(rows, size, chance)


def _intents(
    rows: Sequence[Mapping[str, str]], size: int, chance: random.Random
) -> tuple[list[Document], list[Asked]]:
    by_intent: dict[str, list[str]] = {}
    for row in rows:
        by_intent.setdefault(row["intent"], []).append(row["text"])
    none = by_intent.pop(NONE, [])
    intents = sorted(by_intent)
    chance.shuffle(intents)
    for texts in by_intent.values():
        chance.shuffle(texts)
    known = intents[: min(len(intents) // 2, size // KNOWN_EACH)]
    ids = {intent: frozenset(f"{intent} {at}" for at in range(KNOWN_EACH)) for intent in known}
    documents = [
        _document(f"{intent} {at}", by_intent[intent][at]) for intent in known for at in range(KNOWN_EACH)
    ]
    others = chance.sample(intents[len(known) :], min(len(known), len(intents) - len(known)))
    wanted = [
        Asked(text, ids.get(intent, frozenset()))
        for intent in [*known, *others]
        for text in by_intent[intent][KNOWN_EACH : KNOWN_EACH + ASKED_EACH]
    ]
    return documents, [*wanted, *(Asked(text, frozenset()) for text in none[: min(ASKED_NONE, 3 * size)])]


def _posts(
    rows: Sequence[Mapping[str, str]], size: int, chance: random.Random
) -> tuple[list[Document], list[Asked]]:
    posts = [row for row in rows if row["title"] and row["text"]]
    chance.shuffle(posts)
    known = min(len(posts) // 2, size)
    documents = [_document(str(at), row["text"]) for at, row in enumerate(posts[:known])]
    wanted = [
        Asked(row["title"], frozenset({str(at)}) if at < known else frozenset())
        for at, row in enumerate(posts[: 2 * known])
    ]
    return documents, wanted


def _document(id: str, question: str) -> Document:
    return Document(id, "", (Section(question, EPOCH, author="one"), Section(ANSWER, EPOCH, author="two")))


async def rows(
    embedder: Remembering | None, documents: Sequence[Document] | None, wanted: Sequence[Asked]
) -> list[Row]:
    """What is found for all that is asked."""
    found = []
    with TemporaryDirectory() as place:
        async with library(Path(place), embedder, documents) as search:
            for each in wanted:
                hint = await earlier(search, "", each.text, COMMON, LATER)
                right = hint is not None and hint.source.id in each.right
                found.append(Row(hint, right, bool(each.right)))
    return found


def joined(groups: Sequence[Sequence[Row]]) -> list[Row]:
    """All rows of some groups."""
    return [row for group in groups for row in group]


def features(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Float64 (rows that found something, signals)."""
    alike = [row.found.likeness for row in rows if row.found is not None and row.found.likeness is not None]
    return np.array([[each.near, each.apart] for each in alike])


def fitted(groups: Sequence[Sequence[Row]]) -> tuple[LogisticRegression, float]:
    """Weights, and from which chance on enough are right; each group counts the same."""
    some = [[row for row in group if row.found is not None] for group in groups]
    right = np.array([row.right for group in some for row in group])
    counts = np.concatenate([np.full(len(group), 1_000 / len(group)) for group in some])
    signals = np.concatenate([features(group) for group in some])
    model = LogisticRegression(C=10).fit(signals, right, sample_weight=counts)
    chances = model.predict_proba(signals)[:, 1]
    best_first = np.argsort(-chances)
    precision = np.cumsum((right * counts)[best_first]) / np.cumsum(counts[best_first])
    enough = np.flatnonzero(precision >= PRECISION)
    return model, float(chances[best_first][enough[-1]]) if len(enough) else 1.0


def judge(name: str, rows: Sequence[Row], chances: Sequence[float], bounds: Sequence[float]) -> None:
    """Say how many hints there are from each bound on, and how many are right."""
    found = [row for row in rows if row.found is not None]
    known = sum(row.known for row in rows)
    for bound in bounds:
        shown = [row.right for row, chance in zip(found, chances, strict=True) if chance >= bound]
        sys.stdout.write(
            f"  {name} from {bound:.2f}: {sum(shown)} of {len(shown)} right, "
            f"precision {sum(shown) / max(len(shown), 1):.3f}, "
            f"recall {sum(shown) / known:.3f} of {known}; {len(rows)} asked\n"
        )


def in_use(rows: Sequence[Row]) -> list[float]:
    """The chances by the weights that are in use."""
    return [row.found.same for row in rows if row.found is not None]


def sample() -> list[Asked]:
    """The sample community's questions in a language that the model reads."""
    return [
        Asked(each.question, frozenset(each.relevant))
        for each in [*golden(), *calibration()]
        if not characters(each.question)
    ]


async def by_meaning(embedder: Remembering, files: Sequence[Path]) -> None:
    """Fit on all files but one, and judge on that one; then fit on all, and judge on the sample."""
    found = {file: [await rows(embedder, *drawn(file, size)) for size in SIZES] for file in files}
    for file in files:
        model, bound = fitted([joined(found[each]) for each in files if each != file])
        for size, group in zip(SIZES, found[file], strict=True):
            chances = model.predict_proba(features(group))[:, 1]
            judge(f"{file.parent.name}/{file.name}, {size}", group, chances.tolist(), [bound])
    model, bound = fitted([joined(found[each]) for each in files])
    sys.stdout.write(f"all: near, apart {model.coef_[0]}, bias {model.intercept_[0]}, from {bound}\n")
    bounds = [0.7, 0.8, 0.85, 0.9, 0.95]
    for file in files:
        for size, group in zip(SIZES, found[file], strict=True):
            judge(f"in use, {file.parent.name}/{file.name}, {size}", group, in_use(group), bounds)
    group = await rows(embedder, None, sample())
    judge(
        "the sample, by the new weights", group, model.predict_proba(features(group))[:, 1].tolist(), [bound]
    )
    judge("the sample, in use", group, in_use(group), bounds)


async def by_words(files: Sequence[Path]) -> None:
    """Judge what is in use without a model."""
    for file in files:
        group = await rows(None, *drawn(file, SIZES[-1]))
        judge(f"words alone, {file.parent.name}/{file.name}", group, in_use(group), [0.8, 0.9])


async def main(files: Sequence[Path]) -> None:
    folder = available()
    if folder is None:
        raise SystemExit("The embedding model is not here: llmos models pull all-minilm-l6-v2")
    asked.SAME, asked.SAME_BY_WORDS = 0.0, 0.5
    await by_meaning(Remembering(Embedder(folder)), files)
    await by_words(files)


if __name__ == "__main__":
    asyncio.run(main([Path(each) for each in sys.argv[1:]]))
