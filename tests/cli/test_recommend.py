"""`llmos recommend evaluate` and `fit` as an operator calls them."""

import asyncio
import json
import subprocess
import sys
from contextvars import copy_context
from pathlib import Path

import pytest

from tests.cli.keeping import CONFIG, place
from tests.cli.operator import Operator
from tests.messages import CHANNEL, EPOCH
from tests.recommend.communities import of_two_tastes
from tests.storage.house import Clock, Place

COFFEE = Path(__file__).parent.parent / "recommend" / "coffee_se"
FILES = "--interactions", str(COFFEE / "interactions.csv"), "--threads", str(COFFEE / "threads.csv")


@pytest.mark.drives("cli:recommend evaluate")
def test_json_is_one_document_with_all_that_is_promised(operator: Operator) -> None:
    done = operator.types("recommend", "evaluate", *FILES, "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["events"] == {"train": 517, "scored": 17, "skipped": {"few_threads": 2, "opening": 16}}
    names = "newest", "hn", "recent_popularity", "user_knn", "item_knn", "ease", "blend", "blend_without_cf"
    assert set(names) <= told["models"].keys()
    for model in told["models"].values():
        assert model.keys() >= {"ndcg@10", "hit@10", "coverage", "gini", "fit_seconds", "us_per_query"}
        assert 0 <= model["ndcg@10"] <= model["hit@10"] <= 1
    pairs = {(each["a"], each["b"]): each for each in told["comparisons"]}
    for pair in (("blend", "hn"), ("blend", "blend_without_cf")):
        assert pairs[pair]["metric"] == "ndcg@10"
        assert pairs[pair]["n_users"] == 9
        assert len(pairs[pair]["ci95"]) == 2
    assert told["blend_weights"].keys() == {"youth", "order", "reactions", "recent", "taste"}


def test_people_read_two_tables_with_the_baselines_first(operator: Operator) -> None:
    done = operator.types("recommend", "evaluate", *FILES)
    lines = done.out.splitlines()
    assert lines[0] == "517 interactions to learn from, 17 choices scored."
    assert lines[1] == "Not scored: few_threads 2, opening 16."
    assert [line.split()[0] for line in lines[4:7]] == ["newest", "hn", "recent_popularity"]
    assert any(line.startswith("blend - hn ") and "…" in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert done.err == "", "no bar where nobody sees it"


def test_kinds_and_splits_are_chosen(operator: Operator) -> None:
    def events(*options: str) -> dict[str, int]:
        counted: dict[str, int] = json.loads(
            operator.types("recommend", "evaluate", *FILES, "--json", *options).out
        )["events"]
        return counted

    assert events("--kind", "answer")["train"] < 517
    assert events("--split", "0.5")["train"] < 450
    assert events("--min-threads", "1")["scored"] == 19


def test_a_chart_is_written(operator: Operator) -> None:
    chart = operator.folder / "chart.png"
    assert operator.types("recommend", "evaluate", *FILES, "--plot", str(chart)).code == 0
    assert chart.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["chart.docx", "nowhere/chart.png"])
def test_a_chart_that_cannot_be_written_is_refused_before_the_work(operator: Operator, name: str) -> None:
    done = operator.types("recommend", "evaluate", "--interactions", "missing.csv", "--plot", name)
    assert done.code == 2
    assert "chart" in done.err or "folder" in done.err


def test_wrong_files_are_told_with_their_row(operator: Operator) -> None:
    path = operator.writes("user,thread,timestamp\nann,t1,100\nann,t1,100\nbob,t2,50\n", "wrong.csv")
    done = operator.types("recommend", "evaluate", "--interactions", str(path))
    assert (done.code, done.out) == (2, "")
    assert "row 3: the same user, thread, timestamp and kind" in done.err
    assert "row 4: it is older than the row before it" in done.err


def test_too_little_to_score_is_told(operator: Operator) -> None:
    path = operator.writes("user,thread,timestamp\nann,t1,100\n", "short.csv")
    done = operator.types("recommend", "evaluate", "--interactions", str(path))
    assert done.code == 2
    assert "Nothing to learn from or nothing to score" in done.err


def test_the_operators_language_is_spoken(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    path = operator.writes("user,thread,timestamp\n", "empty.csv")
    context = copy_context()  # the language of this test alone
    done = context.run(operator.types, "recommend", "evaluate", "--interactions", str(path))
    assert "没有互动记录" in done.err


def test_the_command_line_stays_fast() -> None:
    """Neither numpy nor what stands on it is imported before it is needed."""
    code = (
        "import sys; from bot.cli import build; import bot.cli.recommend, bot.cli.bench;"
        "print({'numpy', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_evaluating_the_blend_needs_no_chart_library() -> None:
    code = "import sys, bot.recommend.evaluate; print({'scipy', 'sklearn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


async def _lived(where: Place) -> None:
    """A community whose members chose by taste."""
    store = await where.open(Clock(EPOCH))
    await store.threads.write(of_two_tastes(CHANNEL, EPOCH))
    await store.close()


@pytest.mark.drives("cli:recommend fit")
def test_every_community_learns_its_weights_and_the_bot_goes_on_with_them(operator: Operator) -> None:
    operator.writes(CONFIG)
    asyncio.run(_lived(place(operator)))
    done = operator.types("recommend", "fit", "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)["memory/home"]
    assert told["new"] is True
    assert told["ndcg@10"] > told["ndcg@10_before"]
    assert told["choices"] >= 100
    ((kept,),) = place(operator).ask("SELECT value FROM policies WHERE name = 'recommend.weights'")
    assert {name: round(value, 4) for name, value in json.loads(str(kept)).items()} == told["weights"]
    again = json.loads(operator.types("recommend", "fit", "--json").out)["memory/home"]
    assert again["ndcg@10_before"] >= told["ndcg@10_before"]
    assert "choices" in operator.types("recommend", "fit").out


def test_without_a_database_there_is_nothing_to_learn_from(operator: Operator) -> None:
    operator.writes(CONFIG)
    assert "nothing to learn from" in operator.types("recommend", "fit").out
    assert json.loads(operator.types("recommend", "fit", "--json").out) == {}
