"""The benchmark of lists asks a real database, and gets lists."""

from bot.bench.live import measured
from tests.recommend.communities import two_tastes


def test_everything_is_measured() -> None:
    community = two_tastes()
    told = measured(community)
    assert told["interactions"] == len(community)
    for name in ("recommend_ms", "recommend_cpu_ms", "store_and_fold_ms"):
        spent = told[name]
        assert isinstance(spent, dict)
        assert 0 < spent["p50"] <= spent["p95"] <= spent["max"]
