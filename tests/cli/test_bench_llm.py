"""`llmos bench llm` on a tiny model and in this process: that every number is there, not how large it is."""

import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from bot.bench import llm
from tests.cli.operator import Operator
from tests.llm.test_gguf import write_gguf

P = ParamSpec("P")
T = TypeVar("T")


class Here(Executor):
    """Where the benchmark takes a process of its own for each measurement, which costs seconds."""

    def __init__(self, max_workers: int, mp_context: SpawnContext) -> None:
        """As ProcessPoolExecutor."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@pytest.mark.drives("cli:bench llm")
def test_the_engines_are_measured_next_to_pipeline(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_gguf(tmp_path / "tiny.gguf", context_tokens=4096)
    monkeypatch.setattr(llm, "MODEL", str(file))
    monkeypatch.setattr(llm, "ENGINES", {"transformers": "torch"})
    monkeypatch.setattr(llm, "ProcessPoolExecutor", Here)
    outcome = operator.types("bench", "llm", "--concurrency", "1,8", "--json")
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    baseline = report["pipeline"]["1"]
    assert baseline["answers"] == len(llm.QUESTIONS)
    rows = report["engines"]["transformers"]
    assert list(rows) == ["1", "8"]
    for row in rows.values():
        assert row["answers"] == len(llm.QUESTIONS)
        assert min(row[key] for key in ("tokens", "ttft_ms", "tokens_per_second", "rss_mb")) > 0
        ratio = row["tokens_per_cpu_second"] / baseline["tokens_per_cpu_second"]
        assert row["ratio_to_pipeline"] == pytest.approx(ratio, abs=0.01, rel=0.01)
    assert len(report["reuse"]["with"]["ttft_ms"]) == len(report["reuse"]["without"]["ttft_ms"]) == llm.TURNS
    assert report["reuse"]["ratio"] > 0
    assert report["warm_start"]["gguf"]["cpu_seconds"] > report["warm_start"]["converted"]["cpu_seconds"] > 0


def test_a_model_that_is_not_here_says_how_to_fetch_it(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_MODELS_DIR", str(tmp_path))
    monkeypatch.setattr(llm, "ProcessPoolExecutor", Here)
    outcome = operator.types("bench", "llm", "--json")
    assert outcome.code == 1
    assert "llmos models pull smollm2-135m" in outcome.err
