"""Sources are read within bounds; what cannot be read is named, and nothing else is lost."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.errors import ConfigError
from bot.knowledge import extracting, ingest
from bot.knowledge.chunking import chunks
from bot.knowledge.document import Document
from bot.knowledge.extracting import Limits, extract
from bot.knowledge.ingest import Reading, read
from tests.knowledge.pdf import pdf, shown


def taken(source: Path | str) -> tuple[list[Document], list[tuple[str, str]]]:
    reading = Reading()
    found = list(read(str(source), reading))
    assert reading.documents == len(found)
    return found, reading.problems


def test_lines_become_documents(tmp_path: Path) -> None:
    file = tmp_path / "threads.jsonl"
    lines = [
        {
            "id": "a",
            "title": "T",
            "text": "one",
            "created_at": "2026-01-05T10:00:00+02:00",
            "link": "https://x",
        },
        {"id": 7, "text": "two", "created_at": 1_767_600_000, "more": "is ignored"},
        {"id": "c", "title": "only a title", "text": ""},
    ]
    file.write_text("\n\n".join(map(json.dumps, lines)), encoding="utf-8-sig")
    found, problems = taken(file)
    assert problems == []
    assert [(each.id, each.title, each.text) for each in found] == [
        ("a", "T", "one"),
        ("7", "", "two"),
        ("c", "only a title", "only a title"),
    ]
    assert found[0].sections[0].at == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert found[0].sections[0].link == "https://x"


def test_broken_lines_are_named_and_the_others_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "threads.jsonl"
    good = json.dumps({"id": "a", "text": "fine"}).encode()
    bad = [
        b"{",
        b'{"id": "b"}',
        b'{"id": "", "text": "x"}',
        b"\xff\xfe",
        b'{"id":"d","text":"x","created_at":"soon"}',
    ]
    file.write_bytes(b"\n".join([*bad, good, b"[" * 100_000]))
    found, problems = taken(file)
    assert [each.id for each in found] == ["a"]
    assert [where for where, _ in problems] == [f"threads.jsonl, line {n}" for n in (1, 2, 3, 4, 5, 7)]
    assert "text" in problems[1][1]


def test_a_line_that_is_too_long_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MAX_LINE_BYTES", 100)
    file = tmp_path / "threads.jsonl"
    file.write_text(
        json.dumps({"id": "a", "text": "x" * 1000}) + "\n" + json.dumps({"id": "b", "text": "y"}), "utf-8"
    )
    found, problems = taken(file)
    assert [each.id for each in found] == ["b"]
    assert problems[0][0] == "threads.jsonl, line 1"


def test_a_folder_is_read_without_binaries_links_and_what_is_hidden(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "node_modules").mkdir()
    (folder / "a.md").write_text("# Title of A\ntext", "utf-8")
    (folder / "sub" / "b.txt").write_text("text of b", "utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG\0")
    (folder / "fake.txt").write_bytes(b"looks\0binary")
    (folder / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (folder / ".hidden" / "c.md").write_text("secret", "utf-8")
    (folder / "node_modules" / "d.md").write_text("packages", "utf-8")
    (tmp_path / "outside.md").write_text("outside", "utf-8")
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    found, problems = taken(folder)
    assert [(each.id, each.title) for each in found] == [("docs/a.md", "Title of A"), ("docs/sub/b.txt", "b")]
    assert [where for where, _ in problems] == ["docs/fake.txt", "docs/latin.txt"]


def checkout(folder: Path, *tracked: str) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", "--force", *tracked], check=True)


def test_of_a_checkout_only_tracked_texts_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    (folder / "src").mkdir(parents=True)
    (folder / "kept.md").write_text("kept", "utf-8")
    (folder / "src" / "app.py").write_text("# a comment\nanswer = 42", "utf-8")
    (folder / "LICENSE").write_text("do as you like", "utf-8")
    for name in ("picture.png", "data.bin"):
        (folder / name).write_bytes(b"\x89\0\1")
    for name in ("draft.md", "packages.lock", "app.min.js", ".env"):
        (folder / name).write_text("not wanted", "utf-8")
    (folder / "table.json").write_text(" " * (ingest.MAX_CODE_BYTES + 1), "utf-8")
    (folder / ".gitignore").write_text("draft.md", "utf-8")
    wanted = ("kept.md", "src/app.py", "LICENSE")
    checkout(folder, *wanted, "picture.png", "data.bin", "packages.lock", "app.min.js", ".env", "table.json")
    found, problems = taken(folder)
    assert problems == []
    assert {each.id: (each.title, each.plain) for each in found} == {
        "repo/kept.md": ("kept", False),
        "repo/src/app.py": ("repo/src/app.py", True),
        "repo/LICENSE": ("LICENSE", False),
    }
    assert [chunk.heading for each in found for chunk in chunks(each)] == ["", "", ""]


def test_of_a_folder_of_a_checkout_only_what_is_tracked_there_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "repo" / "docs"
    folder.mkdir(parents=True)
    (folder / "kept.md").write_text("kept", "utf-8")
    (folder / "draft.md").write_text("not tracked", "utf-8")
    (tmp_path / "repo" / "above.md").write_text("above", "utf-8")
    checkout(tmp_path / "repo", "docs/kept.md", "above.md")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert [each.id for each in taken(folder)[0]] == ["docs/kept.md"]


def test_where_git_cannot_list_that_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / ".git").write_text("gitdir: nowhere", "utf-8")
    (folder / "a.md").write_text("text", "utf-8")
    reading = Reading()
    assert [each.id for each in read(str(folder), reading)] == ["repo/a.md"]
    assert reading.notes == [(str(folder), "git could not list it, so what it ignores was read too.")]


def test_nothing_of_a_checkout_is_run(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "a.md").write_text("text", "utf-8")
    checkout(folder, "a.md")
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", "utf-8")
    spy.chmod(0o700)
    for name in ("core.fsmonitor", "core.pager", "core.editor", "filter.x.clean"):
        subprocess.run(["git", "-C", str(folder), "config", name, str(spy)], check=True)
    assert [each.id for each in taken(folder)[0]] == ["repo/a.md"]
    assert not (tmp_path / "ran").exists()


def test_pages_and_pdfs_are_read_with_their_titles(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.html").write_text("<title>Rules</title><h1>Rules</h1><p>Be kind.</p>", "utf-8")
    (folder / "b.pdf").write_bytes(pdf(shown("The umbrella is here"), shown("and the boat there")))
    found, problems = taken(folder)
    assert problems == []
    assert [each.title for each in found] == ["Rules", "b"]
    assert found[1].text == "The umbrella is here\n\nand the boat there"


def test_what_was_read_in_part_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extracting, "USUAL", Limits(pages=2))
    monkeypatch.setattr(extract, "__defaults__", ("", Limits(pages=2)))
    file = tmp_path / "long.pdf"
    file.write_bytes(pdf(*[shown("line")] * 5))
    reading = Reading()
    assert [each.id for each in read(str(file), reading)] == ["long.pdf"]
    assert reading.notes == [("long.pdf", "Only the first 2 of its 5 pages were read.")]


@pytest.mark.parametrize("content", [b"", b"no pdf at all", pdf(b" " * 150_000_000)])
def test_a_pdf_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.pdf"
    file.write_bytes(content)
    found, problems = taken(file)
    assert found == []
    assert [where for where, _ in problems] == ["broken.pdf"]


def test_a_file_that_is_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MAX_BYTES", 10)
    file = tmp_path / "long.txt"
    file.write_text("x" * 11, "utf-8")
    found, ((where, why),) = taken(file)
    assert (found, where) == ([], "long.txt")
    assert "larger than 0 MB" in why


def test_what_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file or folder"):
        taken(tmp_path / "nowhere")
