"""Sources are read within bounds; what cannot be read is named, and nothing else is lost."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.errors import ConfigError
from bot.knowledge import ingest
from bot.knowledge.document import Document
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


def test_of_a_checkout_only_tracked_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / "kept.md").write_text("kept", "utf-8")
    (folder / "draft.md").write_text("not tracked", "utf-8")
    subprocess.run(["git", "-C", str(folder), "add", "kept.md"], check=True)
    assert [each.id for each in taken(folder)[0]] == ["repo/kept.md"]


def test_a_pdf_is_read(tmp_path: Path) -> None:
    file = tmp_path / "guide.pdf"
    file.write_bytes(pdf(shown("The umbrella is here"), shown("and the boat there")))
    (found,), problems = taken(file)
    assert problems == []
    assert "umbrella is here" in found.text
    assert "boat there" in found.text


def test_a_pdf_that_unpacks_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MAX_PDF_CHARACTERS", 10_000)
    file = tmp_path / "bomb.pdf"
    file.write_bytes(pdf(*[shown("z" * 6_000)] * 50))
    (found,), problems = taken(file)
    assert len(found.text) <= 10_000
    assert problems == [("bomb.pdf", "only its first 2 pages were read")]


def test_a_page_that_unpacks_to_a_hundred_megabytes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.pdf"
    file.write_bytes(pdf(b" " * 150_000_000))
    assert file.stat().st_size < 1_000_000
    found, problems = taken(file)
    assert found == []
    assert [where for where, _ in problems] == ["bomb.pdf"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"no pdf at all", b"%PDF-1.4\nxref\n0 999999999\n"])
def test_what_is_no_pdf_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.pdf"
    file.write_bytes(content)
    found, problems = taken(file)
    assert found == []
    assert [where for where, _ in problems] == ["broken.pdf"]


def test_a_file_that_is_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MAX_BYTES", 10)
    file = tmp_path / "long.txt"
    file.write_text("x" * 11, "utf-8")
    assert taken(file) == ([], [("long.txt", "it is larger than 0 MB")])


@pytest.mark.parametrize("source", ["https://example.org/handbook.md", "file:///etc/passwd"])
def test_addresses_are_refused_with_what_to_do(source: str) -> None:
    with pytest.raises(ConfigError, match="reads files and folders only"):
        taken(source)


def test_what_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file or folder"):
        taken(tmp_path / "nowhere")
