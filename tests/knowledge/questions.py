"""Questions about the sample community's threads, written from the threads alone, before any index."""

import json
from pathlib import Path

from bot.knowledge.evaluation import Question

HERE = Path(__file__).parent


def golden(*, held_back: bool | None = None) -> list[Question]:
    """The golden set, or its third that was never looked at, or the rest."""
    rows = [json.loads(line) for line in (HERE / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Question(row["question"], tuple(row["relevant"]))
        for row in rows
        if held_back is None or row["held_back"] == held_back
    ]


def calibration() -> list[Question]:
    """More questions, of the kinds that are hard to tell apart, to fit the confidence on."""
    rows = [
        json.loads(line) for line in (HERE / "calibration.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [Question(row["question"], tuple(row["relevant"])) for row in rows]
