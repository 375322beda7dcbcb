"""`llmos knowledge`: add, ask, compare, measure, list, remove, with the operator's own files."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from bot.llm.catalogue import MODELS_DIR_VARIABLE
from bot.sample.community import load
from bot.sample.knowledge import documents
from tests.cli.operator import Operator
from tests.knowledge.site import Site, answer, thread_of

LINES = [
    {
        "id": "names",
        "title": "昵称规则",
        "text": "两到十二个字。三十天只能改一次。",
        "link": "https://example.org/1",
    },
    {
        "id": "mail",
        "title": "Mail lands in spam",
        "text": "Why is my mail spam?\n\nSet a PTR record for the address.",
        "created_at": "2026-01-05T10:00:00Z",
        "link": "https://example.org/2",
    },
]


@pytest.fixture(autouse=True)
def _no_model(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words only: what a model adds is measured in tests/knowledge."""
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(operator.folder / "no-models"))
    operator.writes('[bot]\ndata_dir = "data"\n')


def added(operator: Operator, *lines: object) -> Path:
    file = operator.folder / "threads.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines or LINES), encoding="utf-8")
    outcome = operator.types("knowledge", "add", str(file))
    assert outcome.code == 0, outcome.err
    return file


@pytest.mark.drives("cli:knowledge add")
def test_a_file_is_added_and_what_is_wrong_with_it_is_named(operator: Operator) -> None:
    file = operator.folder / "threads.jsonl"
    file.write_text("\n".join([json.dumps(LINES[0]), "{", json.dumps(LINES[1])]), encoding="utf-8")
    outcome = operator.types("knowledge", "add", str(file), "--json")
    assert outcome.code == 0
    report = json.loads(outcome.out)
    assert (report["documents"], report["passages"]) == (2, 2)
    assert [problem["where"] for problem in report["left_out"]] == ["threads.jsonl, line 2"]
    assert "threads.jsonl, line 2: left out" in outcome.err


def test_what_was_added_is_told_in_a_sentence_and_without_the_model_that_is_said(operator: Operator) -> None:
    (operator.folder / "guide.md").write_text("# Guide\ntext", encoding="utf-8")
    outcome = operator.types("knowledge", "add", "guide.md")
    assert outcome.out == "1 document is in, as 1 passages.\n"
    assert "llmos models pull all-minilm-l6-v2" in outcome.err


@pytest.mark.parametrize(
    "source",
    ["http://127.0.0.1/a.md", "https://localhost/", "http://[::1]/", "file:///etc/passwd", "nowhere"],
)
def test_a_source_that_cannot_be_read_is_wrong_usage(operator: Operator, source: str) -> None:
    outcome = operator.types("knowledge", "add", source)
    assert outcome.code == 2
    assert outcome.err.endswith(".\n")


@pytest.mark.drives("cli:knowledge ask")
def test_a_question_is_answered_with_its_source(operator: Operator) -> None:
    added(operator)
    report = json.loads(operator.types("knowledge", "ask", "why is my mail spam?", "--json").out)
    assert report["answer"] == "Set a PTR record for the address. [1]"
    assert report["abstained"] is False
    assert 0.5 <= report["confidence"] <= 1
    assert report["sources"] == [
        {
            "id": "mail",
            "title": "Mail lands in spam",
            "link": "https://example.org/2",
            "quote": "Set a PTR record for the address.",
        }
    ]
    shown = operator.types("knowledge", "ask", "昵称规则").out
    assert "三十天只能改一次。 [1]\n\n[1] 昵称规则 https://example.org/1\n" in shown


def test_what_is_not_known_is_said(operator: Operator) -> None:
    added(operator)
    outcome = operator.types("knowledge", "ask", "How far is Zanzibar?")
    assert (outcome.code, outcome.out) == (0, "I could not find this in what I know.\n")


