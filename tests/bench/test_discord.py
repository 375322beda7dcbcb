"""`make bench-discord`: that it measures what it says; how much is for docs/performance.md."""

import json
from dataclasses import asdict
from pathlib import Path

from tests.bench.discord.__main__ import Counts, measured

TINY = Counts(starts=1, questions=2, model_s=2, messages=300, rate=100, seconds=1, members=300, settle_s=0)


async def test_it_measures_ours_and_the_peer_and_nothing_is_lost(tmp_path: Path) -> None:
    steps: list[str] = []
    report = json.loads(json.dumps(asdict(await measured(tmp_path, TINY, steps.append))))
    start, answer, crowd, flood = (report[name] for name in ("start", "answer", "crowd", "flood"))
    steady, memory = report["steady"], report["memory"]
    assert 0 < start["best_s"] <= start["worst_s"]
    assert 0 < start["peer_best_s"] <= start["peer_worst_s"]
    for waits in (answer["ours"], answer["peer"], steady["ours"], steady["peer"]):
        assert 0 < waits["p50_ms"] <= waits["p95_ms"] <= waits["p99_ms"]
    assert (crowd["members"], crowd["at_once"]) == (10, 10)
    assert (crowd["refused"], crowd["peer_refused"]) == (0, 0)
    assert 0 < crowd["first_text"]["mean_s"] <= crowd["first_text"]["max_s"]
    assert 0 < crowd["peer_late"]["mean_s"] <= crowd["peer_late"]["max_s"]
    assert crowd["calls"] >= 20
    assert (flood["messages"], flood["lost"], flood["duplicated"], flood["peer_lost"]) == (300, 0, 0, 0)
    assert min(flood["per_second"], flood["peer_per_second"], flood["ratio"]) > 0
    assert (steady["words"], steady["lost"]) == (50, 0)
    assert steady["messages"] >= 50
    assert memory["members"] == 300
    assert min(memory["idle_mb"], memory["peer_idle_mb"]) > 0
    assert any("members ask at once" in step for step in steps)
