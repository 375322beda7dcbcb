"""`make bench-matrix`: that it measures what it says; how much is for docs/performance.md."""

import json
from dataclasses import asdict
from pathlib import Path

from tests.bench.matrix import Counts, measured
from tests.labs.synapse import Synapse

TINY = Counts(questions=2, messages=6, rate=8, people=4, rooms=2, seconds=1, settle_s=0)


async def test_it_measures_ours_and_the_peer_and_nothing_is_lost(synapse: Synapse, tmp_path: Path) -> None:
    steps: list[str] = []
    report = json.loads(json.dumps(asdict(await measured(synapse, tmp_path, TINY, steps.append))))
    answer, decision, sustained = report["answer"], report["decision"], report["sustained"]
    assert (answer["questions"], decision["messages"], sustained["people"]) == (2, 6, 4)
    encrypted = report["encrypted_answer"]
    for waits in (
        encrypted["ours"],
        encrypted["nio"],
        answer["ours"],
        answer["nio"],
        decision["ours"],
        decision["nio"],
    ):
        assert 0 < waits["p50_ms"] <= waits["p95_ms"] <= waits["p99_ms"]
    assert min(answer["ratio_p50"], decision["ratio_p50"], decision["ratio_p99"]) > 0
    assert (decision["lost"], decision["nio_lost"]) == (0, 0)
    assert (sustained["lost"], sustained["duplicated"], sustained["nio_lost"]) == (0, 0, 0)
    assert sustained["messages"] > 0
    assert min(sustained["cpu_us_per_event"], sustained["nio_cpu_us_per_event"]) > 0
    assert report["memory"]["rooms"] == 2
    assert report["memory"]["idle_rss_mb"] > 0
    assert "idle" in steps