def test_an_address_is_added_and_cited(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    page = "<title>Hours</title><h1>Hours</h1><p>We open at nine, but never on Mondays.</p>"
    with thread_of(Site({"/hours": answer(page.encode())})) as site:
        monkeypatch.setattr("bot.cli.knowledge.Fetcher", lambda allowed: site.fetcher())
        outcome = operator.types("knowledge", "add", site.address("/hours"))
        assert outcome.out == "1 document is in, as 1 passages.\n", outcome.err
        report = json.loads(operator.types("knowledge", "ask", "when do you open?", "--json").out)
        assert report["sources"][0]["link"] == site.address("/hours")
        failed = operator.types("knowledge", "add", site.address("/nowhere"))
    assert failed.code == 2
    assert f"Nothing was added from {site.address('/nowhere')}. Nothing stands at that address" in failed.err


def test_a_checkout_is_added_with_what_is_wrong_in_it(operator: Operator) -> None:
    folder = operator.folder / "repo"
    folder.mkdir()
    (folder / "a.md").write_text("# Hours\nWe open at nine.", encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4")
    (folder / "draft.md").write_text("not tracked", encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", "a.md", "broken.pdf"], check=True)
    outcome = operator.types("knowledge", "add", "repo", "--json")
    report = json.loads(outcome.out)
    assert (report["documents"], report["passages"], report["notes"]) == (1, 1, [])
    assert [each["where"] for each in report["left_out"]] == ["repo/broken.pdf"]
    assert "repo/broken.pdf: left out. It is broken" in outcome.err


def test_a_terminal_is_shown_how_far_it_is(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = operator.folder / "docs"
    folder.mkdir()
    for name in ("a.md", "b.md", "c.txt"):
        (folder / name).write_text("# Hours\nWe open at nine.", encoding="utf-8")
    assert "3/3" not in operator.types("knowledge", "add", "docs").err
    monkeypatch.setenv("FORCE_COLOR", "1")
    outcome = operator.types("knowledge", "add", "docs")
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", outcome.err)
    assert re.search(r"files +\S+ 3/3", shown), shown
    assert re.search(r"documents .* 3/\?", shown), shown


def test_a_community_of_its_own_is_asked_apart(operator: Operator) -> None:
    file = added(operator)
    operator.types("knowledge", "add", str(file), "--community", "discord/1")
    operator.types("knowledge", "remove", "mail")
    here = operator.types("knowledge", "ask", "why is my mail spam?", "--community", "discord/1", "--json")
    assert json.loads(here.out)["sources"][0]["id"] == "mail"
    assert json.loads(operator.types("knowledge", "ask", "why is my mail spam?", "--json").out)["abstained"]


@pytest.mark.drives("cli:knowledge similar")
def test_pairs_are_compared_in_order(operator: Operator) -> None:
    pairs = [
        {"id": "a", "text": "How do I restart the server?", "text_b": "how to restart the server"},
        {"id": 2, "text": "How do I restart the server?", "text_b": "Who reads books on Sunday?"},
    ]
    outcome = operator.types("knowledge", "similar", answers="\n\n".join(map(json.dumps, pairs)))
    found = [json.loads(line) for line in outcome.out.splitlines()]
    assert [each["id"] for each in found] == ["a", "2"]
    assert found[0]["duplicate"] > 0.5 > found[1]["duplicate"]


def test_a_pair_that_is_none_is_named_by_its_line(operator: Operator) -> None:
    outcome = operator.types("knowledge", "similar", answers='\n{"id": "a", "text": "x"}')
    assert outcome.code == 2
    assert "Line 2" in outcome.err
    assert "text_b" in outcome.err


@pytest.mark.drives("cli:knowledge evaluate")
def test_answers_are_measured(operator: Operator) -> None:
    added(operator)
    questions = operator.folder / "questions.jsonl"
    lines = [
        {"question": "why is my mail spam?", "relevant": ["mail"], "held_back": False},
        {"question": "How far is Zanzibar?", "relevant": []},
    ]
    questions.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    outcome = operator.types("knowledge", "evaluate", "--questions", str(questions), "--json")
    assert json.loads(outcome.out) == {
        "questions": 2,
        "unanswerable": 1,
        "recall@5": 1.0,
        "mrr": 1.0,
        "supported": 1.0,
        "abstention_precision": 1.0,
        "abstention_recall": 1.0,
    }
    assert (
        "recall@5               1.0"
        in operator.types("knowledge", "evaluate", "--questions", str(questions)).out
    )


def test_questions_that_cannot_be_read_are_wrong_usage(operator: Operator) -> None:
    assert operator.types("knowledge", "evaluate", "--questions", "nowhere.jsonl").code == 2
    operator.writes('{"question": "why?"}', "questions.jsonl")
    outcome = operator.types("knowledge", "evaluate", "--questions", "questions.jsonl")
    assert outcome.code == 2
    assert "Line 1 cannot be used: relevant" in outcome.err


@pytest.mark.drives("cli:knowledge list", "cli:knowledge remove")
def test_documents_are_listed_and_removed(operator: Operator) -> None:
    assert "Nothing was added yet" in operator.types("knowledge", "list").out
    added(operator)
    listed = json.loads(operator.types("knowledge", "list", "--json").out)["documents"]
    assert [(each["id"], each["title"], each["passages"]) for each in listed] == [
        ("names", "昵称规则", 1),
        ("mail", "Mail lands in spam", 1),
    ]
    assert operator.types("knowledge", "remove", "mail").out == "1 passage is removed.\n"
    assert operator.types("knowledge", "list").out == "names  1  昵称规则\n"
    assert json.loads(operator.types("knowledge", "ask", "why is my mail spam?", "--json").out)["abstained"]
    wrong = operator.types("knowledge", "remove", "mail")
    assert (wrong.code, "no document mail" in wrong.err) == (1, True)


def test_postgres_is_refused_before_anything_is_read(operator: Operator) -> None:
    operator.writes('[storage]\nurl = "postgresql://nobody@127.0.0.1:9/llmos"\n')
    outcome = operator.types("knowledge", "add", "threads.jsonl")
    assert outcome.code == 1
    assert "SQLite" in outcome.err


def test_threads_of_the_sample_community_are_documents_without_the_moderators() -> None:
    told = list(documents(load()))
    assert len(told) > 200
    assert not [line for line in told if line["id"].startswith("mods-")]
    assert "dlscord-gift" not in json.dumps(told)
