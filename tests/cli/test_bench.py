"""`llmos bench`: that it measures what it says; how much is for docs/performance.md."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.bench.rules import rules_for_bench
from tests.cli.operator import Operator


@pytest.mark.drives("cli:bench pipeline")
def test_every_message_of_the_benchmark_is_a_row_in_the_file(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "bench.db"
    outcome = operator.types("bench", "pipeline", "--messages", "500", "--db", str(file), "--json")
    report = json.loads(outcome.out)
    assert (report["messages"], report["lost"], report["duplicated"], report["rules"]) == (500, 0, 0, 0)
    assert report["per_second"] > 0
    assert 0 < report["p50_ms"] <= report["p99_ms"]
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM messages").fetchone() == (500,)


def test_a_rate_is_kept(operator: Operator) -> None:
    outcome = operator.types("bench", "pipeline", "--messages", "200", "--rate", "1000", "--json")
    assert json.loads(outcome.out)["seconds"] >= 0.19


def test_rules_look_at_every_message_and_leave_ordinary_talk_alone(
    operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "bench.db"
    outcome = operator.types(
        "bench", "pipeline", "--messages", "300", "--rules", "40", "--db", str(file), "--json"
    )
    report = json.loads(outcome.out)
    assert (report["rules"], report["lost"], report["duplicated"]) == (40, 0, 0)
    names = [rule.name for rule in rules_for_bench(40)]
    assert len(set(names)) == 40
    assert rules_for_bench(200)[:40] == rules_for_bench(40)


def test_slow_answers_are_written_beside_the_messages(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "bench.db"
    outcome = operator.types(
        "bench", "pipeline", "--messages", "300", "--answers", "3", "--db", str(file), "--json"
    )
    report = json.loads(outcome.out)
    assert (report["messages"], report["answers"], report["lost"], report["duplicated"]) == (300, 3, 0, 0)
    with closing(sqlite3.connect(file)) as database:
        answered = database.execute("SELECT count(*) FROM messages WHERE outcome = 'answered'").fetchone()
    assert answered == (3,)


def test_more_rules_than_a_community_has_are_not_measured(operator: Operator) -> None:
    outcome = operator.types("bench", "pipeline", "--rules", "501")
    assert outcome.code != 0
    assert "500" in outcome.err + outcome.out


def test_a_concurrency_that_is_no_number_is_explained(operator: Operator) -> None:
    outcome = operator.types("bench", "llm", "--concurrency", "1,many")
    assert outcome.code == 2
    assert "1,4,8" in outcome.err


def test_people_read_a_line_for_each_number(operator: Operator) -> None:
    outcome = operator.types("bench", "pipeline", "--messages", "100")
    lines = dict(line.split(None, 1) for line in outcome.out.splitlines())
    assert lines["messages"] == "100"
    assert float(lines["per_second"]) > 0


@pytest.mark.drives("cli:bench recommend")
def test_recommending_is_measured_beside_a_peer_and_reasons_are_checked(operator: Operator) -> None:
    coffee = Path(__file__).parent.parent / "recommend" / "coffee_se" / "interactions.csv"
    outcome = operator.types("bench", "recommend", "--sizes", "1", "--interactions", str(coffee), "--json")
    report = json.loads(outcome.out)
    costs = report["sizes"]["1"]
    assert (costs["members"], costs["threads"], costs["interactions"]) == (1_000, 2_000, 100_000)
    assert 0 < costs["recommend_ms"]["p50"] <= costs["recommend_ms"]["p95"]
    assert costs["als"]["refit_seconds"] > 0
    assert report["reasons"].keys() == {"blend", "item_knn", "ease"}
    assert report["reasons"]["item_knn"]["lists"] > 0


def test_sizes_that_are_no_numbers_are_explained(operator: Operator) -> None:
    outcome = operator.types("bench", "recommend", "--sizes", "big")
    assert outcome.code == 2
    assert "--sizes" in outcome.err
