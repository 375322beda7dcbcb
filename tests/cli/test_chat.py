"""`llmos chat` as a program in a pipe."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.sample import community
from bot.sample.knowledge import threads

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.drives("cli:chat")


def chat(folder: Path, *words: str, typed: bytes, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program with the echo engine and a data folder of its own."""
    environ = {
        **os.environ,
        "XDG_DATA_HOME": str(folder),
        "LANG": "C.UTF-8",
        "LLMOS_LLM__ENGINE": "echo",
        "LLMOS_LLM__MODEL": "echo",
        **settings,
    }
    command = [sys.executable, "-m", "bot", "chat", *words]
    return subprocess.run(
        command, input=typed, env=environ, cwd=folder, capture_output=True, timeout=300, check=False
    )


def test_every_line_is_answered_in_order_with_its_later_lines_indented(tmp_path: Path) -> None:
    done = chat(tmp_path, typed="one\n\n/help ask\ntwo 二\n".encode())
    said = done.stdout.decode().splitlines()
    assert done.returncode == 0
    assert [line for line in said if line.startswith("bot> ")][::2] == ["bot> one", "bot> two 二"]
    assert all(line.startswith(("bot> ", "  ")) for line in said)
    assert done.stderr == b""


def test_who_speaks_and_where_is_what_the_options_say(tmp_path: Path) -> None:
    done = chat(tmp_path, "--as", "mia", "--channel", "help", typed=b"/privacy export\n")
    assert b'"user": "mia"' in done.stdout
    assert b"console/console/help" in done.stdout


def test_hostile_bytes_are_answered_and_nothing_reaches_the_terminal(tmp_path: Path) -> None:
    done = chat(
        tmp_path,
        typed=b"\xff\xfe\x00 half \xe4\xbd\n\x1b[2J\x1b]0;owned\x07 escape\n" + b"x" * 1_000_000 + b"\n",
    )
    assert done.returncode == 0
    assert done.stdout.count(b"bot> ") == 3
    assert not any(bytes([code]) in done.stdout for code in (0x00, 0x07, 0x1B))


def test_the_sample_community_is_in_the_database_and_gets_no_answers(tmp_path: Path) -> None:
    done = chat(tmp_path, "--sample", typed=b"hello\n")
    assert done.stdout == b"bot> hello\n"
    with closing(sqlite3.connect(tmp_path / "llmos" / "llmos.db")) as file:
        (handled,) = file.execute("SELECT count(*) FROM inbox").fetchone()
    assert handled > len(community.load().messages)


def test_in_the_sample_community_threads_are_recommended_with_reasons(tmp_path: Path) -> None:
    done = chat(tmp_path, "--sample", typed=b"/recommend 3\n")
    first, *entries = done.stdout.decode().splitlines()
    assert first == "bot> Worth reading for you:"
    assert [line.strip()[:2] for line in entries[::2]] == ["1.", "2.", "3."]
    assert all("people reacted or answered" in line for line in entries[1::2])
    names = {member.name for member in community.load().members.values()}
    assert not any(name in line for name in names for line in entries)


ASKED = b"/ask How do I prune a restic repository faster?\n"
AGAIN = b"#help My kestrel job was killed after four hours, is there a bigger limit?\n"


@dataclass(frozen=True)
class Starts:
    """Three starts with the sample community, shared by tests because each takes long."""

    folder: Path
    first: str
    second: str
    """In the same folder, where questions were asked again in #help."""
    unhinted: str
    """In a folder as the first one left it, where hints were switched off."""


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Starts:
    folder = tmp_path_factory.mktemp("sample")
    first = chat(folder, "--sample", typed=ASKED)
    other = shutil.copytree(folder, tmp_path_factory.mktemp("other") / "copy")
    new = b"#help Where is the best place to see foxes at night?\n"
    second = chat(folder, "--sample", typed=ASKED + new + AGAIN)
    switched_off = b"/channel set duplicates off\n" + AGAIN
    unhinted = chat(other, "--sample", "--channel", "help", typed=switched_off)
    assert [each.stderr for each in (first, second, unhinted)] == [b""] * 3
    return Starts(folder, *(each.stdout.decode() for each in (first, second, unhinted)))


def test_the_sample_communitys_threads_answer_questions_with_links(starts: Starts) -> None:
    """They are known from the first start on."""
    for said in (starts.first, starts.second):
        assert "bot> This is what I found:\n  > " in said
        assert "[1] restic prune takes nine hours on the REST server https://lamplight.example/" in said
    with closing(sqlite3.connect(starts.folder / "llmos" / "llmos.db")) as file:
        (documents,) = file.execute("SELECT count(DISTINCT document) FROM passages").fetchone()
    assert documents == len(list(threads(community.load())))


def test_both_sides_of_a_case_can_be_played_as_the_guide_for_moderators_shows(tmp_path: Path) -> None:
    """With the sample community and the default configuration; only who types and which model are set."""
    transcript = (ROOT / "docs/moderators/queue.md").read_text(encoding="utf-8").split("```text\n")[1]
    lines = [line for line in transcript.split("\n```\n")[0].splitlines() if line not in ("", "…")]
    typed = [line for line in lines if line.startswith("/")]
    done = chat(tmp_path, "--sample", "--as", "ann", typed="\n".join(typed).encode())
    assert (done.returncode, done.stderr) == (0, b"")
    left = iter(done.stdout.decode().splitlines())
    for promised in lines:
        if not promised.startswith("/"):
            assert any(line.startswith(promised.removesuffix("…")) for line in left), promised


def test_what_is_asked_again_in_the_samples_help_channel_gets_a_hint(starts: Starts) -> None:
    answered, hint = starts.second.split("bot> [#help] ")
    assert answered.count("bot> ") == 1
    assert hint.startswith("This was answered before, in My kestrel job was killed")
    assert "https://lamplight.example/help/help-031\n  > " in hint
    assert "`/knowledge solved 1 yes`" in hint
    assert "bot> " not in hint
    assert starts.unhinted.count("bot> ") == 1


def test_what_was_said_yesterday_is_still_there_today(tmp_path: Path) -> None:
    chat(tmp_path, typed=b"remember the lighthouse\n")
    done = chat(tmp_path, typed=b"/privacy export\n")
    assert b"remember the lighthouse" in done.stdout


def test_a_wrong_setting_is_a_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = chat(tmp_path, typed=b"hello\n", LLMOS_LLM__ENGINE="ecko")
    assert done.returncode == 2
    assert b"llm.engine" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_database_that_is_none_is_a_sentence_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "llmos").mkdir()
    (tmp_path / "llmos" / "llmos.db").write_bytes(b"this is no database " * 500)
    done = chat(tmp_path, typed=b"hello\n")
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"llmos.db" in done.stderr
